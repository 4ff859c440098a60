-- Version 7: recurring schedules.
CREATE TABLE later.schedule (
  name         text COLLATE "C" PRIMARY KEY,
  revision     bigint NOT NULL,
  next_tick    timestamptz,
  due_at       timestamptz,
  last_tick    timestamptz,
  last_job     bigint NOT NULL,
  paused_at    timestamptz,
  saved_at     timestamptz,
  definition   json NOT NULL,
  code         json NOT NULL,
  pause_reason text NOT NULL
);
COMMENT ON TABLE later.schedule IS 'Recurring schedules. Whoever changes one raises its revision, and has read it before: of two that change it at once the second one fails.';
COMMENT ON COLUMN later.schedule.revision IS 'Raised by every change';
COMMENT ON COLUMN later.schedule.next_tick IS 'The next due instant of the rule';
COMMENT ON COLUMN later.schedule.due_at IS 'When it is to be enqueued; NULL: not at all';
COMMENT ON COLUMN later.schedule.last_tick IS 'The last instant that is dealt with';
COMMENT ON COLUMN later.schedule.last_job IS 'The id of the last job that it enqueued; 0: none';
COMMENT ON COLUMN later.schedule.saved_at IS 'When its definition last changed';
COMMENT ON COLUMN later.schedule.pause_reason IS 'Why, for people';
COMMENT ON COLUMN later.schedule.definition IS 'Rule, zone, policies, and the job that is enqueued';
COMMENT ON COLUMN later.schedule.code IS 'Which programs define it';
-- what is due
CREATE INDEX schedule_due ON later.schedule (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE later.tick (
  schedule text COLLATE "C" NOT NULL,
  tick     timestamptz NOT NULL,
  PRIMARY KEY (schedule, tick)
);
COMMENT ON TABLE later.tick IS 'The instants for which a job was enqueued, so that there is one job for each, whatever else happens. Those of long ago are deleted.';
COMMENT ON COLUMN later.tick.schedule IS 'Its name';
COMMENT ON COLUMN later.tick.tick IS 'When the rule was due, which is not when the job was enqueued';
