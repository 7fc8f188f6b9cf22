-- Run once, by the postgres image, in the new database: one role and one schema per service,
-- each role granted its own schema alone. Passwords come from the container's environment.
\set ON_ERROR_STOP on
\getenv gateway GATEWAY_DB_PASSWORD
\getenv credits CREDITS_DB_PASSWORD
\getenv jobs JOBS_DB_PASSWORD
\getenv catalog CATALOG_DB_PASSWORD
\getenv billing BILLING_DB_PASSWORD

create role gateway login password :'gateway';
create role credits login password :'credits';
create role jobs login password :'jobs';
create role catalog login password :'catalog';
create role billing login password :'billing';

alter role gateway set search_path = gateway;
alter role credits set search_path = credits;
alter role jobs set search_path = jobs;
alter role catalog set search_path = catalog;
alter role billing set search_path = billing;

revoke all on database atelier from public;
revoke all on schema public from public;
grant connect on database atelier to gateway, credits, jobs, catalog, billing;

create schema gateway authorization gateway;
create schema credits authorization credits;
create schema jobs authorization jobs;
create schema catalog authorization catalog;
create schema billing authorization billing;
