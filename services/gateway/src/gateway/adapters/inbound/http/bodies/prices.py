"""What things cost: the price list, and offers that bind."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from contracts.credits import CreditsQuoted, Price, PricingChanged, QuotedItem
from contracts.credits import QuoteItem as Item
from contracts.orders import Operation, Quality, Size
from gateway.adapters.inbound.http.bodies.common import Body, Strict, Whole
from gateway.adapters.inbound.http.bodies.generate import SizeWanted
from gateway.adapters.inbound.http.bodies.rules import NEVER, any_of, ruled


class Pricing(Body):
    """The price list in force.

    A unit costs `ceil(base x quality x size)`; a size has the factor of the first step it fits in.
    """

    version: int
    effective_at: datetime
    prices: list[Price]

    @classmethod
    def of(cls, pricing: PricingChanged) -> Self:
        """Show a price list."""
        return cls(**pricing.model_dump())


class QuoteItemBody(Strict):
    """So many images with these options, or one training."""

    model_config = ruled(
        any_of(
            {"properties": {"operation": {"const": "generate_images"}}},
            {"properties": {"quantity": {"const": 1}, "size": NEVER, "quality": NEVER}},
        ),
        examples=[{"operation": "generate_images", "quantity": 4, "quality": "high"}],
    )

    operation: Operation
    quantity: Annotated[int, Field(ge=1, le=16, strict=True), Whole] = 1
    size: SizeWanted = SizeWanted()
    quality: Quality = "standard"

    @model_validator(mode="after")
    def _trains_once(self) -> Self:
        if self.operation is not Operation.GENERATE_IMAGES:
            if self.quantity != 1:
                raise ValueError("a training has the quantity 1")
            if self.model_fields_set & {"size", "quality"}:
                raise ValueError("only images have a size and a quality")
        return self

    def item(self) -> Item:
        """Write down what an order of this would say."""
        images = self.operation is Operation.GENERATE_IMAGES
        size = Size(width=self.size.width, height=self.size.height) if images else None
        return Item(operation=self.operation, quantity=self.quantity, size=size, quality=self.quality)


class QuoteBody(Strict):
    """What a team may want to order, as up to 20 items."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"operation": "generate_images", "quantity": 4, "quality": "high"}]}]
        }
    )

    items: Annotated[tuple[QuoteItemBody, ...], Field(min_length=1, max_length=20)]


class Quote(Body):
    """An offer: give its id as `quote_id` until it expires, and these items, or fewer, cost no more."""

    id: UUID
    items: list[QuotedItem]
    total: int
    price_version: int
    expires_at: datetime

    @classmethod
    def of(cls, quoted: CreditsQuoted) -> Self:
        """Show an offer."""
        return cls(**quoted.model_dump(exclude={"request_id", "team_id"}))
