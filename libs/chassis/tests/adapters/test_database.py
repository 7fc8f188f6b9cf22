"""Single reads of hot paths."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from chassis.database import Database


async def test_many_may_read_at_once_and_from_the_first_moment_on(database: Database):
    read = "select $1::uuid as id, $2::text as name"
    found = await asyncio.gather(*(database.read(read, UUID(int=n), f"n{n}") for n in range(30)))
    assert [(row["id"].int, row["name"]) for [row] in found] == [(n, f"n{n}") for n in range(30)]


async def test_a_wrong_statement_leaves_its_connection_usable(database: Database):
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.read("select * from credits.nothing")
    assert [tuple(row) for row in await database.read("select 1")] == [(1,)]


async def test_reading_goes_on_after_the_server_has_ended_a_connection(database: Database):
    [row] = await database.read("select pg_backend_pid() as pid")
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError)):
        await database.read("select pg_terminate_backend(pg_backend_pid())")
    [fresh] = await database.read("select pg_backend_pid() as pid")
    assert fresh["pid"] != row["pid"]
