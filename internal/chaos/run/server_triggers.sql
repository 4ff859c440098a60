-- What happens to jobs, written down by the store itself in the same transactions. A
-- trigger fires at the end of its statement, while the rows that the job has left are
-- locked: the numbers of one job's moves are in the order of their commits.
CREATE SCHEMA chaos;
CREATE TABLE chaos.move (
  seq bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), job_id bigint NOT NULL, place text NOT NULL,
  token bigint, process_id bigint, attempt integer NOT NULL, crashes integer NOT NULL, kind integer, run_at timestamptz
);
CREATE TABLE chaos.effect (job_id bigint NOT NULL, token bigint NOT NULL);
CREATE FUNCTION chaos.ready() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.move (job_id, place, attempt, crashes) SELECT job_id, 'r', attempt, crashes FROM arrived;
  RETURN NULL;
END $$;
CREATE FUNCTION chaos.waiting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.move (job_id, place, attempt, crashes, kind, run_at) SELECT job_id, 'w', attempt, crashes, kind, run_at FROM arrived;
  RETURN NULL;
END $$;
CREATE FUNCTION chaos.claimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.move (job_id, place, token, process_id, attempt, crashes) SELECT job_id, 'c', token, process_id, attempt, crashes FROM arrived;
  RETURN NULL;
END $$;
CREATE FUNCTION chaos.finished() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.move (job_id, place, token, process_id, attempt, crashes, kind)
  SELECT job_id, 'f', token, process_id, attempt, crashes, status FROM arrived;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos AFTER INSERT ON later.ready REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION chaos.ready();
CREATE TRIGGER chaos AFTER INSERT ON later.waiting REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION chaos.waiting();
CREATE TRIGGER chaos AFTER INSERT ON later.claimed REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION chaos.claimed();
CREATE TRIGGER chaos AFTER INSERT ON later.finished REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION chaos.finished();
