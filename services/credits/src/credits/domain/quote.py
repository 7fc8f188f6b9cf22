"""An offer that binds: so many units at prices that do not rise while it stands, for one request."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.credits import CreditsQuoted, DeclineCode, HoldCredits, QuotedItem, QuoteItem
from contracts.orders import Operation, Order, Quality, Size
from credits.domain.pricing import PriceList


class Options(NamedTuple):
    """What an order must have in common with a quote."""

    operation: Operation
    size: Size | None
    quality: Quality

    @classmethod
    def of(cls, wanted: QuoteItem | Order) -> "Options":
        """Find the options of an item or an order."""
        made = wanted.recipe if isinstance(wanted, Order) else wanted
        return cls(wanted.operation, made.size, made.quality)


@dataclass(slots=True)
class Quote:
    """What a team was offered: its id is that of the request that asked, `used_by` the one that took it."""

    id: UUID
    team_id: UUID
    items: tuple[QuotedItem, ...]
    price_version: int
    asked_by: UUID
    quoted_at: datetime
    expires_at: datetime
    used_by: UUID | None = None

    @property
    def total(self) -> int:
        """The most that a request under this quote costs."""
        return sum(item.total for item in self.items)

    def unit(self, order: Order) -> int:
        """Credits for one unit of an order it covers."""
        return next(item.unit_price for item in self.items if Options.of(item) == Options.of(order))

    def covers(self, orders: Iterable[Order]) -> bool:
        """Whether these are orders for what was offered, and for no more of it."""
        left = _counted(self.items)
        left.subtract(_counted(orders))
        return min(left.values()) >= 0

    def quoted(self) -> CreditsQuoted:
        """Say the offer."""
        return CreditsQuoted(
            request_id=self.id,
            team_id=self.team_id,
            id=self.id,
            items=self.items,
            total=self.total,
            price_version=self.price_version,
            expires_at=self.expires_at,
        )


class UnitPrice(NamedTuple):
    """Credits for one unit, and the version of the list that says so."""

    credits: int
    version: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What a request pays: the list in force, or its quote where that is no dearer."""

    prices: PriceList
    quote: Quote | None = None

    def unit(self, order: Order) -> UnitPrice:
        """Find the price of one unit of an order."""
        listed = UnitPrice(self.prices.unit(order), self.prices.version)
        if self.quote is None:
            return listed
        return min(listed, UnitPrice(self.quote.unit(order), self.quote.price_version))

    def total(self, orders: Iterable[Order]) -> int:
        """Credits for all the orders together."""
        return sum(order.quantity * self.unit(order).credits for order in orders)


def refusal(quote: Quote | None, command: HoldCredits, now: datetime) -> DeclineCode | None:
    """Why a request may not be held under this quote; None when it may."""
    if quote is None or quote.team_id != command.team_id or quote.used_by is not None:
        return "quote_mismatch"
    if quote.expires_at <= now:
        return "quote_expired"
    return None if quote.covers(command.orders) else "quote_mismatch"


def _counted(wanted: Iterable[QuoteItem | Order]) -> Counter[Options]:
    units: Counter[Options] = Counter()
    for each in wanted:
        units[Options.of(each)] += each.quantity
    return units
