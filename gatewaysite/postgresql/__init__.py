"""Django's PostgreSQL backend with a pool that hands out no connection which the server has closed."""
