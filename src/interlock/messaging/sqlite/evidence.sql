-- name: active_release
SELECT id, at_ms FROM release WHERE active = 1

-- name: releases
SELECT count(*) FROM release

-- name: seen
-- Through the index on time: objects that nobody touched for long are not looked at.
SELECT system, object, max(last_seen_ms) FROM (
  SELECT system, object, last_seen_ms FROM object ORDER BY last_seen_ms DESC LIMIT :newest)
GROUP BY system, object

-- name: next_way
-- One step of a walk from way to way, so that the minutes in between are not read.
SELECT flow, destination FROM minute WHERE (flow, destination) > (:flow, :destination) ORDER BY flow, destination LIMIT 1

-- name: ran
SELECT coalesce(sum(done + unchanged), 0), coalesce(sum(dead), 0), coalesce(max(minute), 0),
       coalesce(max(minute) FILTER (WHERE done + unchanged > 0), 0)
FROM minute WHERE flow = :flow AND destination = :destination AND minute >= :since AND minute < :until

-- name: letters
SELECT flow, owner, count(*), min(at_ms), json_group_array(DISTINCT reason) FROM dead_letter WHERE closed_ms = 0 GROUP BY flow, owner

-- name: closed
-- Closed by a person: what the router closes for a newer event is nobody's work.
SELECT flow, max(closed_ms) FROM dead_letter WHERE closed_ms > 0 AND resolution <> 'superseded' GROUP BY flow

-- name: actions
SELECT action, max(at_ms) FROM audit GROUP BY action

-- name: down
SELECT destination, changed_ms FROM breaker WHERE state <> 'closed'

-- name: silent
SELECT flow, since_ms FROM silence WHERE ended_ms = 0

-- name: unpaged
SELECT flow, problem FROM silence WHERE ended_ms = 0 AND problem <> ''

-- name: drifts
SELECT system, object, count(*) FROM contract_drift WHERE state = 'open' GROUP BY system, object

-- name: oldest_body
SELECT min(received_at_ms) FROM inbox.event WHERE body IS NOT NULL

-- name: oldest_audit
SELECT at_ms FROM audit ORDER BY id LIMIT 1
