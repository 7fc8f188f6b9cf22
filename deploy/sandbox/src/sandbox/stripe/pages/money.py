"""Amounts, dates and prices as people read them."""

from datetime import UTC, datetime

from sandbox.stripe.account import Obj

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


def money(cents: int, currency: str) -> str:
    """Return an amount in cents as people write it, as in $12.00."""
    sign = "-" if cents < 0 else ""
    unit = _SIGNS.get(currency)
    amount = f"{abs(cents) / 100:,.2f}"
    return f"{sign}{unit}{amount}" if unit else f"{sign}{amount} {currency.upper()}"


def day(moment: int | None) -> str:
    """Return a date, as in 31 January 2027."""
    if moment is None:
        return ""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when.day} {when:%B %Y}"


def rate(price: Obj) -> str:
    """Return what a price is, as in $12.00 per month."""
    amount = money(price["unit_amount"], price["currency"])
    recurring = price["recurring"]
    if recurring is None:
        return amount
    count = recurring["interval_count"]
    every = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    return f"{amount} per {every}"
