"""What operators give back of what a job was charged."""

from datetime import timedelta
from uuid import uuid4

from services.credits.tests.conftest import Credits
from services.credits.tests.operating import Type, charged, said
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    order,
    period,
    refund,
    spending_key,
    top_up,
)

from contracts.credits import AccountChanged, CreditsHeld


async def test_a_captured_job_is_refunded_once_into_where_it_came_from(service: Credits, type_: Type, capsys):
    team, key = await service.team_with(100), spending_key(8)
    asked = await charged(service, team, api_key=key)
    job = asked.orders[0].job_id
    assert await type_("refund", "--job", job, "--reason", "blurred") == 0
    account = await said(service)
    (entry,) = account.entries
    assert (entry.kind, entry.amount, entry.charged, entry.job_id) == ("refund", 8, -8, job)
    assert entry.reason == "refund: blurred"
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [("plan", 100)]
    assert await type_("refund", "--job", job, "--reason", "blurred") == 0
    assert "8 credits were refunded before" in capsys.readouterr().out
    assert await type_("refund", "--job", job, "--credits", 3, "--reason", "blurred") == 1
    assert await service.store.said() == []
    await service.answer(ask(team, api_key=key), CreditsHeld)  # its budget is whole again


async def test_no_more_is_refunded_than_was_charged(service: Credits, type_: Type):
    asked = await charged(service, await service.team_with(100))
    job = asked.orders[0].job_id
    assert await type_("refund", "--job", job, "--credits", 9, "--reason", "x") == 1
    assert await type_("refund", "--job", job, "--credits", 0, "--reason", "x") == 1
    assert await type_("refund", "--job", job, "--credits", 5, "--reason", "x") == 0
    assert (await service.account(asked.team_id)).available == 97


async def test_what_was_charged_last_returns_first(service: Credits, type_: Type):
    paid = top_up(await service.team_with(5), 20)
    await service.tell(paid)
    asked = await charged(service, paid.team_id)
    await type_("refund", "--job", asked.orders[0].job_id, "--credits", 4, "--reason", "x")
    account = await said(service)
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [("plan", 1), ("topup", 20)]


async def test_a_job_paid_from_a_closed_bucket_is_refunded_for_good(service: Credits, type_: Type):
    team = await service.team_with(100)
    asked = await charged(service, team)
    await service.tell(period(team, 50, NOW + DAY))
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    account = await said(service)
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [
        ("plan", 50),
        ("adjustment", 8),
    ]


async def test_a_refunded_job_of_a_refunded_payment_pays_what_is_owed(service: Credits, type_: Type):
    paid = top_up(uuid4(), 8)
    await service.tell(paid)
    asked = await charged(service, paid.team_id)
    assert (await service.answer(refund(paid), AccountChanged)).uncollected == 8
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    account = await said(service)
    assert (account.available, account.uncollected) == (0, 0)


async def test_what_was_charged_late_can_be_refunded_too(service: Credits, type_: Type):
    team = await service.team_with(100)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(timedelta(days=2))
    await service.expire(team)
    await service.tell(captured(asked, 3))
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    assert (await said(service)).available == 100
