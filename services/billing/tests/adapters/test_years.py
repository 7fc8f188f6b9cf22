"""A plan that is paid for a year brings its credits by the month: month ends, a leap year, 14 months."""

from datetime import UTC, datetime

import pytest

from contracts.billing import PeriodOpened

ENDS = ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30", "2028-07-31", "2028-08-31",
        "2028-09-30", "2028-10-31", "2028-11-30", "2028-12-31"]  # fmt: skip


@pytest.mark.parametrize("way", ["twice", "lost"])
async def test_fourteen_months_of_a_plan_paid_by_the_year(told, way):
    world = await told(way, "2028-01-31T10:00")
    await world.checkout(plan="business", interval="year")
    assert (await world.plan(), await world.balance()) == ("business active", 20_000)
    for day in ENDS:
        await world.spend(777)
        await world.travel(f"{day}T09:00")
        assert await world.balance() == 20_000 - 777
        await world.travel(f"{day}T12:00")
        assert await world.balance() == 20_000
    await world.travel("2029-01-31T12:00")  # the second year is paid
    assert await world.balance() == 20_000
    await world.travel("2029-02-28T12:00")
    assert await world.balance() == 20_000
    await world.travel("2029-03-31T12:00")

    starts = [each.period_start for each in world.of(PeriodOpened) if each.plan == "business"]
    days = ["2028-01-31", *ENDS, "2029-01-31", "2029-02-28", "2029-03-31"]
    assert starts == [datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=UTC) for day in days]


@pytest.mark.parametrize("way", ["reversed", "lost"])
async def test_a_better_plan_in_the_middle_of_a_paid_year(told, way):
    world = await told(way, "2027-01-24T10:00")
    await world.checkout(plan="starter", interval="year")
    await world.travel("2027-01-31T12:00")
    assert await world.balance() == 1_000
    await world.travel("2027-02-14T10:00")
    await world.change("atelier_pro_year")  # half of the month is left: half of 3,000 more
    assert (await world.plan(), await world.balance()) == ("pro active", 2_500)
    await world.travel("2027-02-28T12:00")
    assert await world.balance() == 4_000


async def test_a_year_that_is_cancelled_at_once_and_paid_back_brings_no_more_months(told):
    world = await told("shuffled", "2027-01-31T10:00")
    await world.checkout(plan="business", interval="year")
    await world.travel("2027-02-28T12:00")
    await world.spend(5_000)
    await world.client.v1.subscriptions.cancel_async((await world.subscription()).id)
    await world.refund(await world.payment())
    # Everything of both months goes back: what was spent of the second is owed, what comes later pays it.
    assert await world.plan() == "free active"
    assert await world.balance() - (await world.account()).uncollected == 200 - 5_000
    await world.travel("2027-04-30T12:00")
    assert [each.plan for each in world.of(PeriodOpened)].count("business") == 2
