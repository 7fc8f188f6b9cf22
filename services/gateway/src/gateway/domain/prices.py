"""What things will cost, by the price list that everybody sees: the ceiling of what is then charged."""

from decimal import ROUND_CEILING, Decimal

from contracts.credits import Price, PricingChanged
from contracts.orders import Operation, Quality, Size


def unit_price(
    pricing: PricingChanged | None,
    operation: Operation,
    quality: Quality = "standard",
    size: Size | None = None,
) -> int | None:
    """Credits for one unit: `ceil(base x quality x size)`; None without a price list, or a price on it."""
    price = (
        next((price for price in pricing.prices if price.operation == operation), None) if pricing else None
    )
    if price is None:
        return None
    exact = price.base * Decimal(str(price.qualities.get(quality, 1))) * _factor(price, size)
    return int(exact.to_integral_value(ROUND_CEILING))


def _factor(price: Price, size: Size | None) -> Decimal:
    """Find the factor of the first step a size fits in, or of the last when it fits in none."""
    if size is None or not price.sizes:
        return Decimal(1)
    fitting = (step.factor for step in price.sizes if size.width * size.height <= step.pixels)
    return Decimal(str(next(fitting, price.sizes[-1].factor)))
