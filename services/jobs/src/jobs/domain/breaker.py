"""Stops asking a provider that takes nothing, and tries it again ever more rarely until it does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = 60


@dataclass(slots=True)
class Breaker:
    """`failures` in a row without one call accepted; no calls before `open_until`."""

    failures: int = 0
    open_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether no call may be made now."""
        return self.open_until is not None and now < self.open_until

    def allows(self, free: int, submitting: int, now: datetime) -> int:
        """Say how many of `free` calls may be made: none while open, then one to find out."""
        if self.is_open(now):
            return 0
        if self.failures:
            return min(free, 0 if submitting else 1)
        return free

    def trip(self, now: datetime) -> None:
        """Open after a call that was not taken; calls that were on their way already count as one."""
        if self.is_open(now):
            return
        self.failures += 1
        self.open_until = now + timedelta(seconds=min(LONGEST, 2 ** min(self.failures - 1, 10)))

    def heal(self) -> None:
        """Close: a call was taken."""
        self.failures, self.open_until = 0, None
