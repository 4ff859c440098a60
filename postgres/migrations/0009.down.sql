DROP TABLE later.request;
ALTER TABLE later.process DROP COLUMN performs;
