-- Fields that deliveries left out. Written only by a delivery that left one out.

-- name: note
-- ?1 delivery, ?2 field, ?3 record, ?4 team, ?5 now. One row back: how often it was left out, this time included.
INSERT INTO refused_field (delivery, field, record, team, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (delivery, field) DO UPDATE SET record = excluded.record, team = excluded.team, last_ms = excluded.last_ms, times = times + 1
RETURNING times;

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, 'hub', 'refuse', ?, ?, ?);

-- name: since
-- Per flow, destination and field, what was left out of deliveries whose event was received since then. Nothing is left out before it is
-- received, so the time index serves.
SELECT d.flow, d.destination, r.field, r.record, r.team, count(*) AS deliveries, sum(r.times) AS times, min(r.first_ms) AS first_ms,
       max(r.last_ms) AS last_ms
FROM refused_field r JOIN delivery d ON d.id = r.delivery
WHERE r.last_ms >= :since_ms AND d.received_ms >= :since_ms
GROUP BY d.flow, d.destination, r.field, r.record, r.team
ORDER BY deliveries DESC, d.flow, d.destination, r.field
LIMIT :limit;
