-- What the store remembers of the traffic; `inbox` is the attached database of events.

-- name: newest_arrivals  bounded by position, so that the cost does not grow with the inbox
SELECT system, object, key, facts, received_at_ms AS at_ms FROM inbox.event
WHERE position > (SELECT coalesce(max(position), 0) - :newest FROM inbox.event) AND received_at_ms >= :since_ms

-- name: ended
SELECT flow, destination, sum(done) AS done, sum(unchanged) AS unchanged FROM minute WHERE minute >= :minute
GROUP BY flow, destination
