"""Every order in which a small story can be heard: nothing is lost or invented, and none of them pays."""

from collections.abc import Callable
from itertools import combinations, permutations
from uuid import UUID, uuid4

import pytest
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    released,
    top_up,
)
from services.credits.tests.unit.test_commuting import check

from contracts.credits import HoldCredits
from credits.domain.account import Account
from credits.domain.adjusting import grant_bonus
from credits.domain.books import Books
from credits.domain.compensating import refund_job
from credits.domain.granting import add_top_up
from credits.domain.holding import hold
from credits.domain.ledger import Side
from credits.domain.refunding import dispute_payment, refund_payment
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, release

TEAM = UUID(int=1)
FIRST = period(TEAM, 20)
PACK = top_up(TEAM, 12)
Step = Callable[[Books, list[HoldCredits]], object]

STEPS: dict[str, Step] = {
    "replenish": lambda books, _: open_period(books, period(TEAM, 30, NOW + DAY), NOW),
    "upgrade": lambda books, _: open_period(books, period(TEAM, 7, NOW + DAY, "add"), NOW),
    "top-up": lambda books, _: add_top_up(books, PACK, NOW),
    "release": lambda books, asked: release(books, released(asked[0]), uuid4(), NOW),
    "capture": lambda books, asked: capture(books, captured(asked[1], 3), uuid4(), NOW),
    "refund of the period": lambda books, _: refund_payment(books, refund(FIRST, 0.75), NOW),
    "it fails": lambda books, _: refund_payment(books, refund(FIRST, 0.75, state="failed"), NOW),
    "refund of the pack": lambda books, _: refund_payment(books, refund(PACK, 0.5), NOW),
    "dispute": lambda books, _: dispute_payment(books, dispute(FIRST, "opened", 0.5), NOW),
    "dispute lost": lambda books, _: dispute_payment(books, dispute(FIRST, "lost", 0.5), NOW),
    "dispute won": lambda books, _: dispute_payment(books, dispute(FIRST, "won", 0.5), NOW),
}
SCRIPTS = [
    ("replenish", "release", "capture", "refund of the period", "top-up"),
    ("replenish", "release", "capture", "refund of the pack", "top-up"),
    ("release", "capture", "refund of the period", "dispute lost", "dispute", "replenish"),
    ("release", "capture", "dispute won", "dispute", "top-up"),
    ("replenish", "release", "capture", "refund of the period", "refund of the pack", "top-up"),
    ("replenish", "upgrade", "release", "capture", "refund of the period", "top-up"),
]


def opened(bonus: int = 0) -> tuple[Books, list[HoldCredits]]:
    """Open books in which two jobs hold 8 credits each of a period's 20."""
    numbers = iter(range(1, 1000))
    books = Books({TEAM: Account(TEAM, lambda: UUID(int=next(numbers)))})
    open_period(books, FIRST, NOW)
    if bonus:
        grant_bonus(books.accounts[TEAM], bonus, NOW + 2 * DAY, "x", NOW)
    asked = [ask(TEAM, order(4)) for _ in range(2)]
    for command in asked:
        hold(books, PRICES, command, uuid4(), NOW)
    return books, asked


def outcome(books: Books) -> tuple[object, ...]:
    """Say what must not depend on the order: what the team can spend less what it owes, and all the rest."""
    account = books.accounts[TEAM]
    sides = dict(account.balances)
    net = sides.pop(Side.SPENDABLE) + sides.pop(Side.UNCOLLECTED)
    return net, sides, account.is_frozen, sorted((b.source_ref, b.demanded) for b in account.buckets.values())


@pytest.mark.parametrize("bonus", [0, 5])
@pytest.mark.parametrize("script", SCRIPTS, ids=" x ".join)
def test_every_order_leaves_the_same(script: tuple[str, ...], bonus: int):
    first = None
    for steps in permutations(script):
        books, asked = opened(bonus)
        for step in steps:
            STEPS[step](books, asked)
            check(books)
        first = first or outcome(books)
        assert outcome(books) == first, steps


@pytest.mark.parametrize("more", ["replenish", "top-up"])
def test_a_refund_that_fails_leaves_the_same_as_if_it_had_never_been(more: str):
    plain, asked = opened()
    for step in ("release", "capture", more):
        STEPS[step](plain, asked)
    for steps in permutations(["release", "capture", more, "refund of the period", "it fails"]):
        books, asked = opened()
        for step in steps:
            STEPS[step](books, asked)
            check(books)
        assert outcome(books)[:3] == outcome(plain)[:3], steps
        assert {bucket.demanded for bucket in books.accounts[TEAM].buckets.values()} == {0}


@pytest.mark.parametrize("script", SCRIPTS[:2], ids=" x ".join)
def test_what_is_heard_twice_at_any_time_counts_once(script: tuple[str, ...]):
    for steps in permutations(script):
        once, asked = opened()
        for step in steps:
            STEPS[step](once, asked)
        for first, second in combinations(range(len(steps)), 2):
            books, asked = opened()
            for step in (*steps[: second + 1], steps[first], *steps[second + 1 :]):
                STEPS[step](books, asked)
                check(books)
            assert outcome(books)[:3] == outcome(once)[:3]


def test_refunding_everything_in_any_order_leaves_nothing_to_spend():
    """Hold all, have the payment refunded, let the jobs fail: no credit may come out of that."""
    for steps in permutations(["release", "release the other", "refund", "replenish with nothing"]):
        books, asked = opened()
        for step in steps:
            if step == "refund":
                refund_payment(books, refund(FIRST), NOW)
            elif step == "replenish with nothing":
                open_period(books, period(TEAM, 0, NOW + DAY), NOW)
            else:
                release(books, released(asked[step != "release"]), uuid4(), NOW)
            check(books)
        account = books.accounts[TEAM]
        assert (account.spendable, account.owed, account.balances[Side.CLAWED_BACK]) == (0, 0, 20), steps


def test_a_job_refunded_in_any_order_with_its_payment_leaves_the_same():
    found = set()
    for steps in permutations(["job", "payment", "release", "top-up"]):
        books, asked = opened()
        capture(books, captured(asked[1], 4), uuid4(), NOW)
        for step in steps:
            if step == "job":
                refund_job(books, books.holds[asked[1].orders[0].job_id], None, "x", NOW)
            elif step == "payment":
                refund_payment(books, refund(FIRST), NOW)
            else:
                STEPS[step](books, asked)
            check(books)
        account = books.accounts[TEAM]
        found.add((account.spendable, account.owed, account.balances[Side.SPENT]))
    assert found == {(12, 0, 0)}


def test_a_capture_and_a_release_of_one_hold_in_any_order_with_the_rest_keep_the_books_sound():
    ends = {
        "capture it": lambda books, asked: capture(books, captured(asked[0], 2), uuid4(), NOW),
        **{name: STEPS[name] for name in ("release", "replenish", "refund of the period", "top-up")},
    }
    found = set()
    for steps in permutations(ends):
        books, asked = opened()
        for step in steps:
            ends[step](books, asked)
            check(books)
        captured_first = steps.index("capture it") < steps.index("release")
        net, sides, *_ = outcome(books)
        found.add((captured_first, net, sides[Side.SPENT], sides[Side.RESERVED]))
    assert len(found) == 2
