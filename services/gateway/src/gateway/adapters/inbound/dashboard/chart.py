"""Bars for so many days, as numbers that an SVG is written from: no script and no inline style draws it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

HEIGHT, STEP, WIDTH = 100, 10, 7
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where its bar stands, in units of the drawing, and what it tells."""

    day: date
    amount: int
    x: int
    y: int
    height: int

    @property
    def label(self) -> str:
        """The day in words."""
        return f"{self.day.day} {self.day:%b}"


def bars(amounts: Mapping[date, int], last: date, days: int) -> list[Bar]:
    """Draw a bar for each day up to the last; the highest fills the drawing, the least can still be seen."""
    highest = max(amounts.values(), default=0)
    drawn = []
    for n in range(days):
        day = last - timedelta(days=days - 1 - n)
        amount = amounts.get(day, 0)
        height = max(round(HEIGHT * amount / highest), _LEAST) if amount > 0 else 0
        drawn.append(Bar(day, amount, n * STEP, HEIGHT - height, height))
    return drawn
