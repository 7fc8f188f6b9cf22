from collections.abc import Iterator

import asyncpg
import pytest

from atelier_local.nodes import Nodes, drop_database, provision

DATABASE = "node_tests"


@pytest.fixture(scope="module")
def database(nodes: Nodes) -> Iterator[str]:
    provision(nodes.postgres, DATABASE)
    nodes.postgres.sql("create table jobs.secrets (n int)", DATABASE)
    yield DATABASE
    drop_database(nodes.postgres, DATABASE)


async def test_credits_cannot_read_jobs(nodes, database):
    connection = await asyncpg.connect(nodes.postgres.dsn(database, "credits"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from jobs.secrets")
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["gateway", "credits", "jobs", "catalog", "billing"])
async def test_a_role_makes_tables_in_its_own_schema_only(nodes, database, role):
    connection = await asyncpg.connect(nodes.postgres.dsn(database, role))
    try:
        await connection.execute("create table mine (n int)")
        assert (
            await connection.fetchval("select schemaname from pg_tables where tableowner = $1", role) == role
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table public.stray (n int)")
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(nodes, database):
    dsn = nodes.postgres.dsn(database, "credits").replace("credits:", "credits:wrong", 1)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn)


def test_provisioning_twice_keeps_the_tables(nodes, database):
    provision(nodes.postgres, database)
    assert nodes.postgres.sql("select count(*) from jobs.secrets", database).strip() == "0"


def test_a_database_copied_from_a_template_has_its_tables(nodes, database):
    provision(nodes.postgres, "node_tests_copy", template=database)
    try:
        assert nodes.postgres.sql("select count(*) from jobs.secrets", "node_tests_copy").strip() == "0"
    finally:
        drop_database(nodes.postgres, "node_tests_copy")


def test_a_database_name_that_needs_quotes_is_refused(nodes):
    with pytest.raises(ValueError, match="plain database name"):
        provision(nodes.postgres, 'x"; drop database postgres; --')


def test_notes_with_secrets_are_readable_by_their_owner_alone(nodes):
    notes = list(nodes.notes.glob("*.json"))
    assert notes
    assert {path.stat().st_mode & 0o777 for path in notes} == {0o600}
