"""What an operation costs: base x multipliers, rounded up to whole credits for each unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from contracts.orders import Operation, Order, Quality, Recipe, Size

MEGAPIXEL = 1024 * 1024
"""Pixels; so that the usual 1024 x 1024 picture is one megapixel."""


@dataclass(frozen=True, slots=True)
class Step:
    """The multiplier of everything up to so many megapixels."""

    megapixels: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit of an operation; a multiplier that is not listed is 1.

    Steps are in rising order; a picture larger than the last step costs as much as the last.
    """

    base: Decimal
    qualities: Mapping[Quality, Decimal] = field(default_factory=dict)
    sizes: tuple[Step, ...] = ()

    def unit(self, recipe: Recipe) -> int:
        """Credits for one unit made by this recipe."""
        exact = self.base * self.qualities.get(recipe.quality, Decimal(1)) * self._size(recipe.size)
        return int(exact.to_integral_value(ROUND_CEILING))

    def _size(self, size: Size | None) -> Decimal:
        if size is None or not self.sizes:
            return Decimal(1)
        pixels = size.width * size.height
        fitting = (step for step in self.sizes if pixels <= step.megapixels * MEGAPIXEL)
        return next(fitting, self.sizes[-1]).multiplier


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of all operations from a moment on."""

    version: int
    effective_at: datetime
    prices: Mapping[Operation, Price]

    def unit(self, order: Order) -> int:
        """Credits for one unit of the order."""
        return self.prices[order.operation].unit(order.recipe)

    def total(self, orders: Iterable[Order]) -> int:
        """Credits for all the orders together."""
        return sum(order.quantity * self.unit(order) for order in orders)
