ALTER TABLE later.job DROP COLUMN options;
