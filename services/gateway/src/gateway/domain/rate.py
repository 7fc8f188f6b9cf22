"""Token buckets: how many requests a team may send, and when it may send more; shared by processes."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one request finds: whether it may pass, and what remains after it."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Use:
    """How many requests of a team one process has let pass since it last told the others."""

    per_minute: int
    taken: int


@dataclass(slots=True)
class Bucket:
    """Holds up to a minute's worth of requests and refills evenly; `at` is a monotonic time in seconds."""

    per_minute: int
    tokens: float
    at: float
    taken: int = 0

    def take(self, now: float, per_minute: int) -> Allowance:
        """Take one request out, by the limit of today's plan."""
        rate = per_minute / 60
        self.tokens = min(float(per_minute), self.tokens + (now - self.at) * rate)
        if per_minute > self.per_minute:  # a better plan counts at once
            self.tokens += per_minute - self.per_minute
        self.at, self.per_minute = now, per_minute
        allowed = self.tokens >= 1
        if allowed:
            self.tokens -= 1
            self.taken += 1
        missing = 0 if allowed else ceil((1 - self.tokens) / rate)
        return Allowance(
            allowed, per_minute, int(self.tokens), ceil((per_minute - self.tokens) / rate), max(missing, 0)
        )

    def use(self) -> Use:
        """Hand over what has been taken, to be told to the others."""
        used = Use(self.per_minute, self.taken)
        self.taken = 0
        return used

    def adopt(self, shared: float, now: float) -> None:
        """Go on with what all processes together have left; what passed meanwhile is not in it yet."""
        self.tokens, self.at = shared - self.taken, now
