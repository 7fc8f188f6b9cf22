"""Looks at Stripe that overlap: the one that began later decides what is shown, and no credits are lost."""

from datetime import UTC, datetime
from uuid import UUID

from services.billing.tests.unit.test_money import DEAL, DOSSIER

from billing.application.look import record
from billing.application.open_team import open_team
from billing.domain.dossier import Dossier
from chassis.testing import delivery
from contracts.billing import BillingChanged, PeriodOpened, PlanChanged
from contracts.gateway import TeamOpened

OPENED, NOW = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, 10, tzinfo=UTC)
TEAM = UUID(int=7)


async def recorded(store, dossier: Dossier, ticket: int):
    async with store.transaction() as work:
        await record(work, TEAM, dossier, ticket, NOW)
    return await store.said()


async def test_a_look_that_comes_in_late_changes_no_plan_and_still_brings_its_credits(store):
    opened = TeamOpened(team_id=TEAM, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(opened)], store.transaction, lambda: OPENED)
    await store.said()
    async with store.transaction() as work:
        first, second = await work.customers.ticket(), await work.customers.ticket()
    later = await recorded(store, Dossier((DEAL,)), second)
    assert [type(said) for said in later] == [PlanChanged, BillingChanged]
    assert later[0].plan == "starter"
    assert await recorded(store, Dossier(), first) == []  # from before it had subscribed
    (period,) = await recorded(store, DOSSIER, first)
    assert (type(period), period.credits) == (PeriodOpened, 1_000)


async def test_the_same_look_again_says_nothing(store):
    opened = TeamOpened(team_id=TEAM, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(opened)], store.transaction, lambda: OPENED)
    await store.said()
    async with store.transaction() as work:
        tickets = [await work.customers.ticket() for _ in range(2)]
    assert len(await recorded(store, DOSSIER, tickets[0])) == 3
    assert await recorded(store, DOSSIER, tickets[1]) == []
