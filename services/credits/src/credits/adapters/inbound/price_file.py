"""A price list as a JSON file: the `prices` of `GET /api/credits/pricing`, to be edited and published."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.orders import Operation, Quality
from credits.domain.pricing import InvalidPrices, Price, Step, complete

Factor = Annotated[Decimal, Field(gt=0, le=1000)]
HIGHEST = 1_000_000
"""Credits for a unit; a price beyond that is a slip of the finger."""


class _Strict(BaseModel):
    # A misspelt name must not pass for a multiplier of 1.
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Step(_Strict):
    pixels: int = Field(ge=1)
    factor: Factor


class _Price(_Strict):
    operation: Operation
    base: int = Field(ge=0, le=HIGHEST)
    qualities: dict[Quality, Factor] = Field(default_factory=dict)
    sizes: tuple[_Step, ...] = ()

    def price(self) -> Price:
        """Find what it means."""
        return Price(self.base, self.qualities, tuple(Step(step.pixels, step.factor) for step in self.sizes))


class _File(_Strict):
    prices: tuple[_Price, ...]


def read_prices(content: str | bytes) -> dict[Operation, Price]:
    """Read the prices of every operation; raises InvalidPrices with all that is wrong."""
    try:
        listed = _File.model_validate_json(content).prices
    except ValidationError as error:
        problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
        raise InvalidPrices([f"{where or 'the file'}: {what}" for where, what in problems]) from None
    return complete((each.operation, each.price()) for each in listed)
