"""A team that is closed pays nothing more, and nobody remembers who it was."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from billing.adapters.outbound.postgres.work import transaction
from billing.application.close_team import close_team
from billing.application.open_months import open_months
from billing.application.open_team import open_team
from chassis.statement import text
from chassis.testing import delivery, take_said
from contracts.gateway import TeamClosed, TeamOpened

NOW = datetime(2027, 1, 24, 10, tzinfo=UTC)


async def close(world, stripe=None):
    fact = TeamClosed(team_id=world.team, closed_at=world.now())
    await close_team([delivery(fact)], stripe or world.stripe, transaction(world.billing), world.now)


async def known(world) -> str:
    async with world.billing.reading() as connection:
        rows = await connection.execute(text("select * from billing.customers"))
        return str([tuple(row) for row in rows])


async def test_closing_ends_the_subscription_and_forgets_the_customer(told):
    world = await told("twice", "2027-01-24T10:00")
    await world.checkout(plan="starter")
    subscription = await world.subscription()
    said = len(world.said)
    await close(world)
    ended = await world.client.v1.subscriptions.retrieve_async(subscription.id)
    assert ended.status == "canceled"
    assert "ada@example.org" not in await known(world)
    assert world.customer not in await known(world)

    await close(world)
    await world.hear()  # what Stripe says of it is of nobody
    world.moment += timedelta(days=70)
    await world.wait()
    assert (await world.plan(), world.said[said:]) == ("closed", [])


async def test_what_cannot_be_ended_now_is_ended_when_it_is_told_again(told):
    world = await told("twice", "2027-01-24T10:00")
    await world.checkout(plan="starter")
    await close_team(
        [delivery(TeamClosed(team_id=world.team, closed_at=world.now()))],
        None,
        transaction(world.billing),
        world.now,
    )
    assert (await world.subscription()).status == "trialing"
    await close(world)
    assert (await world.client.v1.subscriptions.list_async({"customer": world.customer})).data == []


async def test_a_team_closed_before_it_was_opened_stays_closed(store):
    team = uuid4()
    closed = TeamClosed(team_id=team, closed_at=NOW)
    opened = TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org")
    await close_team([delivery(closed), delivery(closed)], None, store.transaction, lambda: NOW)
    await open_team([delivery(opened)], store.transaction, lambda: NOW)
    await open_months(store.transaction, lambda: NOW + timedelta(days=60))

    assert await take_said(store.database) == []


async def test_a_closed_team_on_free_gets_no_more_months(store):
    team = uuid4()
    opened = TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(opened)], store.transaction, lambda: NOW)
    await close_team(
        [delivery(TeamClosed(team_id=team, closed_at=NOW))], None, store.transaction, lambda: NOW
    )
    await store.said()
    await open_months(store.transaction, lambda: NOW + timedelta(days=60))

    assert await store.said() == []
