DROP TABLE later.audit, later.audit_job;
ALTER TABLE later.queue DROP COLUMN person;
