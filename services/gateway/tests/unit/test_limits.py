from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.rate import Bucket
from gateway.domain.throttle import Throttle, TooManyAttempts

NOW = datetime(2026, 11, 22, 12, 7, 30, tzinfo=UTC)
THROTTLE = Throttle("sign-in", 10, timedelta(minutes=15))


def test_the_tenth_attempt_passes_and_the_eleventh_waits_for_the_next_window():
    THROTTLE.check(10, NOW)
    with pytest.raises(TooManyAttempts) as refused:
        THROTTLE.check(11, NOW)

    assert THROTTLE.window_start(NOW) == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert refused.value.retry_after == 451


def test_a_counter_does_not_tell_whom_it_counts():
    assert "ada" not in THROTTLE.key("ada@example.com")
    assert THROTTLE.key("ada@example.com") != THROTTLE.key("bob@example.com")


def test_a_minute_holds_as_many_requests_as_the_plan_allows():
    bucket = Bucket(60, 60.0, at=0)
    passed = [bucket.take(0, 60).allowed for _ in range(61)]

    assert passed == [True] * 60 + [False]
    refused = bucket.take(0, 60)
    assert (refused.remaining, refused.retry_after, refused.reset) == (0, 1, 60)
    assert bucket.take(1.0, 60).allowed


def test_a_bucket_never_holds_more_than_a_minute_of_requests():
    bucket = Bucket(60, 60.0, at=0)

    assert bucket.take(3600, 60).remaining == 59


def test_a_better_plan_counts_at_once():
    bucket = Bucket(60, 0.0, at=0)

    assert bucket.take(0, 1200).remaining == 1139
