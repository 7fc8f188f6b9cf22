"""Payments heard over a real bus by the service in its own process, and what operators type beside it."""

import json
from datetime import timedelta

from services.credits.tests.processes import run, serving, variables
from services.credits.tests.stories import dispute, refund, top_up

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.testing import FreshDatabase, listening
from contracts.credits import AccountChanged, PricingChanged
from contracts.topology import ANNOUNCED


async def test_payments_come_and_go_and_operators_see_to_the_rest(
    fresh_database: FreshDatabase, fresh_vhost: str
):
    environment = variables(fresh_database.url("credits"), fresh_vhost)
    paid = top_up(new_id(), 50)
    documents = (AccountChanged, PricingChanged)
    async with (
        serving(environment),
        listening(fresh_vhost, *documents) as bus,
        listening(fresh_vhost, *documents, facts=ANNOUNCED) as views,
    ):
        await bus.say(paid)
        assert (await bus.hear(AccountChanged)).available == 50
        await bus.say(refund(paid, 0.5))
        assert (await bus.hear(AccountChanged)).available == 25
        await bus.say(dispute(paid, "opened", 0.5))
        assert (await bus.hear(AccountChanged)).frozen
        await bus.say(dispute(paid, "lost", 0.5))
        account = await bus.hear(AccountChanged)
        assert (account.available, account.frozen) == (0, False)

        tomorrow = (utc_now() + timedelta(days=1)).isoformat()
        team = ("--team", str(paid.team_id))
        bonus = ("--credits", "30", "--expires", tomorrow, "--reason", "sorry", "--by", "ada")
        status, output = await run(environment, "grant-bonus", *team, *bonus)
        assert (status, output) == (0, f"team {paid.team_id}: 30 credits can be spent (version 5)\n")
        assert (await bus.hear(AccountChanged)).bonus == 30

        assert (await run(environment, "announce"))[0] == 0
        assert ((await views.hear(PricingChanged)).version, (await views.hear(AccountChanged)).version) == (
            1,
            5,
        )

    month = f"{utc_now():%Y-%m}"
    status, output = await run(environment, "statement", *team, "--month", month)
    assert (status, len(output.splitlines())) == (0, 1 + 1 + 6 + 1), output
    for command in ("repair", "verify"):
        status, output = await run(environment, command)
        assert status == 0, json.dumps(output)
