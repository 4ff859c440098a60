-- Version 9: what a process performs, and what is asked of it.
ALTER TABLE later.process ADD COLUMN performs json;
COMMENT ON COLUMN later.process.performs IS 'Names of the types that it has handlers for; NULL: it joined under an older version';

CREATE TABLE later.request (
  id          bigint PRIMARY KEY,
  process_id  bigint NOT NULL,
  job_id      bigint NOT NULL,
  asked_at    timestamptz NOT NULL,
  answered_at timestamptz,
  kind        text COLLATE "C" NOT NULL,
  by          text NOT NULL,
  answer      text
);
COMMENT ON TABLE later.request IS 'What people ask of a process, with its answers. The heartbeat looks here; rows are deleted a few minutes after they were made.';
COMMENT ON COLUMN later.request.id IS 'Random';
COMMENT ON COLUMN later.request.kind IS 'drain, resume, stack';
COMMENT ON COLUMN later.request.job_id IS 'Of stack: the job';
COMMENT ON COLUMN later.request.by IS 'Who asks, for people';
COMMENT ON COLUMN later.request.asked_at IS 'When; one that is not answered expires after a minute';
COMMENT ON COLUMN later.request.answered_at IS 'When the process has answered; NULL: not yet';
COMMENT ON COLUMN later.request.answer IS 'What came of it, for people: a stack, or a sentence';
-- what a heartbeat looks for
CREATE INDEX request_open ON later.request (process_id) WHERE answered_at IS NULL;
