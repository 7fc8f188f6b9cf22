"""How a hold ends: what is said of it, what the history tells, what its key has spent."""

from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import (
    ANOTHER,
    MESSAGE,
    OTHER,
    TEAM,
    history,
    moved,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, captured, order, released, spending_key

from contracts.credits import CaptureCredits, CreditsSettled, HoldCredits, Outcome, ReleaseCredits
from contracts.orders import Operation
from credits.domain.books import Books, ConflictingContent, Hold, KeyWindow
from credits.domain.holding import hold
from credits.domain.ledger import Side
from credits.domain.pricing import Price, PriceList
from credits.domain.settling import UnknownHold, capture, expire, release, says_otherwise

KEY = spending_key(100, UUID(int=5))
WINDOW = KeyWindow(UUID(int=5), NOW - DAY)
SOON = NOW + timedelta(minutes=5)
END = NOW + timedelta(hours=30, minutes=18, seconds=45)
PLAN = UUID(int=1)


def held(plan: int = 20) -> tuple[Books, HoldCredits, Hold]:
    """Books in which one job holds 8 credits for four images."""
    books = opened(plan)
    asked = ask(TEAM, order(4), api_key=KEY)
    hold(books, PRICES, asked, MESSAGE, NOW)
    return books, asked, books.holds[asked.orders[0].job_id]


def expired(plan: int = 20) -> tuple[Books, HoldCredits, Hold]:
    """As above, and nobody settled it in time."""
    books, asked, one = held(plan)
    expire(books, one.id, END)
    return books, asked, one


def settled(one: Hold, outcome: Outcome, charged: int, back: int, *entries: UUID) -> CreditsSettled:
    """Write out what is said of a hold of eight credits."""
    return CreditsSettled(
        job_id=one.id,
        team_id=TEAM,
        outcome=outcome,
        held=8,
        captured=charged,
        released=back,
        entry_ids=entries,
    )


def last_ids(books: Books, n: int) -> tuple[UUID, ...]:
    return tuple(posting.id for posting in books.accounts[TEAM].postings[-n:])


def test_what_was_delivered_is_charged_and_the_rest_given_back():
    books, asked, one = held()
    said = capture(books, captured(asked, 3), MESSAGE, SOON)
    assert said == settled(one, "captured", 6, 2, *last_ids(books, 2))
    assert history(books) == [
        ("reserve", -8, 0, 12, ""),
        ("deduct", 0, 6, 12, "3 of 4 delivered"),
        ("refund", 2, 0, 14, "3 of 4 delivered"),
    ]
    assert moved(books) == [(Side.RESERVED, -2, PLAN), (Side.SPENDABLE, 2, PLAN)]
    assert (one.status, one.reason, one.settled_by, one.settled_at) == (
        "captured",
        "3 of 4 delivered",
        MESSAGE,
        SOON,
    )
    assert books.settled == {one.id: one}


def test_each_line_of_the_history_names_its_job_and_its_moment():
    books, asked, one = held()
    capture(books, captured(asked, 3), MESSAGE, SOON)
    entries = [posting.entry() for posting in books.accounts[TEAM].postings]
    assert [(e.job_id, e.operation, e.at) for e in entries] == [
        (None, None, NOW),
        (one.id, Operation.GENERATE_IMAGES, NOW),
        (one.id, Operation.GENERATE_IMAGES, SOON),
        (one.id, Operation.GENERATE_IMAGES, SOON),
    ]


def test_what_is_delivered_whole_leaves_nothing_to_give_back():
    books, asked, _ = held()
    said = capture(books, captured(asked, 4), MESSAGE, SOON)
    assert (said.captured, said.released, said.entry_ids) == (8, 0, last_ids(books, 1))
    assert history(books)[1:] == [("deduct", 0, 8, 12, "4 of 4 delivered")]


def test_what_costs_nothing_is_settled_without_a_line_in_the_history():
    books, free = opened(), PriceList(2, NOW, dict.fromkeys(Operation, Price(0)))
    asked = ask(TEAM, order(4))
    hold(books, free, asked, MESSAGE, NOW)
    said = capture(books, captured(asked, 3), MESSAGE, SOON)
    assert (said.outcome, said.captured, said.released, said.entry_ids) == ("captured", 0, 0, ())
    assert history(books) == [("reserve", 0, 0, 20, "")]


def test_a_key_has_spent_what_its_jobs_were_charged():
    books, asked, _ = held()
    assert books.key_spend == {WINDOW: 8}
    capture(books, captured(asked, 3), MESSAGE, SOON)
    assert (books.key_spend, books.key_changes) == ({WINDOW: 6}, {WINDOW: 6})


def test_a_released_hold_comes_back_whole_with_its_reason():
    books, asked, one = held()
    said = release(books, released(asked), MESSAGE, SOON)
    assert said == settled(one, "released", 0, 8, *last_ids(books, 1))
    assert history(books)[1:] == [("refund", 8, 0, 20, "cancelled")]
    assert books.accounts[TEAM].postings[-1].entry().job_id == one.id
    assert books.accounts[TEAM].postings[-1].at == SOON
    assert (one.reason, one.settled_by, one.settled_at) == ("cancelled", MESSAGE, SOON)
    assert (books.key_spend, books.settled) == ({WINDOW: 0}, {one.id: one})


@pytest.mark.parametrize("end", [capture, release])
def test_the_message_that_was_answered_is_not_answered_again_but_a_new_one_is(end):
    books, asked, _ = held()
    command = captured(asked, 3) if end is capture else released(asked)
    said = end(books, command, MESSAGE, SOON)
    books = next_batch(books)
    assert end(books, command, MESSAGE, SOON) is None
    assert end(books, command, ANOTHER, SOON) == said
    assert not books.have_changed


def test_the_first_decision_stands():
    books, asked, _ = held()
    said = capture(books, captured(asked, 3), MESSAGE, SOON)
    assert release(books, released(asked), ANOTHER, SOON) == said
    books, asked, _ = held()
    said = release(books, released(asked), MESSAGE, SOON)
    assert capture(books, captured(asked, 3), ANOTHER, SOON) == said


@pytest.mark.parametrize(("quantity", "other"), [(2, True), (3, False), (4, True)])
def test_a_capture_of_another_quantity_says_otherwise(quantity, other):
    books, asked, one = held()
    capture(books, captured(asked, 3), MESSAGE, SOON)
    assert says_otherwise(one, captured(asked, quantity)) is other


def test_a_late_capture_that_could_not_be_paid_says_the_same_when_it_comes_again():
    books, asked, one = expired(plan=8)
    hold(books, PRICES, ask(TEAM, order(3), not_after=END), ANOTHER, END)
    capture(books, captured(asked, 3), MESSAGE, END)
    assert (one.captured, one.uncollected) == (2, 4)
    assert not says_otherwise(one, captured(asked, 3))


def test_no_more_is_captured_than_was_held():
    books, asked, one = held()
    with refused(ConflictingContent, f"5 of 4 units of job {one.id} captured"):
        capture(books, captured(asked, 5), MESSAGE, SOON)
    assert one.status == "held"


def test_nobody_settles_the_hold_of_another_team():
    books, _, one = held()
    why = f"job {one.id} belongs to another team"
    with refused(ConflictingContent, why):
        capture(books, CaptureCredits(job_id=one.id, team_id=OTHER, quantity=1), MESSAGE, SOON)
    with refused(ConflictingContent, why):
        release(books, ReleaseCredits(job_id=one.id, team_id=OTHER, reason="x"), MESSAGE, SOON)
    assert one.status == "held"


def test_what_was_never_held_cannot_be_captured():
    job = UUID(int=9)
    with refused(UnknownHold, f"job {job} was never held"):
        capture(opened(), CaptureCredits(job_id=job, team_id=TEAM, quantity=1), MESSAGE, NOW)


def test_a_release_before_its_hold_leaves_a_tombstone():
    books, job = opened(), UUID(int=9)
    command = ReleaseCredits(job_id=job, team_id=TEAM, reason="cancelled")
    said = release(books, command, MESSAGE, SOON)
    assert said == CreditsSettled(
        job_id=job, team_id=TEAM, outcome="released", held=0, captured=0, released=0
    )
    tombstone = Hold(
        id=job,
        team_id=TEAM,
        created_at=SOON,
        status="released",
        reason="cancelled",
        settled_by=MESSAGE,
        settled_at=SOON,
    )
    assert books.held == [tombstone]
    assert tombstone.is_tombstone
    assert history(books) == []
    assert release(books, command, MESSAGE, SOON) is None
    assert release(books, command, ANOTHER, SOON) == said


def test_a_hold_that_nobody_settled_ends_at_its_very_moment():
    books, _, one = held()
    assert one.expires_at == END
    assert expire(books, one.id, END - timedelta(microseconds=1)) is None
    assert one.status == "held"
    said = expire(books, one.id, END)
    assert said == settled(one, "expired", 0, 8, *last_ids(books, 1))
    assert history(books)[1:] == [("refund", 8, 0, 20, "not settled in time")]
    assert (one.reason, one.settled_by, one.settled_at) == ("not settled in time", None, END)
    assert (books.key_spend, books.settled) == ({WINDOW: 0}, {one.id: one})
    assert expire(books, one.id, END + DAY) is None


def test_neither_a_tombstone_nor_what_was_captured_expires():
    books, asked, one = held()
    capture(books, captured(asked, 3), MESSAGE, SOON)
    assert expire(books, one.id, END) is None
    stone = UUID(int=9)
    release(books, ReleaseCredits(job_id=stone, team_id=TEAM, reason="x"), MESSAGE, SOON)
    assert expire(books, stone, END) is None


def test_what_is_delivered_after_its_hold_expired_is_paid_from_what_is_there():
    books, asked, one = expired()
    (returned,) = last_ids(books, 1)
    said = capture(books, captured(asked, 3), MESSAGE, END + DAY)
    assert said == settled(one, "late_captured", 6, 2, returned, *last_ids(books, 1))
    reason = "3 of 4 delivered after the hold expired"
    assert history(books)[2:] == [("deduct", -6, 6, 14, reason)]
    assert moved(books) == [(Side.SPENDABLE, -6, PLAN), (Side.SPENT, 6, PLAN)]
    assert (one.reason, one.settled_by, one.settled_at) == (reason, MESSAGE, END + DAY)
    assert books.accounts[TEAM].postings[-1].at == END + DAY
    assert books.key_spend == {WINDOW: 6}


def test_what_is_not_there_any_more_is_owed():
    books, asked, one = expired(plan=8)
    hold(books, PRICES, ask(TEAM, order(3), not_after=END), ANOTHER, END)
    said = capture(books, captured(asked, 3), MESSAGE, END)
    assert (said.outcome, said.captured, said.uncollected, said.released) == ("uncollected", 2, 4, 2)
    assert moved(books) == [
        (Side.SPENDABLE, -2, PLAN),
        (Side.SPENT, 2, PLAN),
        (Side.UNCOLLECTED, -4, None),
        (Side.SPENT, 4, None),
    ]
    assert (books.accounts[TEAM].owed, books.key_spend[WINDOW], one.status) == (4, 2, "uncollected")


def test_nothing_is_paid_late_from_credits_whose_time_is_over():
    books, asked, _ = expired()
    said = capture(books, captured(asked, 3), MESSAGE, NOW + 40 * DAY)
    assert (said.outcome, said.captured, said.uncollected) == ("uncollected", 0, 6)


def test_a_hold_that_has_not_ended_has_nothing_to_say():
    _, _, one = held()
    assert one.outcome is None
    with refused(ValueError, f"hold {one.id} is not settled"):
        one.settled()
