"""Billing months: counted from the anchor, so that the 31st comes back after a shorter month."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def add_months(moment: int, months: int) -> int:
    """Return the same day and time of a later month, or its last day."""
    start = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def boundary(anchor: int, recurring: dict[str, Any], count: int) -> int:
    """Return the moment `count` intervals after the anchor (before it, when negative)."""
    steps = int(recurring["interval_count"]) * count
    if recurring["interval"] in _DAYS:
        days = timedelta(days=_DAYS[recurring["interval"]] * steps)
        return int((datetime.fromtimestamp(anchor, UTC) + days).timestamp())
    return add_months(anchor, _MONTHS[recurring["interval"]] * steps)


def period(anchor: int, recurring: dict[str, Any], moment: int) -> tuple[int, int]:
    """Return the billing period that `moment` is in: its first moment, and the first after it."""
    count = 0
    while boundary(anchor, recurring, count) > moment:
        count -= 1
    while boundary(anchor, recurring, count + 1) <= moment:
        count += 1
    return boundary(anchor, recurring, count), boundary(anchor, recurring, count + 1)
