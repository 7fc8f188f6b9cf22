from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest

from gateway.adapters.inbound.http.limits import RateLimiter, Streams, TooManyStreams
from gateway.domain.rate import Bucket, Use

ADA, BOB = uuid4(), uuid4()


class Shared:
    """What all processes have left, kept in one place."""

    def __init__(self) -> None:
        self.told: list[dict[UUID, Use]] = []
        self.left, self.broken = 60.0, False

    async def exchange(self, used: Mapping[UUID, Use]) -> dict[UUID, float]:
        if self.broken:
            raise ConnectionError
        self.told.append(dict(used))
        self.left -= sum(use.taken for use in used.values())
        return dict.fromkeys(used, self.left)


def passed(limiter: RateLimiter, tries: int) -> int:
    return sum(limiter.take(ADA, 60).allowed for _ in range(tries))


async def test_two_processes_share_a_limit_once_they_have_exchanged():
    one, two, shared = RateLimiter(), RateLimiter(), Shared()
    assert passed(one, 40) == 40
    await one.share(shared.exchange)
    assert passed(two, 10) == 10
    await two.share(shared.exchange)
    assert passed(two, 40) == 10
    await two.share(shared.exchange)
    assert passed(one, 40) == 20
    await one.share(shared.exchange)
    assert shared.left == -20
    assert passed(one, 1) == passed(two, 1) == 0


async def test_only_what_was_used_is_told_and_only_once():
    limiter, shared = RateLimiter(), Shared()
    await limiter.share(shared.exchange)
    limiter.take(ADA, 60)
    await limiter.share(shared.exchange)
    await limiter.share(shared.exchange)
    assert shared.told == [{ADA: Use(60, 1)}]


async def test_what_could_not_be_told_is_told_the_next_time():
    limiter, shared = RateLimiter(), Shared()
    passed(limiter, 3)
    shared.broken = True
    with pytest.raises(ConnectionError):
        await limiter.share(shared.exchange)
    passed(limiter, 2)
    shared.broken = False
    await limiter.share(shared.exchange)
    assert shared.told == [{ADA: Use(60, 5)}]


async def test_a_refused_request_is_told_too_so_that_news_comes_back():
    limiter, shared = RateLimiter(), Shared()
    passed(limiter, 61)
    await limiter.share(shared.exchange)
    passed(limiter, 1)
    await limiter.share(shared.exchange)
    assert shared.told[1] == {ADA: Use(60, 0)}


def test_what_passes_during_an_exchange_is_not_given_back_by_it():
    bucket = Bucket(60, 60.0, at=0)
    bucket.take(0, 60)
    assert bucket.use() == Use(60, 1)
    bucket.take(0, 60)
    bucket.adopt(50.0, now=0)
    assert (bucket.tokens, bucket.taken) == (49.0, 1)


def test_a_team_may_have_so_many_streams_open_and_another_team_its_own():
    streams = Streams(2)
    with streams.one(ADA), streams.one(ADA):
        with pytest.raises(TooManyStreams):
            streams.check(ADA)
        streams.check(BOB)
    streams.check(ADA)
