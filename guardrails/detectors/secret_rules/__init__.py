"""The tables of secret rules, one module a family; each has `RULES`."""
