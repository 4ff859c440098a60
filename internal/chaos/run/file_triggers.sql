-- What happens to jobs, written down by the store itself in the same transactions.
CREATE TABLE chaos_move (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, job_id INTEGER NOT NULL, place TEXT NOT NULL,
  token INTEGER, process_id INTEGER, attempt INTEGER NOT NULL, crashes INTEGER NOT NULL, kind INTEGER, run_at INTEGER
);
CREATE TABLE chaos_effect (job_id INTEGER NOT NULL, token INTEGER NOT NULL);
CREATE TRIGGER chaos_ready AFTER INSERT ON later_ready BEGIN
  INSERT INTO chaos_move (at, job_id, place, attempt, crashes)
  VALUES (CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000, new.job_id, 'r', new.attempt, new.crashes);
END;
CREATE TRIGGER chaos_waiting AFTER INSERT ON later_waiting BEGIN
  INSERT INTO chaos_move (at, job_id, place, attempt, crashes, kind, run_at)
  VALUES (CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000, new.job_id, 'w', new.attempt, new.crashes, new.kind, new.run_at);
END;
CREATE TRIGGER chaos_claimed AFTER INSERT ON later_claimed BEGIN
  INSERT INTO chaos_move (at, job_id, place, token, process_id, attempt, crashes)
  VALUES (CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000, new.job_id, 'c', new.token, new.process_id, new.attempt, new.crashes);
END;
CREATE TRIGGER chaos_finished AFTER INSERT ON later_finished BEGIN
  INSERT INTO chaos_move (at, job_id, place, token, process_id, attempt, crashes, kind)
  VALUES (CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000, new.job_id, 'f', new.token, new.process_id, new.attempt, new.crashes, new.status);
END;
