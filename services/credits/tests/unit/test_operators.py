"""What operators change of an account, each with its reason."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import (
    PLAN,
    SOON,
    TEAM,
    about,
    charged,
    history,
    moved,
    newest,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.stories import DAY, NOW

from credits.domain.account import NotEnoughCredits
from credits.domain.adjusting import adjust, grant_bonus, set_frozen
from credits.domain.bucket import Bucket
from credits.domain.ledger import About, Side
from credits.domain.repairing import Drift, repair

OVER = NOW + 33 * DAY


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
