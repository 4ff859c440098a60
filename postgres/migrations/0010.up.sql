
-- Version 10: causes, which are what failures have in common.
CREATE TABLE later.cause (
  id          bigint PRIMARY KEY,
  first_seen  timestamptz NOT NULL,
  last_seen   timestamptz NOT NULL,
  muted_until timestamptz,
  total       bigint NOT NULL,
  type        text COLLATE "C" NOT NULL,
  error_type  text COLLATE "C" NOT NULL,
  title       text NOT NULL,
  sample      text NOT NULL
);
COMMENT ON TABLE later.cause IS 'What failures have in common. The id is a hash of that.';
COMMENT ON COLUMN later.cause.first_seen IS 'When a job failed with it first';
COMMENT ON COLUMN later.cause.last_seen IS 'When a job failed with it last';
COMMENT ON COLUMN later.cause.muted_until IS 'It raises no attention before';
COMMENT ON COLUMN later.cause.total IS 'Failed attempts';
COMMENT ON COLUMN later.cause.type IS 'Of the jobs';
COMMENT ON COLUMN later.cause.error_type IS 'Go''s type of the error; panic, crash';
COMMENT ON COLUMN later.cause.title IS 'The message, … for what differs from one failure to the next';
COMMENT ON COLUMN later.cause.sample IS 'The whole message of the first failure';
-- those seen last, and those to be forgotten
CREATE INDEX cause_seen ON later.cause (last_seen);

CREATE TABLE later.cause_count (
  cause    bigint NOT NULL,
  at       timestamptz NOT NULL,
  failures bigint NOT NULL,
  PRIMARY KEY (cause, at)
);
COMMENT ON TABLE later.cause_count IS 'How often each cause was met, per ten minutes: for charts';
COMMENT ON COLUMN later.cause_count.cause IS 'Its id';
COMMENT ON COLUMN later.cause_count.at IS 'When the ten minutes begin';
COMMENT ON COLUMN later.cause_count.failures IS 'Failed attempts';

ALTER TABLE later.attempt ADD COLUMN cause bigint;
COMMENT ON COLUMN later.attempt.cause IS 'Of a failure: what it has in common with others';
-- Jobs that failed before this version have none. The indexes hold failures only.
ALTER TABLE later.finished ADD COLUMN cause bigint;
COMMENT ON COLUMN later.finished.cause IS 'Of a failed job: the cause of its error';
CREATE INDEX finished_cause ON later.finished (cause, job_id) WHERE cause IS NOT NULL;
ALTER TABLE later.waiting ADD COLUMN cause bigint;
COMMENT ON COLUMN later.waiting.cause IS 'Of a retrying job: the cause of its error';
CREATE INDEX waiting_cause ON later.waiting (cause, job_id) WHERE cause IS NOT NULL;
