"""Prices, quotes and warnings as they travel between the service, its operator and everybody else."""

import json

from services.credits.tests.processes import given_credits, now_asked, run, serving
from services.credits.tests.stories import ask_price, item, order

from chassis.testing import listening
from contracts.credits import CreditsHeld, CreditsQuoted, HoldDeclined, LowBalance, PricingChanged
from contracts.orders import Operation

KINDS = (CreditsHeld, CreditsQuoted, HoldDeclined, LowBalance, PricingChanged)


async def test_an_offer_stands_while_the_operator_publishes_dearer_prices(environment, fresh_vhost, tmp_path):
    dearer = tmp_path / "prices.json"
    dearer.write_text(json.dumps({"prices": [{"operation": each, "base": 70} for each in Operation]}))
    async with (
        listening(fresh_vhost, *KINDS) as bus,
        serving({**environment, "LOW_BALANCE": "50", "QUOTE_LIFETIME": "60"}),
    ):
        first = await bus.hear(PricingChanged)
        assert (first.version, [price.base for price in first.prices]) == (1, [100, 2, 50])

        team = await given_credits(environment, 400)
        quote = ask_price(team, item(4))
        await bus.say(quote)
        offer = await bus.hear(CreditsQuoted)
        assert (offer.id, offer.total, offer.price_version) == (quote.request_id, 8, 1)

        status, output = await run(environment, "publish-prices", str(dearer), "--at", "now")
        assert status == 0, output
        assert output.startswith("price list 2 comes into force at ")
        second = await bus.hear(PricingChanged)
        assert (second.version, [price.base for price in second.prices]) == (2, [70, 70, 70])

        await bus.say(now_asked(team, order(4), quote_id=offer.id))
        assert [hold.unit_price for hold in (await bus.hear(CreditsHeld)).holds] == [2]
        await bus.say(now_asked(team, order(4), quote_id=offer.id))
        assert (await bus.hear(HoldDeclined)).code == "quote_mismatch"

        await bus.say(now_asked(team, order(5)))
        warning = await bus.hear(LowBalance)
        assert (warning.team_id, warning.spendable, warning.threshold) == (team, 42, 50)
        assert [hold.price_version for hold in (await bus.hear(CreditsHeld)).holds] == [2]

    status, output = await run(environment, "verify")
    assert status == 0, output


async def test_a_service_started_again_does_not_say_its_prices_again(environment, fresh_vhost):
    async with listening(fresh_vhost, PricingChanged) as bus, serving(environment):
        assert await bus.silence(1) == []


async def test_an_operator_hears_all_that_is_wrong_with_a_price_list(environment, tmp_path):
    wrong = tmp_path / "prices.json"
    wrong.write_text('{"prices": [{"operation": "create_model", "base": -1, "bonus": 3}]}')
    status, output = await run(environment, "publish-prices", str(wrong), "--at", "now")
    assert status == 1
    assert output.split("\n") == [
        "not published:",
        "  prices.0.base: Input should be greater than or equal to 0",
        "  prices.0.bonus: Extra inputs are not permitted",
        "",
    ]
    status, output = await run(environment, "publish-prices", str(tmp_path / "none.json"), "--at", "now")
    assert (status, "No such file" in output) == (1, True)
    for at in ("tomorrow", "2026-12-01T00:00:00"):
        status, output = await run(environment, "publish-prices", str(wrong), "--at", at)
        assert (status, "error: argument --at" in output) == (2, True)


async def test_no_price_list_is_published_for_the_past(environment, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"prices": [{"operation": each, "base": 1} for each in Operation]}))
    status, output = await run(environment, "publish-prices", str(prices), "--at", "2020-01-01T00:00:00Z")
    assert (status, output) == (1, "not published: 2020-01-01T00:00:00+00:00 is past\n")
