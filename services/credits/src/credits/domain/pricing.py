"""What an operation costs: base x multipliers, rounded up to whole credits for each unit."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from contracts import credits as messages
from contracts.credits import PricingChanged, QuoteItem
from contracts.orders import Operation, Order, Quality, Recipe, Size


class InvalidPrices(Exception):
    """A price list that cannot be published, and everything that is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Step:
    """The multiplier of everything up to so many pixels."""

    pixels: int
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit of an operation; a multiplier that is not listed is 1.

    Steps are in rising order; a picture larger than the last step costs as much as the last.
    """

    base: int
    qualities: Mapping[Quality, Decimal] = field(default_factory=dict)
    sizes: tuple[Step, ...] = ()

    def unit(self, recipe: Recipe | QuoteItem) -> int:
        """Credits for one unit made by this recipe."""
        exact = self.base * self.qualities.get(recipe.quality, Decimal(1)) * self._size(recipe.size)
        return int(exact.to_integral_value(ROUND_CEILING))

    def face(self, operation: Operation) -> messages.Price:
        """Show the price as everybody sees it."""
        return messages.Price(
            operation=operation,
            base=self.base,
            qualities={quality: float(multiplier) for quality, multiplier in self.qualities.items()},
            sizes=tuple(
                messages.SizeStep(pixels=step.pixels, factor=float(step.multiplier)) for step in self.sizes
            ),
        )

    def problems(self) -> Iterator[str]:
        """Say what is wrong with it, if anything."""
        if self.base < 0:
            yield "base is below zero"
        if min((*self.qualities.values(), *(step.multiplier for step in self.sizes)), default=1) <= 0:
            yield "a multiplier is not above zero"
        steps = [step.pixels for step in self.sizes]
        if steps != sorted(set(steps)):
            yield "sizes do not rise"

    def _size(self, size: Size | None) -> Decimal:
        if size is None or not self.sizes:
            return Decimal(1)
        pixels = size.width * size.height
        return next((step for step in self.sizes if pixels <= step.pixels), self.sizes[-1]).multiplier


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of all operations from a moment on.

    Of the lists whose time has come the one with the highest version is in force: what is published later
    overrules what was planned before it.
    """

    version: int
    effective_at: datetime
    prices: Mapping[Operation, Price]

    def unit(self, wanted: Order | QuoteItem) -> int:
        """Credits for one unit of what is ordered, or asked for in a quote."""
        made = wanted.recipe if isinstance(wanted, Order) else wanted
        return self.prices[wanted.operation].unit(made)

    def face(self) -> PricingChanged:
        """Show the list as everybody sees it."""
        return PricingChanged(
            version=self.version,
            effective_at=self.effective_at,
            prices=tuple(price.face(operation) for operation, price in sorted(self.prices.items())),
        )


def complete(priced: Iterable[tuple[Operation, Price]]) -> dict[Operation, Price]:
    """Make sure that every operation has one sound price; raises InvalidPrices."""
    pairs = list(priced)
    times = Counter(operation for operation, _ in pairs)
    problems = [
        f"{operation} has {times[operation] or 'no'} prices"
        for operation in Operation
        if times[operation] != 1
    ]
    problems += [f"{operation}: {problem}" for operation, price in pairs for problem in price.problems()]
    if problems:
        raise InvalidPrices(problems)
    return dict(pairs)
