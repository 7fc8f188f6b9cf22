"""What grows, and how fast."""

from collections.abc import Sequence

Point = tuple[float, float]
"""Hours since the beginning, and a value."""


def slope(points: Sequence[Point]) -> float:
    """Tell how much a value grows in an hour: the straight line with the least squares (0 for one point)."""
    count = len(points)
    middle_x = sum(x for x, _ in points) / count
    middle_y = sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def settled(points: Sequence[Point], warm_up: float) -> list[Point]:
    """Leave out what came before a process was warm; `warm_up` is the share of the time that takes."""
    end = points[-1][0]
    return [point for point in points if point[0] >= end * warm_up]
