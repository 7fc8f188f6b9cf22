"""Whatever brings credits to a period, and in whatever order it is heard: the balance is the same."""

from datetime import timedelta
from itertools import count, permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.stories import DAY, NOW, period
from services.credits.tests.unit.test_commuting import check

from credits.domain.account import Account
from credits.domain.books import Books
from credits.domain.replenishing import open_period

TEAM = UUID(int=1)
facts = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 2), st.sampled_from(["reset", "add"])),
    min_size=1,
    max_size=5,
)


def balance(steps) -> tuple[object, ...]:
    numbers = count(1)
    books = Books({TEAM: Account(TEAM, lambda: UUID(int=next(numbers)))})
    for step in steps:
        open_period(books, step, NOW)
        check(books)
    account = books.accounts[TEAM]
    left = sorted((b.source_ref, b.remaining, b.is_open) for b in account.buckets.values())
    return dict(account.balances), account.period_start, account.next_replenishment_at, left


@given(facts)
def test_every_order_of_resets_and_additions_leaves_the_same(described):
    periods = [
        period(TEAM, credits, NOW + days * DAY, kind, source_ref=f"{n}")
        for n, (credits, days, kind) in enumerate(described)
    ]
    assert len({repr(balance(steps)) for steps in permutations(periods)}) == 1


def test_an_upgrade_heard_before_its_period_is_not_lost():
    upgrade, renewal = period(TEAM, 150, NOW, "add"), period(TEAM, 1000, NOW)

    for steps in permutations([upgrade, renewal]):
        assert balance(steps)[0]["spendable"] == 1150


def test_the_paid_plan_stays_beside_a_free_month_of_the_same_start():
    free = period(TEAM, 200, NOW, plan="free", source_ref="free")
    paid = period(TEAM, 1000, NOW, source_ref="paid")

    for steps in permutations([free, paid]):
        assert balance(steps)[0]["spendable"] == 1000


def test_what_was_added_to_a_period_ends_with_it():
    upgrade, renewal = period(TEAM, 150, NOW, "add"), period(TEAM, 1000, NOW + timedelta(days=30))

    for steps in permutations([upgrade, renewal]):
        assert balance(steps)[0]["spendable"] == 1000
