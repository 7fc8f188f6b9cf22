"""A text goes straight to asyncpg, and nobody who asks can tell."""

import asyncio
from traceback import format_exception_only
from uuid import UUID

import asyncpg
import pytest

from chassis.connection import NoRow, SeveralRows
from chassis.database import Database
from chassis.outages import is_conflict, is_outage
from chassis.statement import text
from contracts.credits import CaptureCredits

NOTE = text("insert into credits.notes (subject) values (:subject)")
NOTES = text("select subject from credits.notes order by subject")
THREE = text("select n, cast(n as text) as name from generate_series(1, cast(:most as int)) as n")


async def notes(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list((await session.connection.execute(NOTES)).scalars())


async def test_a_transaction_is_there_as_a_whole(database: Database):
    async with database.transaction() as session:
        await session.connection.execute(NOTE, {"subject": "a"})
        await session.connection.execute(NOTE, {"subject": "b"})
        assert await notes(database) == []
    assert await notes(database) == ["a", "b"]


async def test_a_transaction_that_fails_leaves_nothing(database: Database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await session.connection.execute(NOTE, {"subject": "a"})
            raise ZeroDivisionError
    assert await notes(database) == []


async def test_a_message_alone_is_written_as_it_is_among_others(database: Database):
    async with database.transaction() as session:
        session.outbox.add(CaptureCredits(job_id=UUID(int=1), team_id=UUID(int=2), quantity=1))
    async with database.transaction() as session:
        await session.connection.execute(NOTE, {"subject": "a"})
        session.outbox.add(CaptureCredits(job_id=UUID(int=3), team_id=UUID(int=2), quantity=1))
    rows = await database.read("select payload from credits.outbox order by id")
    said = [CaptureCredits.model_validate_json(row["payload"]).job_id.int for row in rows]
    assert said == [1, 3]


async def test_rows_are_read_in_every_way(database: Database):
    async with database.transaction() as session:

        async def found(most: int):
            return await session.connection.execute(THREE, {"most": most})

        assert [(row.n, row.name) for row in await found(3)] == [(1, "1"), (2, "2"), (3, "3")]
        assert [tuple(row) for row in (await found(2)).all()] == [(1, "1"), (2, "2")]
        assert (await found(0)).first() is None
        assert (await found(0)).scalar() is None
        assert (await found(0)).scalar_one_or_none() is None
        assert (await found(0)).one_or_none() is None
        assert (await found(1)).scalar_one() == 1
        assert (await found(3)).scalars().all() == [1, 2, 3]
        assert (await found(1)).mappings().one() == {"n": 1, "name": "1"}
        with pytest.raises(NoRow):
            (await found(0)).one()
        with pytest.raises(SeveralRows):
            (await found(2)).one()
        with pytest.raises(AttributeError):
            _ = (await found(1)).one().nothing


async def test_what_a_constraint_refuses_is_told_as_such_and_without_values(database: Database):
    with pytest.raises(asyncpg.UniqueViolationError) as told:
        async with database.transaction() as session:
            for _ in range(2):
                await session.connection.execute(NOTE, {"subject": "ada@example.com"})
    written = "".join(format_exception_only(told.value))
    assert "insert into credits.notes" in written
    assert "ada@example.com" not in written
    assert not is_outage(told.value)
    assert not is_conflict(told.value)
    assert await notes(database) == []


async def test_a_savepoint_is_one(database: Database):
    async with database.transaction() as session:
        await session.connection.execute(NOTE, {"subject": "a"})
        with pytest.raises(asyncpg.UniqueViolationError):
            async with session.connection.begin_nested():
                await session.connection.execute(NOTE, {"subject": "a"})
        await session.connection.execute(NOTE, {"subject": "b"})
    assert await notes(database) == ["a", "b"]


async def test_single_reads_leave_no_transaction_open(database: Database):
    async with database.reading() as connection:
        await connection.execute(NOTE, {"subject": "a"})
        assert await notes(database) == ["a"]


async def test_a_connection_that_was_lost_is_an_outage_and_the_next_is_another(database: Database):
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError)) as told:
        async with database.transaction() as session:
            await session.connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))
    assert is_outage(told.value)
    assert await notes(database) == []


async def test_connections_that_were_closed_while_nobody_used_them_are_not_given_out(database: Database):
    await asyncio.gather(*(notes(database) for _ in range(4)))
    async with database.transaction() as session:
        end_others = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'credits'"
        mine = " and datname = current_database() and pid <> pg_backend_pid()"
        await session.connection.execute(text(end_others + mine))
    await asyncio.sleep(0.2)  # the server's word has to arrive
    assert await asyncio.gather(*(notes(database) for _ in range(4))) == [[], [], [], []]


async def test_a_migration_meanwhile_is_noticed_once_and_then_known_on_every_connection(database: Database):
    everything = text("select * from credits.notes")

    async def read() -> list[tuple[str, ...]]:
        async with database.transaction() as session:
            found = [tuple(row) for row in await session.connection.execute(everything)]
            await session.connection.execute(text("select pg_sleep(0.1)"))  # so that each has its own
            return found

    async def change(how: str) -> None:
        async with database.begin() as connection:
            await connection.execute(text(f"alter table credits.notes {how}"))

    async with database.transaction() as session:
        await session.connection.execute(NOTE, {"subject": "a"})
    try:
        assert await asyncio.gather(*(read() for _ in range(4))) == [[("a",)]] * 4
        await change("add column more text")
        with pytest.raises(asyncpg.InvalidCachedStatementError) as told:
            await read()
        assert is_conflict(told.value)
        assert await asyncio.gather(*(read() for _ in range(4))) == [[("a", None)]] * 4
    finally:
        await change("drop column if exists more")


async def test_two_that_wait_for_each_other_are_a_conflict(database: Database):
    lock = text("select pg_advisory_xact_lock(:key)")
    ready = asyncio.Barrier(2)

    async def take(first: int, second: int) -> None:
        async with database.transaction() as session:
            await session.connection.execute(lock, {"key": first})
            await ready.wait()
            await session.connection.execute(lock, {"key": second})

    [error] = [
        found for found in await asyncio.gather(take(1, 2), take(2, 1), return_exceptions=True) if found
    ]
    assert isinstance(error, asyncpg.DeadlockDetectedError)
    assert is_conflict(error)


@pytest.mark.parametrize("moment", [n / 10_000 for n in range(40)])
async def test_who_is_interrupted_leaves_no_transaction_open(database: Database, moment: float):
    async def write() -> None:
        async with database.transaction() as session:
            await session.connection.execute(NOTE, {"subject": "interrupted"})
            await session.connection.execute(text("select pg_sleep(0.001)"))
            await session.connection.execute(text("delete from credits.notes"))

    assert await notes(database) == []  # it has a connection, so what is interrupted is the writing
    writing = asyncio.create_task(write())
    await asyncio.sleep(moment)
    writing.cancel()
    await asyncio.wait([writing])

    open_ = (
        "select count(*) as open from pg_stat_activity where usename = 'credits' and state like 'idle in%'"
    )
    [found] = await database.read(open_)
    assert found["open"] == 0
    for subject in "abcd":
        async with database.transaction() as session:
            await session.connection.execute(NOTE, {"subject": subject})
    assert await notes(database) == ["a", "b", "c", "d"]
