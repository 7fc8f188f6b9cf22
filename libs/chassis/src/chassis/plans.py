"""For tests: what Postgres reads to answer a statement, whatever the values.

A connection keeps one plan of a statement for all values, and prefers an index where there is any
(`chassis.connection`): what still reads a whole table has none to use, and would be slow in a large
house.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

from chassis.connection import ONCE
from chassis.database import Database
from chassis.statement import Statement

_PLANNED = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)


def statements_of(package: ModuleType) -> dict[str, Statement]:
    """Find each statement that a module of the package keeps: by module and name, and place in a tuple."""
    found: dict[str, Statement] = {}
    for info in walk_packages(package.__path__, f"{package.__name__}."):
        module = import_module(info.name)
        for name, kept in vars(module).items():
            for place, one in enumerate(kept if isinstance(kept, tuple) else (kept,)):
                if _is_planned(one) and not any(one is known for known in found.values()):
                    where = f"{info.name.rpartition('.')[2]}.{name}"
                    found[f"{where}.{place}" if isinstance(kept, tuple) else where] = one
    return found


def _is_planned(one: object) -> bool:
    return isinstance(one, Statement) and _PLANNED.match(one.text) is not None


async def plan(
    database: Database, statement: Statement | str, without: Collection[str] = ()
) -> dict[str, Any]:
    """Tell how Postgres answers a statement, as if the indexes `without` were not there."""
    sql = statement if isinstance(statement, str) else statement.sql
    values = ", ".join(["null"] * len(set(re.findall(r"\$(\d+)", sql))))
    async with _planning(database) as driver:
        for index in without:
            await driver.execute(await driver.fetchval(_DROP, index))
        await driver.execute(f"prepare looked_at as {sql}")
        asked = f"explain (format json) execute looked_at{f'({values})' if values else ''}"
        (found,) = await driver.fetchval(asked)
        await driver.execute("deallocate looked_at")
    top: dict[str, Any] = found["Plan"]
    return top


async def reads(database: Database, statement: Statement | str, without: Collection[str] = ()) -> set[str]:
    """Tell what a statement reads.

    The name of an index: it looks up in it. `along` the name: it follows it from end to end. `whole` and the
    name of a table: it reads the table.
    """
    return set(_scans(await plan(database, statement, without)))


async def flaws(database: Database, statement: Statement | str, wanted: Collection[str]) -> list[str]:
    """Tell where a statement does not read what is wanted, or where the loss of an index would go unseen."""
    found = await reads(database, statement)
    if found != set(wanted):
        return [f"reads {', '.join(sorted(found)) or 'nothing'}"]
    indexes = [index.removeprefix("along ") for index in wanted if not index.startswith("whole ")]
    return [
        f"reads the same without {index}"
        for index in indexes
        if await reads(database, statement, without=[index]) == found
    ]


# The index of a key goes with its constraint.
_DROP = """
    select coalesce(
        (select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname)
            from pg_constraint where conname = $1),
        format('drop index %I', $1))
"""


@asynccontextmanager
async def _planning(database: Database) -> AsyncIterator[Any]:
    """Open a transaction that leaves nothing behind."""
    async with database.reading() as connection:
        driver = connection.driver
        changes = driver.transaction()
        await changes.start()
        try:
            for name, value in ONCE.items():  # where every call may have a plan of its own, too
                await driver.execute(f"set local {name} = {value}")
            yield driver
        finally:
            await changes.rollback()


def _scans(node: Mapping[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield f"whole {node['Relation Name']}"
    elif index := node.get("Index Name"):
        yield index if "Index Cond" in node else f"along {index}"
    for part in node.get("Plans", ()):
        yield from _scans(part)
