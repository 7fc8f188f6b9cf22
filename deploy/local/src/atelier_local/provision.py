"""Databases in which every service sees its own schema and nothing else."""

import re
from typing import Protocol

SERVICES = ("gateway", "credits", "jobs", "catalog", "billing")

ROLE = """
do $$ begin create role {role} login; exception when duplicate_object then null; end $$;
alter role {role} with login nosuperuser nocreatedb nocreaterole password '{password}';
alter role {role} set search_path = {role};
"""

CLOSE = """
revoke all on database {database} from public;
revoke all on schema public from public;
"""

SCHEMA = """
grant connect on database {database} to {role};
create schema if not exists {role} authorization {role};
"""


class Database(Protocol):
    """What provisioning needs of a PostgreSQL node."""

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser."""

    def role_password(self, role: str) -> str:
        """Return a role's password, made at first sight and then kept."""


def provision(postgres: Database, database: str = "atelier", template: str | None = None) -> None:
    """Make a database with one role and one schema per service; what exists is kept.

    A `template` is a database provisioned before (and perhaps migrated), to which nobody is connected.
    """
    for name in (database, template or database):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
            raise ValueError(f"not a plain database name: {name!r}")
    roles = "".join(ROLE.format(role=role, password=postgres.role_password(role)) for role in SERVICES)
    postgres.sql(f"set client_min_messages = warning; {roles}")
    if database not in postgres.sql("select datname from pg_database").split():
        postgres.sql(f"create database {database} template {template or 'template1'}")
    grants = "".join(SCHEMA.format(database=database, role=role) for role in SERVICES)
    postgres.sql("set client_min_messages = warning;" + CLOSE.format(database=database) + grants, database)


def drop_database(postgres: Database, database: str) -> None:
    """Drop a database, ending whoever is connected to it."""
    postgres.sql(f'drop database if exists "{database}" with (force)')
