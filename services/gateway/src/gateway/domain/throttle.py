"""How often somebody may try, counted exactly and for all processes together."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address


class TooManyAttempts(Exception):
    """Tried too often; worth another try after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts. Please wait before you try again.")
        self.retry_after = retry_after


def neighbourhood(address: str) -> str:
    """Reduce an address to what one person can have many of: of IPv6 the first 64 bits."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else address


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` attempts in each window."""

    name: str
    limit: int
    window: timedelta

    def key(self, subject: str) -> str:
        """Name the counter of one subject, without storing who it is."""
        return f"{self.name}:{sha256(subject.encode()).hexdigest()[:32]}"

    def window_start(self, now: datetime) -> datetime:
        """Find the start of the window that `now` is in."""
        seconds = int(self.window.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)

    def check(self, count: int, now: datetime) -> None:
        """Raise TooManyAttempts when this attempt, the `count`-th of its window, is one too many."""
        if count > self.limit:
            ends = self.window_start(now) + self.window
            raise TooManyAttempts(max(1, int((ends - now).total_seconds()) + 1))
