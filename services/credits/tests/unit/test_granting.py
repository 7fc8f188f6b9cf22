"""What periods and packs bring, and what they replace, in the history as the team reads it."""

from services.credits.tests.books import TEAM, history, moved, next_batch, opened, refused
from services.credits.tests.payments import FIRST, PACK, PLAN, SOON, bucket_of
from services.credits.tests.stories import DAY, NOW, period, top_up

from contracts.billing import TopUpPaid
from credits.domain.account import Account
from credits.domain.adjusting import grant_bonus
from credits.domain.books import Books, ConflictingContent
from credits.domain.bucket import Bucket
from credits.domain.granting import add_top_up
from credits.domain.ledger import Side
from credits.domain.replenishing import open_period


def empty() -> Books:
    """Books of a team that has nothing yet."""
    books = opened()
    return Books({TEAM: Account(TEAM, books.accounts[TEAM].new_id)})


def test_a_period_brings_its_credits_and_says_when_the_next_ones_come():
    books, end = empty(), NOW + 30 * DAY
    open_period(books, FIRST, SOON)
    bucket = bucket_of(books, FIRST.source_ref)
    assert bucket == Bucket(
        id=bucket.id,
        kind="plan",
        source_ref=FIRST.source_ref,
        granted=20,
        remaining=20,
        opened_at=SOON,
        expires_at=end + 3 * DAY,
        period_start=NOW,
    )
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW, end)
    assert history(books, skip=0) == [("replenish", 20, 0, 20, "pro: a new period")]
    assert moved(books) == [(Side.ISSUED, -20, bucket.id), (Side.SPENDABLE, 20, bucket.id)]
    assert account.postings[-1].at == SOON
    (grant,) = books.granted
    assert (grant.source_ref, grant.team_id, grant.superseded, grant.granted_at) == (
        FIRST.source_ref,
        TEAM,
        False,
        SOON,
    )


def test_a_period_that_brings_nothing_moves_nothing():
    books = empty()
    open_period(books, period(TEAM, 0), NOW)
    assert history(books, skip=0) == [("replenish", 0, 0, 0, "pro: a new period")]
    assert moved(books) == []


def test_free_credits_end_with_their_period():
    books, free = empty(), period(TEAM, 20, plan="free")
    open_period(books, free, NOW)
    assert bucket_of(books, free.source_ref).expires_at == NOW + 30 * DAY


def test_credits_added_to_a_period_replace_nothing():
    books, added = opened(), period(TEAM, 5, NOW + DAY, kind="add")
    open_period(books, added, SOON)
    account = books.accounts[TEAM]
    assert history(books) == [("replenish", 5, 0, 25, "pro: added to the period")]
    assert (account.period_start, account.next_replenishment_at) == (NOW, NOW + 30 * DAY)


def test_a_new_period_replaces_plan_and_bonus_and_nothing_else():
    books = opened()
    add_top_up(books, PACK, NOW)
    grant_bonus(books.accounts[TEAM], 3, NOW + 9 * DAY, "welcome", NOW)
    open_period(books, period(TEAM, 30, NOW + DAY), SOON)
    assert history(books, skip=3) == [
        ("expire", -3, 0, 32, "bonus credits replaced"),
        ("expire", -20, 0, 12, "plan credits replaced"),
        ("replenish", 30, 0, 42, "pro: a new period"),
    ]
    old = books.accounts[TEAM].buckets[PLAN]
    assert (old.closed_at, old.close_reason, old.expired, old.remaining) == (SOON, "replaced", 20, 0)
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW + DAY, NOW + 31 * DAY)
    assert account.postings[3].at == SOON


def test_a_period_that_comes_after_its_successor_brings_nothing_to_spend():
    books = opened()
    open_period(books, period(TEAM, 30, NOW - DAY), SOON)
    assert history(books) == [
        ("replenish", 30, 0, 50, "pro: a new period"),
        ("expire", -30, 0, 20, "plan credits replaced"),
    ]
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW, NOW + 30 * DAY)
    assert [grant.superseded for grant in books.granted] == [False, True]
    late = bucket_of(books, period(TEAM, 30, NOW - DAY).source_ref)
    assert (late.closed_at, late.close_reason) == (SOON, "replaced")


def test_a_late_period_closes_its_own_credits_and_no_others():
    books = opened()
    add_top_up(books, PACK, NOW)
    open_period(books, period(TEAM, 30, NOW - DAY), SOON)
    left = {bucket.source_ref: bucket.remaining for bucket in books.accounts[TEAM].buckets.values()}
    late = period(TEAM, 30, NOW - DAY).source_ref
    assert left == {FIRST.source_ref: 20, PACK.source_ref: 12, late: 0}


def test_a_period_that_began_with_the_newest_is_not_older_than_it():
    books = opened()
    open_period(books, period(TEAM, 30, source_ref="another source"), SOON)
    assert [grant.superseded for grant in books.granted] == [False, False]
    assert books.accounts[TEAM].spendable == 30


def test_a_period_heard_when_it_is_long_over_brings_nothing_to_spend():
    books = empty()
    open_period(books, FIRST, NOW + 33 * DAY)
    assert [line[:2] for line in history(books, skip=0)] == [("replenish", 20), ("expire", -20)]


def test_a_pack_of_credits_is_bought_once_and_never_renewed():
    books = opened()
    add_top_up(books, PACK, SOON)
    bucket = bucket_of(books, PACK.source_ref)
    assert bucket == Bucket(
        id=bucket.id,
        kind="topup",
        source_ref=PACK.source_ref,
        granted=12,
        remaining=12,
        opened_at=SOON,
    )
    assert history(books) == [("top_up", 12, 0, 32, "a pack of credits")]
    assert (books.granted[-1].source_ref, books.granted[-1].granted_at) == (PACK.source_ref, SOON)
    assert not books.granted[-1].superseded
    books = next_batch(books)
    add_top_up(books, PACK, SOON)
    assert not books.have_changed


def test_a_field_that_is_added_later_and_left_empty_makes_no_other_pack():
    class Later(TopUpPaid):
        note: str | None = None

    books = opened()
    add_top_up(books, PACK, NOW)
    books = next_batch(books)
    add_top_up(books, Later(**PACK.model_dump()), NOW)
    assert not books.have_changed


def test_a_pack_may_have_an_end():
    books = opened()
    add_top_up(books, top_up(TEAM, 12, expires_at=SOON), SOON)
    assert history(books) == [
        ("top_up", 12, 0, 32, "a pack of credits"),
        ("expire", -12, 0, 20, "topup credits expired"),
    ]


def test_what_was_booked_with_other_content_is_a_conflict():
    books = opened()
    why = f"{FIRST.source_ref} came before with other content"
    with refused(ConflictingContent, why):
        open_period(books, period(TEAM, 21), NOW)
    add_top_up(books, PACK, NOW)
    with refused(ConflictingContent, f"{PACK.source_ref} came before with other content"):
        add_top_up(books, top_up(TEAM, 13), NOW)


def test_what_is_granted_is_known_again_by_its_content_and_not_by_when_it_came():
    books = opened()
    books = next_batch(books)
    open_period(books, FIRST, NOW + DAY)
    assert not books.have_changed
