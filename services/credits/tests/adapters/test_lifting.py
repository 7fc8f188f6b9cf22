"""After a restore: account and price list are above what others have seen, and the ledger still adds up."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import ask, captured, order, period

from chassis.database import Database
from chassis.lifting import Wish, floor_at, lift
from chassis.statement import text
from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled
from credits.adapters.outbound.audit import PostgresAudit
from credits.adapters.outbound.lifts import PARTS, PRICES
from credits.application.verify_ledger import verify_ledger

WISH = Wish("restored", "ada")


@pytest.fixture
def service(database: Database) -> Credits:
    return Credits(Postgres(database))


async def lifted(database: Database, after: timedelta = timedelta()) -> int:
    at = datetime.now(UTC) + after
    return (await lift(database, PARTS, WISH, lambda: at, also=[PRICES])).floor


async def test_an_account_goes_on_above_the_floor_and_the_ledger_is_clean(
    service: Credits, database: Database
):
    team = await service.team_with(100)
    floor = await lifted(database)
    assert (await service.account(team)).version == floor
    assert (await verify_ledger(PostgresAudit(database))).findings == 0

    asked = ask(team, order())
    await service.answer(asked, CreditsHeld)
    settled = await service.answer(captured(asked, 1), CreditsSettled)
    account = await service.account(team)
    assert (settled.outcome, account.version) == ("captured", floor + 2)
    assert await lifted(database, timedelta(hours=1)) > floor + 2


async def test_an_account_that_was_forgotten_begins_above_the_floor(service: Credits, database: Database):
    floor = await lifted(database, timedelta(hours=2))
    account = await service.answer(period(uuid4(), 100), AccountChanged)
    assert account.version == floor + 1


async def test_a_gap_that_nobody_lifted_is_still_found(service: Credits, database: Database):
    team = await service.team_with(100)
    await _set_version(database, team, 9)
    found = [check for check in (await verify_ledger(PostgresAudit(database))).checks if check.findings]
    assert [check.name for check in found] == ["versions are contiguous"]
    await _set_version(database, team, (await _newest(database, team)))


async def test_the_list_in_force_and_planned_ones_come_again_as_new_ones(database: Database):
    async def lists() -> list[tuple[int, datetime]]:
        async with database.transaction() as session:
            found = await session.connection.execute(
                text("select version, effective_at from credits.price_lists order by version")
            )
            return [(row.version, row.effective_at) for row in found]

    before = await lists()
    floor = await lifted(database, timedelta(hours=3))
    assert await lists() == [*before, (floor, before[-1][1])]
    assert await lifted(database, timedelta(hours=3, seconds=1)) > floor
    assert len(await lists()) == len(before) + 2
    assert floor_at(datetime.now(UTC)) < floor


async def _set_version(database: Database, team: object, version: int) -> None:
    async with database.transaction() as session:
        await session.connection.execute(
            text("update credits.accounts set version = :version where team_id = :team"),
            {"version": version, "team": team},
        )


async def _newest(database: Database, team: object) -> int:
    async with database.transaction() as session:
        newest = await session.connection.execute(
            text("select max(version) from credits.ledger_transactions where team_id = :team"), {"team": team}
        )
        return int(newest.scalar_one())
