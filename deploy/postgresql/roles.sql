-- The gateway's role and its database. Run it once as a superuser: psql -v password="'...'" -f roles.sql
-- A pooler in transaction mode sends no settings of a session, so the limits stand with the role, where they hold for every session.
CREATE ROLE gateway LOGIN PASSWORD :password;
ALTER ROLE gateway SET statement_timeout = '10s';
ALTER ROLE gateway SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE gateway SET timezone = 'UTC';
CREATE DATABASE gateway OWNER gateway;
