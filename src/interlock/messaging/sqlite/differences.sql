-- name: money_differences
-- The words are those of interlock.mapping.compile; the condition is that of the index, letter by letter, or it would not be used.
SELECT flow, destination, count(*) FROM delivery WHERE instr(warnings, 'is explained by no part of') > 0
GROUP BY flow, destination;
