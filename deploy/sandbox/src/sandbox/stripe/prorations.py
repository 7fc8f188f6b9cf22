"""What a change in the middle of a period costs: unused time back, remaining time on top.

Source: https://docs.stripe.com/billing/subscriptions/prorations (to the second, halves away from zero).
"""

from datetime import UTC, datetime

from sandbox.stripe.account import Account, Obj
from sandbox.stripe.invoice_lines import Entry


def share(amount: int, part: int, whole: int) -> int:
    """Return `part / whole` of an amount, rounded to the nearest cent."""
    sign = -1 if amount < 0 else 1
    return sign * ((2 * abs(amount) * part + whole) // (2 * whole)) if whole else 0


def amount_of(item: Obj) -> int:
    """Return what a subscription item costs a period."""
    return int(item["price"]["unit_amount"] * item["quantity"])


def name_of(account: Account, price: Obj) -> str:
    """Return the name of what is sold."""
    product = account.find(price["product"])
    return str(product["name"]) if product else str(price["id"])


def full(account: Account, item: Obj, start: int, end: int) -> Entry:
    """Return the entry for a whole period of an item."""
    price = item["price"]
    cost = f"${price['unit_amount'] / 100:.2f} / {_every(price['recurring'])}"
    return Entry(
        amount=amount_of(item),
        currency=price["currency"],
        description=f"{item['quantity']} × {name_of(account, price)} (at {cost})",  # noqa: RUF001 # Stripe's sign
        start=start,
        end=end,
        price=price,
        quantity=item["quantity"],
        item=item,
    )


def trial(account: Account, item: Obj, start: int, end: int) -> Entry:
    """Return the entry for a trial, which costs nothing."""
    price = item["price"]
    return Entry(
        amount=0,
        currency=price["currency"],
        description=f"Free trial for {item['quantity']} × {name_of(account, price)}",  # noqa: RUF001 # Stripe's sign
        start=start,
        end=end,
        price=price,
        quantity=item["quantity"],
        item=item,
    )


def unused(account: Account, item: Obj, moment: int) -> Entry:
    """Return the credit for the rest of an item's period."""
    return _part(account, item, item, moment, credit=True)


def remaining(account: Account, item: Obj, period: Obj, moment: int) -> Entry:
    """Return the charge for an item over the rest of a running period."""
    return _part(account, item, period, moment, credit=False)


def _part(account: Account, item: Obj, period: Obj, moment: int, *, credit: bool) -> Entry:
    start, end = period["current_period_start"], period["current_period_end"]
    price = item["price"]
    cost = share(amount_of(item), end - moment, end - start)
    many = f"{item['quantity']} × " if item["quantity"] > 1 else ""  # noqa: RUF001 # Stripe's sign
    words = "Unused time on" if credit else "Remaining time on"
    return Entry(
        amount=-cost if credit else cost,
        currency=price["currency"],
        description=f"{words} {many}{name_of(account, price)} after {_day(moment)}",
        start=moment,
        end=end,
        price=price,
        quantity=item["quantity"],
        item=item,
        proration=True,
    )


def _every(recurring: Obj) -> str:
    count = recurring["interval_count"]
    return str(recurring["interval"]) if count == 1 else f"every {count} {recurring['interval']}s"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y")
