from datetime import timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.stories import DAY, NOW

from credits.domain.bucket import Bucket, Part, choose, split


def bucket(kind="plan", remaining=10, expires=None, age=0, id_=None) -> Bucket:
    return Bucket(
        id=id_ or uuid4(),
        kind=kind,
        source_ref=str(uuid4()),
        granted=remaining,
        remaining=remaining,
        opened_at=NOW - timedelta(minutes=age),
        expires_at=None if expires is None else NOW + expires * DAY,
    )


def test_what_expires_soonest_is_spent_first_then_bonus_plan_topup_adjustment_then_age():
    expected = [
        bucket("topup", expires=1),
        bucket("bonus", expires=2),
        bucket("plan", expires=2),
        bucket("bonus"),
        bucket("plan", age=2, id_=UUID(int=2)),
        bucket("plan", age=1, id_=UUID(int=1)),
        bucket("topup"),
        bucket("adjustment"),
    ]
    assert [part.bucket_id for part in choose(reversed(expected), 80)] == [b.id for b in expected]


def test_no_more_is_taken_than_asked_for():
    first, second = bucket(expires=1), bucket(expires=2)
    assert choose([first, second], 13) == (Part(first.id, 10), Part(second.id, 3))
    assert choose([first, second], 10) == (Part(first.id, 10),)
    assert choose([first, second], 0) == ()


PARTS = st.lists(st.builds(Part, st.uuids(), st.integers(1, 50)), max_size=5, unique_by=lambda p: p.bucket_id)


@given(PARTS, st.integers(0, 300))
def test_split_parts_make_up_the_whole(parts: list[Part], amount: int):
    first, rest = split(parts, amount)
    total = sum(part.amount for part in parts)
    assert sum(part.amount for part in first) == min(amount, total)
    sums: dict[UUID, int] = {}
    for part in (*first, *rest):
        assert part.amount > 0
        sums[part.bucket_id] = sums.get(part.bucket_id, 0) + part.amount
    assert sums == {part.bucket_id: part.amount for part in parts}
