
-- Version 4: what charts are drawn from. Rows are added, never updated: a process writes
-- one a minute for each queue and type that it has worked for; older ones are added up.
CREATE TABLE later_rollup (
  id        INTEGER PRIMARY KEY,
  span_s    INTEGER NOT NULL,     -- how long, in seconds
  at        INTEGER NOT NULL,     -- when it begins
  queue     TEXT NOT NULL,
  type      TEXT NOT NULL,
  completed INTEGER NOT NULL,     -- outcomes
  retried   INTEGER NOT NULL,
  postponed INTEGER NOT NULL,
  failed    INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  wait      TEXT NOT NULL,        -- histogram of waits: bucket:count, bucket n below 2^n ms
  run       TEXT NOT NULL         -- histogram of run times
) STRICT;
-- the spans of a chart, and those that are old enough to be added up
CREATE INDEX later_rollup_time ON later_rollup (span_s, at);
