"""The operator's command as it is typed."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from billing.adapters.outbound.postgres.work import transaction
from billing.application.open_team import open_team
from chassis.testing import delivery
from contracts.gateway import TeamOpened

TEAM = UUID(int=1)


def billing(url, *arguments, **settings):
    environment = {"DATABASE_URL": url, "RABBITMQ_URL": "amqp://nobody@127.0.0.1:1/", **settings}
    return subprocess.run(
        [sys.executable, "-m", "billing", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_an_operator_raises_a_teams_limits(migrated, database):
    fact = TeamOpened(team_id=TEAM, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(fact)], transaction(database), lambda: datetime.now(UTC))

    raised = billing(
        migrated, "limits", "--team", str(TEAM), "--running", "5", "--per-minute", "600", "--pin"
    )

    assert (raised.returncode, raised.stdout) == (0, "running=5 open=20 per_minute=600 pin=yes\n")


def test_an_unknown_team_is_one_clear_line(migrated):
    team = uuid4()
    refused = billing(migrated, "limits", "--team", str(team), "--open", "5")

    assert (refused.returncode, refused.stderr) == (1, f"no team {team} has a plan\n")


def test_limits_that_allow_nothing_are_refused(migrated):
    refused = billing(migrated, "limits", "--team", str(TEAM), "--open", "0")

    assert refused.returncode == 2
    assert "--open" in refused.stderr


@pytest.mark.parametrize("command", ["sync-plans", "reconcile"])
def test_without_a_key_what_asks_stripe_is_one_clear_line(migrated, command):
    refused = billing(migrated, command)

    assert (refused.returncode, refused.stderr) == (
        1,
        "STRIPE_SECRET_KEY is not set: nothing can be bought here\n",
    )


async def test_an_operator_reconciles_and_looks_at_events_and_teams(migrated, told, sandbox):
    world = await told("lost", "2027-01-24T10:00")
    subscribed = await world.client.v1.payment_methods.attach_async(
        "pm_card_visa", {"customer": world.customer}
    )
    price = (await world.client.v1.prices.list_async({"lookup_keys": ["atelier_pro_month"]})).data[0].id
    await world.client.v1.subscriptions.create_async(
        {"customer": world.customer, "items": [{"price": price}], "default_payment_method": subscribed.id}
    )
    settings = {"STRIPE_SECRET_KEY": sandbox.settings.stripe_key, "STRIPE_API_BASE": sandbox.stripe_base}
    synced = await asyncio.to_thread(billing, migrated, "sync-plans", **settings)
    assert (synced.returncode, synced.stdout) == (0, "nothing to change\n")
    healed = await asyncio.to_thread(billing, migrated, "reconcile", "--days", "60", **settings)
    assert healed.returncode == 0
    assert f"team {world.team}: billing.plan-changed.v1, billing.period-opened.v1\n" in healed.stdout
    shown = await asyncio.to_thread(billing, migrated, "show", "--team", str(world.team))
    assert (shown.returncode, "plan: pro month active version 2" in shown.stdout) == (0, True)
    for event in await world.news():
        await world.take(event)
    listed = await asyncio.to_thread(billing, migrated, "events", "--state", "done", "--limit", "3")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 3)
    assert f"{world.team} done" in listed.stdout


def test_a_team_nobody_knows_cannot_be_shown(migrated):
    team = uuid4()
    refused = billing(migrated, "show", "--team", str(team))

    assert (refused.returncode, refused.stderr) == (1, f"no team {team} has a plan\n")
