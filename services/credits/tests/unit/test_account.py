"""What a team sees of its account, and when it is warned."""

from collections import Counter
from copy import deepcopy
from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import MESSAGE, TEAM, next_batch, opened
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    ask_price,
    captured,
    order,
    period,
    refund,
    released,
    top_up,
)

from contracts.credits import AccountChanged, Entry, LowBalance
from contracts.credits import Bucket as BucketShown
from contracts.orders import Operation
from credits.domain.account import Account, UnknownTeam
from credits.domain.adjusting import adjust, grant_bonus
from credits.domain.books import Books
from credits.domain.granting import add_top_up
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.low_balance import ran_low
from credits.domain.pricing import Price, PriceList
from credits.domain.quoting import quote
from credits.domain.refunding import refund_payment
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, expire, release

SOON = NOW + timedelta(minutes=1)
PLAN = UUID(int=1)


def test_an_account_is_shown_with_its_buckets_in_the_order_they_are_spent():
    books = opened()
    account = books.accounts[TEAM]
    add_top_up(books, top_up(TEAM, 12), NOW)
    grant_bonus(account, 5, NOW + DAY, "welcome", NOW)
    books = next_batch(books)
    asked = ask(TEAM, order(3))
    hold(books, PRICES, asked, MESSAGE, SOON)
    (reserved,) = account.postings
    bonus, plan, pack = sorted(account.buckets.values(), key=lambda bucket: bucket.rank)
    assert account.face() == AccountChanged(
        team_id=TEAM,
        version=2,
        available=31,
        bonus=0,
        reserved=6,
        buckets=(
            BucketShown(id=bonus.id, kind="bonus", granted=5, remaining=0, held=5, expires_at=NOW + DAY),
            BucketShown(id=plan.id, kind="plan", granted=20, remaining=19, held=1, expires_at=NOW + 33 * DAY),
            BucketShown(id=pack.id, kind="topup", granted=12, remaining=12, held=0),
        ),
        next_replenishment_at=NOW + 30 * DAY,
        entries=(
            Entry(
                id=reserved.id,
                kind="reserve",
                amount=-6,
                balance_after=31,
                version=2,
                job_id=asked.orders[0].job_id,
                operation=Operation.GENERATE_IMAGES,
                at=SOON,
            ),
        ),
    )


def test_a_bonus_is_shown_beside_what_is_available():
    account = opened().accounts[TEAM]
    grant_bonus(account, 5, NOW + DAY, "welcome", NOW)
    grant_bonus(account, 2, NOW + DAY, "welcome again", NOW)
    assert (account.face().available, account.face().bonus) == (20, 7)


def test_a_bucket_is_shown_as_long_as_something_is_in_it():
    books = opened(8)
    asked = ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    assert [(b.remaining, b.held) for b in books.accounts[TEAM].face().buckets] == [(0, 8)]
    capture(books, captured(asked, 4), MESSAGE, NOW)
    assert books.accounts[TEAM].face().buckets == ()


def test_a_frozen_account_that_owes_is_shown_as_such():
    books, asked = opened(), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 4), MESSAGE, NOW)
    refund_payment(books, refund(period(TEAM, 20)), NOW)
    books.accounts[TEAM].disputes = 1
    face = books.accounts[TEAM].face()
    assert (face.uncollected, face.frozen, face.available) == (8, True, 0)


def test_all_that_one_batch_does_to_an_account_is_one_version_of_it():
    books = opened()
    adjust(books.accounts[TEAM], 1, "a gift", NOW)
    assert [entry.version for entry in books.accounts[TEAM].face().entries] == [1, 1]
    adjust(next_batch(books).accounts[TEAM], 1, "a gift", NOW)
    face = books.accounts[TEAM].face()
    assert (face.version, [entry.version for entry in face.entries]) == (2, [2])


def test_a_new_account_is_empty():
    face = Account(TEAM, UUID).face()
    assert face == AccountChanged(team_id=TEAM, version=0, available=0, bonus=0, reserved=0)


def test_a_bucket_spent_to_its_last_credit_is_closed_without_a_line_in_the_history():
    books, asked = opened(8), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 4), MESSAGE, NOW)
    books = next_batch(books)
    books.accounts[TEAM].expire_due(NOW + 33 * DAY)
    assert books.accounts[TEAM].postings == []
    assert books.accounts[TEAM].buckets[PLAN].close_reason == "expired"
    assert books.have_changed


def test_buckets_expire_in_the_order_they_would_have_been_spent():
    account = opened().accounts[TEAM]
    grant_bonus(account, 5, NOW + DAY, "welcome", NOW)
    account.expire_due(NOW + DAY - timedelta(microseconds=1))
    assert len(account.postings) == 2
    account.expire_due(NOW + 40 * DAY)
    assert [posting.about for posting in account.postings[2:]] == [
        About(reason="bonus credits expired"),
        About(reason="plan credits expired"),
    ]
    account.expire_due(NOW + 50 * DAY)
    assert len(account.postings) == 4


def test_a_team_without_an_account_is_named():
    assert str(UnknownTeam(TEAM)) == f"team {TEAM} has no account"


def spend(books: Books, credits: int) -> Books:
    books = next_batch(books)
    adjust(books.accounts[TEAM], -credits, "spent", SOON)
    return books


@pytest.mark.parametrize(("spent", "warned"), [(9, False), (10, False), (11, True), (20, True)])
def test_a_team_is_warned_when_it_can_spend_less_than_the_threshold(spent, warned):
    account = spend(opened(), spent).accounts[TEAM]
    warning = ran_low(account, 10)
    said = LowBalance(team_id=TEAM, spendable=20 - spent, threshold=10, at=SOON, version=account.version)
    assert warning == ([said] if warned else [])


