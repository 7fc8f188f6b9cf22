"""Calendar months counted from a day: the 31st becomes the 28th in February, and the 31st again in March."""

from calendar import monthrange
from datetime import datetime


def months_after(anchor: datetime, months: int) -> datetime:
    """Return the same day and time `months` calendar months later, or the month's last day if it is shorter.

    Counted from the anchor each time, never from the month before, so that a short month shifts nothing.
    """
    years, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + years, month + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, monthrange(year, month)[1]))


def months_until(anchor: datetime, now: datetime) -> int:
    """Return how many whole months have passed since the anchor."""
    months = (now.year - anchor.year) * 12 + now.month - anchor.month
    return months if months_after(anchor, months) <= now else months - 1
