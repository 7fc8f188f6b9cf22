"""`python -m <service> lift`: what was restored gets versions above any that others have seen."""

import argparse
import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.clock import Clock
from chassis.commands import Command
from chassis.connection import Connection
from chassis.database import Database
from chassis.statement import text

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PACE = 4
"""Versions a second that the floor rises by: more than any document gets in the long run.

What was restored cannot tell how far its documents had come, nor whether it was lifted before: time can.
Some keep versions in 32 bits, which is enough until 2042.
"""
PAGE = 1000


class TooLow(Exception):
    """A document has a higher version than the floor already."""


@dataclass(frozen=True, slots=True)
class Part:
    """The documents of one table: their key, where their version is, and how it is changed to `:floor`."""

    name: str
    table: str
    key: str = "id"
    version: str = "version"
    change: str = "version = :floor"
    kind: str = "uuid"


@dataclass(frozen=True, slots=True)
class Wish:
    """Why documents are lifted, who says so, and the highest version others are known to have seen."""

    reason: str
    by: str
    above: int = 0


@dataclass(frozen=True, slots=True)
class Lifted:
    """The floor, and how many documents of each part were raised to it."""

    floor: int
    parts: tuple[tuple[str, int], ...]


def floor_at(moment: datetime, above: int = 0) -> int:
    """Tell the floor of a moment: above any version of before, wherever it was seen."""
    return max(int((moment - BEGINNING).total_seconds() * PACE), above + 1 if above else 0)


def floor_in(schema: str) -> str:
    """Write the query that tells where the versions of new documents begin: 0 where nothing was lifted."""
    return f"(select coalesce(max(floor), 0) from {schema}.lifts)"  # noqa: S608 - a name of ours


async def floor(connection: Connection, schema: str) -> int:
    """Tell after which version a new document begins: its id may have been known before a restore."""
    return int((await connection.execute(text(f"select {floor_in(schema)}"))).scalar_one())


async def lift(
    database: Database, parts: Sequence[Part], wish: Wish, clock: Clock, also: Sequence[str] = ()
) -> Lifted:
    """Raise every document to the floor, a page a transaction; `also` are statements for the end.

    The floor is written down first, so that what is new meanwhile begins above it. What is interrupted is
    finished by the next run, which lifts to its own floor. Raises TooLow before anything is changed.
    """
    chosen = floor_at(clock(), wish.above)
    await _check(database, parts, chosen)
    await _note(database, chosen, wish, clock())
    raised = [(part.name, await _raise(database, part, chosen)) for part in parts]
    async with database.transaction() as session:
        for statement in also:
            await session.connection.execute(text(statement), {"floor": chosen})
        done = {"floor": chosen, "lifted": sum(count for _, count in raised)}
        await session.connection.execute(
            text(f"update {database.schema}.lifts set lifted = :lifted where floor = :floor"),  # noqa: S608 - a name of ours
            done,
        )
    return Lifted(chosen, tuple(raised))


async def _check(database: Database, parts: Sequence[Part], chosen: int) -> None:
    async with database.transaction() as session:
        for part in parts:
            newest = text(f"select max({part.version}) from {part.table}")  # noqa: S608 - names of ours
            highest = (await session.connection.execute(newest)).scalar() or 0
            if highest > chosen:
                raise TooLow(f"one of the {part.name} is at version {highest}, above {chosen}")


async def _note(database: Database, chosen: int, wish: Wish, now: datetime) -> None:
    note = text(
        f"""
        insert into {database.schema}.lifts (floor, at, reason, by) values (:floor, :at, :reason, :by)
        on conflict do nothing
        """  # noqa: S608 - a name of ours
    )
    row = {"floor": chosen, "at": now, "reason": wish.reason, "by": wish.by}
    async with database.transaction() as session:
        await session.connection.execute(note, row)


async def _raise(database: Database, part: Part, chosen: int) -> int:
    # Locked in the order of their keys, as everybody locks them: whoever writes now goes first or after.
    page = text(
        f"""
        with page as materialized (
            select {part.key} as key, {part.version} as before from {part.table}
            where cast(:after as {part.kind}) is null or {part.key} > cast(:after as {part.kind})
            order by {part.key} limit {PAGE} for no key update
        ), raised as (
            update {part.table} set {part.change} from page
            where {part.key} = page.key and page.before < :floor returning 1
        )
        select (select key from page order by key desc limit 1) as last,
            (select count(*) from raised) as count
        """  # noqa: S608 - names of ours
    )
    after, raised = None, 0
    while True:
        async with database.transaction() as session:
            last, count = (await session.connection.execute(page, {"after": after, "floor": chosen})).one()
        if last is None:
            return raised
        after, raised = last, raised + int(count)


def lifting(run: Callable[[Wish], Awaitable[Lifted]]) -> Command:
    """Offer to lift what was restored; `run` does it."""

    def do(given: argparse.Namespace) -> int:
        try:
            lifted = asyncio.run(_whole(run, Wish(given.reason, given.by, given.above)))
        except TooLow as error:
            print(f"not lifted: {error}; name a higher one with --above")  # noqa: T201 - its answer
            return 1
        counts = ", ".join(f"{count} {name}" for name, count in lifted.parts)
        print(f"lifted to version {lifted.floor}: {counts}")  # noqa: T201 - as above
        print(f"serve, announce, then: python -m gateway mend SERVICE --below {lifted.floor}")  # noqa: T201 - as above
        return 0

    help_ = "after a restore: raise the versions of all documents above any that others have seen"
    return Command(help_, do, _options)


async def _whole(run: Callable[[Wish], Awaitable[Lifted]], wish: Wish) -> Lifted:
    return await run(wish)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", type=_words, required=True, help="why; noted with the time")
    parser.add_argument("--by", type=_words, default=_operator(), help="who does it; noted as well")
    parser.add_argument(
        "--above", type=int, default=0, help="a version that others have seen, where time alone is not enough"
    )


def _words(written: str) -> str:
    if not written.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return written.strip()


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
