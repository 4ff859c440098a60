DROP TABLE later.rollup;
