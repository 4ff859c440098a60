
-- Version 4: what charts are drawn from.
CREATE TABLE later.rollup (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  span_s    bigint NOT NULL,
  at        timestamptz NOT NULL,
  queue     text COLLATE "C" NOT NULL,
  type      text COLLATE "C" NOT NULL,
  completed bigint NOT NULL,
  retried   bigint NOT NULL,
  postponed bigint NOT NULL,
  failed    bigint NOT NULL,
  cancelled bigint NOT NULL,
  wait      text NOT NULL,
  run       text NOT NULL
);
COMMENT ON TABLE later.rollup IS 'What became of the jobs of a type in a queue within a span of time. Rows are added by each process, never updated; older ones are added up.';
COMMENT ON COLUMN later.rollup.span_s IS 'How long, in seconds';
COMMENT ON COLUMN later.rollup.at IS 'When it begins';
COMMENT ON COLUMN later.rollup.completed IS 'Outcomes of this kind, as the others';
COMMENT ON COLUMN later.rollup.retried IS 'As completed';
COMMENT ON COLUMN later.rollup.postponed IS 'As completed';
COMMENT ON COLUMN later.rollup.failed IS 'As completed';
COMMENT ON COLUMN later.rollup.cancelled IS 'As completed';
COMMENT ON COLUMN later.rollup.wait IS 'Histogram of waits: bucket:count, bucket n below 2^n ms';
COMMENT ON COLUMN later.rollup.run IS 'Histogram of run times';
CREATE INDEX rollup_time ON later.rollup (span_s, at);
