from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time, always aware and in UTC; tests pass one of their own."""


def utc_now() -> datetime:
    """Tell the current time in UTC."""
    return datetime.now(UTC)