def test_who_is_low_is_not_warned_again_until_there_was_enough():
    books = spend(opened(), 11)
    assert ran_low(spend(books, 1).accounts[TEAM], 10) == []
    books = next_batch(books)
    adjust(books.accounts[TEAM], 2, "a gift", NOW)
    assert ran_low(books.accounts[TEAM], 10) == []
    assert ran_low(spend(books, 1).accounts[TEAM], 10) != []


def test_a_batch_is_judged_by_its_beginning_and_its_end():
    books = next_batch(opened())
    adjust(books.accounts[TEAM], -15, "spent", SOON)
    adjust(books.accounts[TEAM], -1, "spent", SOON)
    assert [warning.spendable for warning in ran_low(books.accounts[TEAM], 10)] == [4]
    books = next_batch(opened())
    adjust(books.accounts[TEAM], -15, "spent", SOON)
    adjust(books.accounts[TEAM], 15, "given back", SOON)
    assert ran_low(books.accounts[TEAM], 10) == []


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda _: None, False),
        (lambda books: adjust(books.accounts[TEAM], 1, "a gift", NOW), True),
        (lambda books: hold(books, PRICES, ask(TEAM, order(4)), MESSAGE, NOW), True),
        (lambda books: hold(books, PRICES, ask(TEAM, order(16)), MESSAGE, NOW), True),
        (lambda books: refund_payment(books, refund(top_up(TEAM)), NOW), True),
        (lambda books: quote(books, PRICES, ask_price(TEAM), MESSAGE, NOW), True),
        (lambda books: release(books, released(ask(TEAM)), MESSAGE, NOW), True),
        (lambda books: open_period(books, period(TEAM, 20), NOW), False),
    ],
    ids=[
        "nothing",
        "a gift",
        "a hold",
        "a decline",
        "a refund of nothing known",
        "an offer",
        "a tombstone",
        "a period known",
    ],
)
def test_books_know_whether_there_is_anything_to_write_down(change, changed):
    books = next_batch(opened())
    change(books)
    assert books.have_changed is changed


def test_the_end_of_a_hold_that_cost_nothing_is_written_down_though_no_credit_moved():
    books, free = opened(), PriceList(2, NOW, dict.fromkeys(Operation, Price(0)))
    asked = ask(TEAM)
    hold(books, free, asked, MESSAGE, NOW)
    books = next_batch(books)
    capture(books, captured(asked, 4), MESSAGE, NOW)
    assert books.accounts[TEAM].postings == []
    assert books.have_changed


ASKED = ask(TEAM, order(4, job_id=UUID(int=7)))
CHANGES = {
    "a hold": lambda books: hold(books, PRICES, ask(TEAM, order(9)), MESSAGE, NOW),
    "a capture": lambda books: capture(books, captured(ASKED, 3), MESSAGE, NOW),
    "a release": lambda books: release(books, released(ASKED), MESSAGE, NOW),
    "an end of a hold": lambda books: expire(books, UUID(int=7), NOW + 2 * DAY),
    "a slip": lambda books: adjust(books.accounts[TEAM], -12, "a slip", NOW),
    "a gift": lambda books: adjust(books.accounts[TEAM], 5, "a gift", NOW),
    "a bonus": lambda books: grant_bonus(books.accounts[TEAM], 5, NOW + DAY, "x", NOW),
    "a period": lambda books: open_period(books, period(TEAM, 5, NOW + DAY), NOW),
    "a late period": lambda books: open_period(books, period(TEAM, 5, NOW - DAY), NOW),
    "time": lambda books: books.accounts[TEAM].expire_due(NOW + 33 * DAY),
    "a refund": lambda books: refund_payment(books, refund(period(TEAM, 20)), NOW),
    "a refund of a pack": lambda books: refund_payment(books, refund(top_up(TEAM, 12)), NOW),
}


@pytest.mark.parametrize("first", CHANGES)
def test_every_bucket_that_changed_is_named_so_that_it_is_written_down(first):
    for second in CHANGES:
        books = opened(60)
        add_top_up(books, top_up(TEAM, 12), NOW)
        hold(books, PRICES, ASKED, MESSAGE, NOW)
        for change in (first, second):
            books = next_batch(books)
            account = books.accounts[TEAM]
            before = deepcopy(account.buckets)
            CHANGES[change](books)
            changed = {id_ for id_, bucket in before.items() if account.buckets[id_] != bucket}
            assert changed <= account.touched <= account.buckets.keys()
            assert set(account.opened) == account.buckets.keys() - before.keys()


def test_every_line_of_the_ledger_names_the_bucket_it_moved_credits_of():
    books, asked = opened(), ask(TEAM, order(4))
    account = books.accounts[TEAM]
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 3), MESSAGE, NOW)
    open_period(books, period(TEAM, 5, NOW + DAY), NOW)
    refund_payment(books, refund(period(TEAM, 20)), NOW)
    assert [line.balance_after for line in account.postings[1].lines] == [12, 8]
    moved = Counter()
    for posting in account.postings:
        for line in posting.lines:
            moved[line.side, line.bucket_id] += line.amount
    new = account.opened[-1]
    assert {what: amount for what, amount in moved.items() if amount} == {
        (Side.ISSUED, PLAN): -20,
        (Side.SPENT, PLAN): 6,
        (Side.CLAWED_BACK, PLAN): 20,
        (Side.UNCOLLECTED, PLAN): -6,
        (Side.ISSUED, new): -5,
        (Side.SPENDABLE, new): 5,
    }
