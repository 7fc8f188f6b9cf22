"""Replenishing commutes with everything that can happen to a hold: no order of arrival is worth anything."""

from datetime import timedelta
from itertools import count, permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.books import TEAM, agree
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, released

from contracts.credits import HoldCredits
from credits.domain.account import Account, NotEnoughCredits
from credits.domain.adjusting import adjust
from credits.domain.books import Books
from credits.domain.bucket import Bucket
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, release

SOON = NOW + 2 * DAY


def books(plan: int, bonus: int, topup: int) -> Books:
    numbers = count(1)
    account = Account(TEAM, lambda: UUID(int=next(numbers)))
    opened = Books({TEAM: account})
    open_period(opened, period(TEAM, plan), NOW)
    for kind, credits in (("bonus", bonus), ("topup", topup)):
        bucket = Bucket(
            id=account.new_id(),
            kind=kind,
            source_ref=kind,
            granted=credits,
            remaining=credits,
            opened_at=NOW,
            expires_at=NOW + 20 * DAY if kind == "bonus" else None,
        )
        account.grant(bucket, "bonus" if kind == "bonus" else "top_up", About())
    return opened


def check(opened: Books) -> None:
    agree(opened)
    account = opened.accounts[TEAM]
    running = dict.fromkeys(Side, 0)
    for posting in account.postings:
        assert sum(line.amount for line in posting.lines) == 0
        for line in posting.lines:
            running[line.side] += line.amount
            assert line.balance_after == running[line.side]
        assert posting.balance_after == running[Side.SPENDABLE]
    assert running == account.balances


def carry_out(opened: Books, step: str, asked: list[HoldCredits], kept: list[int]) -> None:
    if step == "replenish":
        open_period(opened, period(TEAM, 70, NOW + DAY), SOON)
    else:
        name, n = step.split()
        if name == "settle" and kept[int(n)]:
            capture(opened, captured(asked[int(n)], kept[int(n)]), uuid4(), SOON)
        else:
            release(opened, released(asked[int(n)]), uuid4(), SOON)
    check(opened)


amounts = st.integers(0, 60)


@given(
    amounts,
    amounts,
    amounts,
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=3),
)
def test_replenishing_commutes_with_capture_and_release(plan, bonus, topup, jobs):
    results = []
    jobs = [(quantity, min(kept, quantity)) for quantity, kept in jobs]
    asked = [ask(TEAM, order(quantity)) for quantity, _ in jobs]
    for steps in permutations(["replenish", *(f"settle {n}" for n in range(len(jobs)))]):
        opened = books(plan, bonus, topup)
        for command in asked:
            hold(opened, PRICES, command, uuid4(), NOW)
        accepted = [n for n, command in enumerate(asked) if command.orders[0].job_id in opened.holds]
        check(opened)
        for step in steps:
            if step == "replenish" or int(step.split()[1]) in accepted:
                carry_out(opened, step, asked, [kept for _, kept in jobs])
        account = opened.accounts[TEAM]
        left = sorted((b.kind, b.granted, b.remaining, b.held, b.is_open) for b in account.buckets.values())
        results.append((dict(account.balances), left))
    assert all(result == results[0] for result in results)


def test_reserving_all_and_renewing_brings_nothing_extra():
    opened = books(60, 0, 0)
    command = ask(TEAM, order(15), order(15))
    hold(opened, PRICES, command, uuid4(), NOW)
    open_period(opened, period(TEAM, 60, NOW + DAY), NOW + DAY)
    for n in range(2):
        release(opened, released(command, n), uuid4(), NOW + DAY)
    assert opened.accounts[TEAM].spendable == 60


def test_an_operator_takes_from_what_can_be_spent_in_the_order_it_would_be_spent():
    opened = books(10, 5, 20)
    account = opened.accounts[TEAM]
    adjust(account, -18, "a mistake", NOW + timedelta(hours=1))
    check(opened)
    left = {bucket.kind: bucket.remaining for bucket in account.buckets.values()}
    assert left == {"bonus": 0, "plan": 0, "topup": 17}
    assert account.balances[Side.ISSUED] == -17


def test_no_more_is_set_aside_than_there_is():
    account = books(10, 0, 0).accounts[TEAM]
    with pytest.raises(NotEnoughCredits) as refused:
        account.reserve(11, About(), NOW)
    assert (refused.value.required, refused.value.spendable) == (11, 10)
    assert sum(part.amount for part in account.reserve(10, About(), NOW)) == 10
