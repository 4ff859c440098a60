DROP TABLE later.operation, later.operation_step;
