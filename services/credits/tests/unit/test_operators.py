"""What operators do to an account, and how the team reads it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import MESSAGE, TEAM, history, moved, next_batch, opened, refused
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, spending_key

from contracts.orders import Operation
from credits.domain.account import NotEnoughCredits
from credits.domain.adjusting import adjust, grant_bonus, set_frozen
from credits.domain.books import Books, ConflictingContent, Hold
from credits.domain.bucket import Bucket
from credits.domain.compensating import NothingToRefund, refund_job
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.repairing import Drift, repair
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, expire

PLAN = UUID(int=1)
SOON = NOW + timedelta(minutes=1)
OVER = NOW + 33 * DAY
END = NOW + timedelta(hours=30, minutes=18, seconds=45)


def newest(books: Books) -> Bucket:
    account = books.accounts[TEAM]
    return account.buckets[account.opened[-1]]


def about(books: Books) -> About:
    return books.accounts[TEAM].postings[-1].about


def charged(plan: int = 20) -> tuple[Books, Hold]:
    """Books of the batch after a job was charged 6 of 8 credits."""
    books = opened(plan)
    asked = ask(TEAM, order(4), api_key=spending_key(100))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 3), MESSAGE, NOW)
    return next_batch(books), books.holds[asked.orders[0].job_id]


def test_what_is_given_is_a_bucket_that_never_expires():
    books = opened()
    adjust(books.accounts[TEAM], 5, "a gift", SOON, "ann")
    bucket = newest(books)
    assert bucket == Bucket(
        id=bucket.id,
        kind="adjustment",
        source_ref=f"adjustment:{bucket.id}",
        granted=5,
        remaining=5,
        opened_at=SOON,
    )
    assert history(books) == [("adjustment", 5, 0, 25, "a gift")]
    assert moved(books) == [(Side.ISSUED, -5, bucket.id), (Side.SPENDABLE, 5, bucket.id)]
    assert about(books) == About(reason="a gift", by="ann")
    assert books.accounts[TEAM].postings[-1].at == SOON


def test_a_single_credit_can_be_given_and_taken():
    books = opened()
    adjust(books.accounts[TEAM], 1, "a gift", NOW)
    adjust(books.accounts[TEAM], -1, "a slip", NOW)
    assert history(books) == [("adjustment", 1, 0, 21, "a gift"), ("adjustment", -1, 0, 20, "a slip")]


def test_all_that_can_be_spent_may_be_taken_and_not_one_credit_more():
    books = opened()
    with refused(NotEnoughCredits, "21 credits are required, 20 can be spent"):
        adjust(books.accounts[TEAM], -21, "a mistake", SOON)
    adjust(books.accounts[TEAM], -20, "a mistake", SOON, "ann")
    assert history(books) == [("adjustment", -20, 0, 0, "a mistake")]
    assert moved(books) == [(Side.SPENDABLE, -20, PLAN), (Side.ISSUED, 20, PLAN)]
    assert about(books) == About(reason="a mistake", by="ann")
    assert books.accounts[TEAM].postings[-1].at == SOON


@pytest.mark.parametrize(("amount", "reason"), [(0, "a gift"), (5, ""), (0, "")])
def test_an_adjustment_needs_an_amount_and_a_reason(amount, reason):
    books = opened()
    with refused(ValueError, "an adjustment needs an amount and a reason"):
        adjust(books.accounts[TEAM], amount, reason, NOW)
    assert history(books) == []


def test_nothing_is_taken_from_credits_whose_time_is_over():
    books = opened()
    with pytest.raises(NotEnoughCredits):
        adjust(books.accounts[TEAM], -1, "a mistake", OVER)
    assert history(books) == [("expire", -20, 0, 0, "plan credits expired")]


def test_a_bonus_is_a_bucket_with_an_end():
    books = opened()
    grant_bonus(books.accounts[TEAM], 5, SOON + DAY, "welcome", SOON, "ann")
    bucket = newest(books)
    assert bucket == Bucket(
        id=bucket.id,
        kind="bonus",
        source_ref=f"bonus:{bucket.id}",
        granted=5,
        remaining=5,
        opened_at=SOON,
        expires_at=SOON + DAY,
    )
    assert history(books) == [("bonus", 5, 0, 25, "welcome")]
    assert about(books) == About(reason="welcome", by="ann")


@pytest.mark.parametrize(("amount", "reason"), [(0, "welcome"), (-1, "welcome"), (5, "")])
def test_a_bonus_needs_credits_and_a_reason(amount, reason):
    with refused(ValueError, "a bonus needs an amount above zero and a reason"):
        grant_bonus(opened().accounts[TEAM], amount, NOW + DAY, reason, NOW)


def test_a_bonus_of_one_credit_for_a_moment_is_a_bonus():
    books, moment = opened(), timedelta(microseconds=1)
    grant_bonus(books.accounts[TEAM], 1, NOW + moment, "welcome", NOW)
    assert history(books) == [("bonus", 1, 0, 21, "welcome")]
    with refused(ValueError, "a bonus must expire later than now"):
        grant_bonus(books.accounts[TEAM], 1, NOW, "welcome", NOW)


def test_a_bonus_comes_after_what_is_over_has_expired():
    books = opened()
    grant_bonus(books.accounts[TEAM], 5, OVER + DAY, "welcome", OVER)
    assert [line[:2] for line in history(books)] == [("expire", -20), ("bonus", 5)]


def test_an_account_is_frozen_and_unfrozen_with_a_line_in_its_history():
    books = opened()
    account = books.accounts[TEAM]
    assert set_frozen(account, "odd orders", SOON, "ann", frozen=True) is True
    assert (account.is_frozen, about(books)) == (True, About(reason="frozen: odd orders", by="ann"))
    assert set_frozen(account, "odd orders", SOON, "ann", frozen=True) is False
    assert set_frozen(account, "all well", SOON, frozen=False) is True
    assert (account.is_frozen, about(books)) == (False, About(reason="unfrozen: all well"))
    assert history(books) == [
        ("adjustment", 0, 0, 20, "frozen: odd orders"),
        ("adjustment", 0, 0, 20, "unfrozen: all well"),
    ]
    assert {posting.at for posting in account.postings[1:]} == {SOON}


def test_freezing_needs_a_reason():
    account = opened().accounts[TEAM]
    with refused(ValueError, "a reason is needed"):
        set_frozen(account, "", NOW, frozen=True)
    assert not account.is_frozen


def test_a_charged_job_is_given_back_to_where_it_came_from():
    books, one = charged()
    assert refund_job(books, one, None, "poor images", SOON, "ann") == 6
    assert history(books, skip=0) == [("refund", 6, -6, 20, "refund: poor images")]
    assert moved(books) == [(Side.SPENT, -6, PLAN), (Side.SPENDABLE, 6, PLAN)]
    assert about(books) == About(
        one.id, Operation.GENERATE_IMAGES, "refund: poor images", "ann", f"refund:{one.id}"
    )
    assert books.accounts[TEAM].postings[-1].at == SOON
    assert (one.refunded, books.refunded) == (6, {one.id: one})
    assert list(books.key_spend.values()) == [0]


def test_a_job_is_refunded_once():
    books, one = charged()
    assert refund_job(books, one, 2, "poor images", SOON) == 2
    books = next_batch(books)
    assert refund_job(books, one, 2, "poor images", SOON) == 2
    assert refund_job(books, one, None, "poor images", SOON) == 2
    with refused(ConflictingContent, f"job {one.id} was refunded 2 credits before"):
        refund_job(books, one, 6, "poor images", SOON)
    assert history(books, skip=0) == []
    assert list(books.key_spend.values()) == [4]


@pytest.mark.parametrize("amount", [-1, 0, 7])
def test_no_more_is_refunded_than_was_charged(amount):
    books, one = charged()
    with refused(NothingToRefund, f"job {one.id} was charged 6 credits"):
        refund_job(books, one, amount, "poor images", SOON)
    assert (one.refunded, books.refunded) == (0, {})


def test_a_single_credit_can_be_refunded_and_all_of_them():
    for amount in (1, 6):
        books, one = charged()
        assert refund_job(books, one, amount, "poor images", SOON) == amount


def test_a_refund_needs_a_reason():
    books, one = charged()
    with refused(ValueError, "a refund needs a reason"):
        refund_job(books, one, None, "", SOON)


def test_what_was_charged_last_returns_first():
    books = opened(plan=4)
    adjust(books.accounts[TEAM], 4, "a gift", NOW)
    asked = ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 3), MESSAGE, NOW)
    refund_job(books, books.holds[asked.orders[0].job_id], 3, "poor images", SOON)
    gift = newest(books).id
    assert moved(books) == [
        (Side.SPENT, -2, gift),
        (Side.SPENDABLE, 2, gift),
        (Side.SPENT, -1, PLAN),
        (Side.SPENDABLE, 1, PLAN),
    ]


def test_a_job_paid_from_a_closed_bucket_is_refunded_into_one_that_never_expires():
    books, one = charged()
    open_period(books, period(TEAM, 30, NOW + DAY), NOW + DAY)
    known = set(books.accounts[TEAM].buckets)
    refund_job(books, one, None, "poor images", SOON)
    bucket = newest(books)
    assert bucket.id.int > max(id_.int for id_ in known)
    assert bucket == Bucket(
        id=bucket.id,
        kind="adjustment",
        source_ref=f"adjustment:{bucket.id}",
        granted=6,
        remaining=6,
        opened_at=SOON,
    )
    assert history(books, skip=0)[-1] == ("refund", 6, -6, 36, "refund: poor images")
    assert moved(books) == [
        (Side.SPENT, -6, None),
        (Side.ISSUED, 6, None),
        (Side.ISSUED, -6, bucket.id),
        (Side.SPENDABLE, 6, bucket.id),
    ]


def test_what_was_charged_late_is_refunded_into_one_that_never_expires():
    books = opened()
    asked = ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    one = books.holds[asked.orders[0].job_id]
    expire(books, one.id, END)
    capture(books, captured(asked, 3), MESSAGE, END)
    assert refund_job(books, one, None, "poor images", END) == 6
    assert (newest(books).kind, newest(books).remaining) == ("adjustment", 6)


CHARGED = Drift("charged", TEAM, UUID(int=9), booked=8, due=6)


def test_what_was_charged_too_much_is_given_back():
    books, _ = charged()
    account = books.accounts[TEAM]
    repair(account, CHARGED, SOON, "ann")
    assert history(books, skip=0) == [("refund", 2, -2, 16, "repair: charged more than was captured")]
    assert about(books) == About(
        job_id=UUID(int=9),
        reason="repair: charged more than was captured",
        by="ann",
        key=f"repair:charged:{UUID(int=9)}:1",
    )
    assert (newest(books).kind, newest(books).remaining) == ("adjustment", 2)
    assert account.postings[-1].at == SOON


def test_what_is_set_aside_for_no_hold_is_given_back():
    books = opened()
    account = books.accounts[TEAM]
    account.reserve(8, About(), NOW)
    books = next_batch(books)
    repair(account, Drift("reserved", TEAM, PLAN, booked=8, due=5), SOON, "ann")
    assert history(books, skip=0) == [("refund", 3, 0, 15, "repair: set aside for no open hold")]
    assert moved(books) == [(Side.RESERVED, -3, PLAN), (Side.SPENDABLE, 3, PLAN)]
    assert about(books) == About(
        reason="repair: set aside for no open hold", by="ann", key=f"repair:reserved:{PLAN}:1"
    )
    assert (account.buckets[PLAN].held, account.postings[-1].at) == (5, SOON)


@pytest.mark.parametrize(
    ("drift", "line"),
    [
        (CHARGED, f"team {TEAM}, job {UUID(int=9)}: charged 8, the holds say 6: give 2 back"),
        (
            replace(CHARGED, kind="reserved", subject=PLAN, due=9),
            f"team {TEAM}, bucket {PLAN}: reserved 8, the holds say 9: a person must look",
        ),
    ],
    ids=["charged", "reserved"],
)
def test_a_drift_says_where_it_is_and_what_helps(drift, line):
    assert str(drift) == line


@pytest.mark.parametrize(("due", "repairable"), [(7, True), (8, False), (9, False)])
def test_only_what_is_booked_too_much_is_repaired(due, repairable):
    assert replace(CHARGED, due=due).is_repairable is repairable
