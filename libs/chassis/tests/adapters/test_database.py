"""Single reads of hot paths."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from chassis.database import Database
from chassis.statement import text
from chassis.turns import PostgresTurns


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


async def test_who_waits_for_a_turn_asks_on_the_same_connection(tables: str):
    mine, theirs = (Database(tables, "credits", pool_size=2) for _ in range(2))
    holder, waiting = PostgresTurns(theirs, "a turn"), PostgresTurns(mine, "a turn")
    asked_on = []
    async with holder.held():
        assert await holder.mine()
        for _ in range(3):
            assert not await waiting.mine()
            async with mine.reading() as connection:
                asked_on.append(await connection.scalar(text("select pg_backend_pid()")))
    assert len(set(asked_on)) == 1
    async with waiting.held(), asyncio.timeout(10):
        while not await waiting.mine():
            await asyncio.sleep(0.01)
    await mine.close()
    await theirs.close()
