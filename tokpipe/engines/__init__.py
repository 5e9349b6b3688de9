"""Who does the work: many processes or machines, with the results of one."""
