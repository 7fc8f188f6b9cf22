"""After a restore: plans, overviews and offers are above what others have seen, also those of new teams."""

from datetime import UTC, datetime
from uuid import UUID

from billing.adapters.outbound.lifts import PARTS
from billing.application.announce_plans import announce_overviews, announce_plans
from billing.application.open_team import open_team
from billing.application.publish_offers import publish_offers
from billing.application.set_limits import set_limits
from chassis.lifting import Wish, floor_at, lift
from chassis.testing import delivery
from contracts.billing import BillingChanged, PlanChanged, PlansChanged
from contracts.gateway import TeamOpened

TEAM, LATER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 23, tzinfo=UTC)
LIFTED = floor_at(AT)


async def opened(store, team):
    fact = TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(fact)], store.transaction, lambda: AT)
    return [said for said in await store.said() if isinstance(said, PlanChanged)]


async def lifted(store):
    return (await lift(store.database, PARTS, Wish("restored", "ada"), lambda: AT)).parts


async def test_whatever_teams_are_shown_rises_to_the_floor_and_goes_on_from_there(store):
    await opened(store, TEAM)
    await publish_offers(store.transaction)
    async with store.transaction() as work:
        shown = BillingChanged(team_id=TEAM, version=3, plan="free", status="active")
        await work.overviews.save(shown)
    await store.said()

    assert await lifted(store) == (("plans", 1), ("overviews", 1), ("offers", 1))
    assert await lifted(store) == (("plans", 0), ("overviews", 0), ("offers", 0))
    await publish_offers(store.transaction, again=True)
    await announce_plans(None, 10, store.transaction)
    await announce_overviews(None, 10, store.transaction)
    said = await store.said()
    assert {type(each): each.version for each in said} == dict.fromkeys(
        (PlansChanged, PlanChanged, BillingChanged), LIFTED
    )
    await set_limits(TEAM, {"running": 7}, store.transaction)
    assert [each.version for each in await store.said()] == [LIFTED + 1]


async def test_a_team_that_was_forgotten_begins_above_what_others_know(store):
    await lifted(store)
    assert [plan.version for plan in await opened(store, LATER)] == [LIFTED + 1]
