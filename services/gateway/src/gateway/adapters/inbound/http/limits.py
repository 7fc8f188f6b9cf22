"""How often clients may ask: requests a minute by plan, streams at a time."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from gateway.domain.rate import Allowance, Bucket, Use

_IDLE = 120.0
_MANY = 10_000


Exchange = Callable[[Mapping[UUID, Use]], Awaitable[Mapping[UUID, float]]]


class RateLimiter:
    """A token bucket for each team in this process, made one with those of the other processes by `share`."""

    def __init__(self) -> None:
        self._buckets: dict[UUID, Bucket] = {}
        self._asked: set[UUID] = set()

    def take(self, team_id: UUID, per_minute: int) -> Allowance:
        """Take one request out of a team's bucket."""
        now = time.monotonic()
        if team_id not in self._buckets:
            self._drop_idle(now)
            self._buckets[team_id] = Bucket(per_minute, float(per_minute), now)
        self._asked.add(team_id)
        return self._buckets[team_id].take(now, per_minute)

    async def share(self, exchange: Exchange) -> None:
        """Tell the others what was let pass since the last time, and learn what is left; nothing is lost."""
        asked, self._asked = self._asked, set()
        used = {team_id: self._buckets[team_id].use() for team_id in asked}
        if not used:
            return
        try:
            left = await exchange(used)
        except BaseException:
            self._asked |= asked
            for team_id, use in used.items():
                self._buckets[team_id].taken += use.taken
            raise
        now = time.monotonic()
        for team_id, tokens in left.items():
            self._buckets[team_id].adopt(tokens, now)

    def _drop_idle(self, now: float) -> None:
        if len(self._buckets) >= _MANY:  # a bucket that was left alone this long is full again
            self._buckets = {
                team: bucket
                for team, bucket in self._buckets.items()
                if now - bucket.at < _IDLE or team in self._asked or bucket.taken
            }


class TooManyStreams(Exception):
    """The team has as many event streams open in this process as one may have."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"{allowed} streams are open")
        self.allowed = allowed


class Streams:
    """How many event streams each team has open in this process."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._open: Counter[UUID] = Counter()

    def check(self, team_id: UUID) -> None:
        """Raise TooManyStreams when one more would be too many."""
        if self._open[team_id] >= self.allowed:
            raise TooManyStreams(self.allowed)

    @contextmanager
    def one(self, team_id: UUID) -> Iterator[None]:
        """Count one while it is open."""
        self._open[team_id] += 1
        try:
            yield
        finally:
            self._open[team_id] -= 1
            if not self._open[team_id]:
                del self._open[team_id]


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Tell a client what it has left."""
    headers = {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.reset),
    }
    return headers if allowance.allowed else headers | {"Retry-After": str(allowance.retry_after)}
