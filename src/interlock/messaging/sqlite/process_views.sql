-- name: processes
SELECT p.delivery, d.flow, p.run, p.version, p.release, p.state, p.began_ms, p.ended_ms
FROM delivery d JOIN process p ON p.delivery = d.id WHERE d.object = ? AND d.key = ? AND d.destination LIKE 'process:%' ORDER BY d.flow

-- name: steps
SELECT s.step, s.part, s.undo, s.kind, s.state, s.output, s.why, s.delivery, s.began_ms, s.ended_ms,
  coalesce(d.state, ''), coalesce(d.destination, ''), coalesce(trim(d.code || ' ' || d.error), ''),
  coalesce((SELECT l.external_id FROM link l WHERE l.object = d.object AND l.key = d.key AND l.system = d.destination AND l.origin = d.system
    AND l.signal = d.signal AND l.external_id <> '' ORDER BY l.written_ms DESC LIMIT 1), '')
FROM process_step s LEFT JOIN delivery d ON d.id = s.delivery WHERE s.process = ? AND s.run = ? ORDER BY s.number
