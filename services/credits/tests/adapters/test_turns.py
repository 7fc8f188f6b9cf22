"""One process of many does what is due, and another takes over when it is gone."""

import asyncio
from datetime import timedelta

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.fakes import Clock
from services.credits.tests.stories import DAY, NOW, ask, captured, order

from chassis.database import Database
from chassis.schedule import Daily
from chassis.statement import text
from chassis.turns import PostgresTurns
from credits.adapters.inbound.schedule import (
    FINDINGS,
    HOLDS,
    OLDEST_HOLD,
    RUNNER,
    UNCOLLECTED,
    schedules,
)
from credits.adapters.outbound.figures import PostgresFigures
from credits.application.ports import Check


class Nobody:
    """Turns that never come."""

    async def mine(self) -> bool:
        return False


class Audit:
    """An audit that finds something, and counts how often it is done."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> list[Check]:
        self.runs += 1
        return [Check("a promise", 3, ("it is broken",))]


async def test_the_turn_is_one_processs_until_it_ends(database: Database):
    first, second = PostgresTurns(database, "credits schedules"), PostgresTurns(database, "credits schedules")
    async with second.held():
        async with first.held():
            assert await first.mine()
            assert not await second.mine()
            assert await first.mine()
        async with asyncio.timeout(10):
            while not await second.mine():  # Postgres has yet to see that the connection has ended
                await asyncio.sleep(0.01)


async def test_the_turn_of_a_process_that_lost_its_connection_is_anybodys(database: Database):
    first, second = PostgresTurns(database, "credits schedules"), PostgresTurns(database, "credits schedules")
    async with first.held(), second.held():
        assert await first.mine()
        async with database.reading() as connection:
            await connection.execute(
                text("select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory'")
            )
        assert await second.mine()
        assert not await first.mine()


async def test_the_ledger_is_audited_at_the_first_turn_and_then_daily():
    clock, done = Clock(NOW), []

    async def audit() -> None:
        done.append(clock())

    daily = Daily(audit, clock)
    for _ in range(49):
        await daily()
        clock.forward(timedelta(hours=1))
    assert done == [NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)]
    daily.forget()
    await daily()
    assert len(done) == 4


@pytest.mark.parametrize("mine", [True, False])
async def test_what_is_found_is_shown_by_whose_turn_it_is(database: Database, caplog, mine: bool):
    audit, turns = Audit(), PostgresTurns(database, "credits schedules") if mine else Nobody()
    FINDINGS.set(0)
    (verify,) = (s for s in schedules(None, audit, None, turns, Clock(NOW)) if s.name == "verify ledger")
    await verify.run()
    assert (audit.runs, FINDINGS._value.get(), RUNNER._value.get()) == (mine, mine, mine)
    assert ("it is broken" in caplog.text) == mine
    if mine:
        async with turns.held():
            pass


def shown() -> tuple[float, float, float]:
    return HOLDS._value.get(), OLDEST_HOLD._value.get(), UNCOLLECTED._value.get()


async def test_open_holds_and_what_is_owed_are_shown_by_whose_turn_it_is(database: Database):
    credits = Credits(Postgres(database))
    team = await credits.team_with(20)
    late = ask(team, order(10))
    await credits.tell(late)
    credits.clock.forward(3 * DAY)
    await credits.expire(team)
    later = credits.clock()
    await credits.tell(ask(team, order(7), not_after=later + DAY))
    await credits.tell(captured(late, 5))
    clock = Clock(later + timedelta(seconds=90))
    turns, figures = PostgresTurns(database, "credits schedules"), PostgresFigures(database, clock)

    def taking(turns):
        (found,) = (s for s in schedules(None, Audit(), figures, turns, clock) if s.name == "take figures")
        return found

    async with turns.held():
        await taking(turns).run()
        assert shown() == (1, 90, 4)
    await taking(Nobody()).run()
    assert shown() == (0, 0, 0)
