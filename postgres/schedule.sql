-- The statements of schedules and their ticks.

-- name: schedules
SELECT name, revision, definition::text, code::text, next_tick, due_at, last_tick, last_job, paused_at, pause_reason, saved_at
FROM later.schedule ORDER BY name;

-- name: schedules_named
SELECT name, revision, definition::text, code::text, next_tick, due_at, last_tick, last_job, paused_at, pause_reason, saved_at
FROM later.schedule WHERE name = ANY ($1::text[]) ORDER BY name;

-- name: schedules_due
-- In the order of the index, so that there is one plan only.
SELECT name, revision, definition::text, code::text, next_tick, due_at, last_tick, last_job, paused_at, pause_reason, saved_at
FROM later.schedule WHERE due_at <= $1 AND paused_at IS NULL ORDER BY due_at;

-- name: add_schedule
INSERT INTO later.schedule (name, revision, definition, code, next_tick, due_at, last_tick, last_job, paused_at, pause_reason, saved_at)
VALUES ($1, $2::bigint + 1, $3::text::json, $4::text::json, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (name) DO NOTHING;

-- name: change_schedule
UPDATE later.schedule SET revision = revision + 1, definition = $3::text::json, code = $4::text::json, next_tick = $5, due_at = $6, last_tick = $7, last_job = $8,
  paused_at = $9, pause_reason = $10, saved_at = $11
WHERE name = $1 AND revision = $2;

-- name: note_last_job
UPDATE later.schedule SET last_job = $2 WHERE name = $1;

-- name: add_tick
INSERT INTO later.tick (schedule, tick) VALUES ($1, $2) ON CONFLICT (schedule, tick) DO NOTHING;

-- name: prune_ticks
DELETE FROM later.tick WHERE schedule = $1 AND tick < (SELECT tick FROM later.tick WHERE schedule = $1 ORDER BY tick DESC LIMIT 1 OFFSET $2);

-- name: delete_schedule
DELETE FROM later.schedule WHERE name = $1;

-- name: delete_ticks
DELETE FROM later.tick WHERE schedule = $1;
