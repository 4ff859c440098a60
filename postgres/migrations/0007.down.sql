DROP TABLE later.schedule, later.tick;
