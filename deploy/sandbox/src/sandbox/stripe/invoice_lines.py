"""What is on an invoice: its lines, and the pending items that wait for the next one."""

from dataclasses import dataclass, field

from sandbox.stripe.account import Account, Obj, new_id


@dataclass(frozen=True)
class Entry:
    """Something to be paid or given back: an amount for a price over a period."""

    amount: int
    currency: str
    description: str
    start: int
    end: int
    price: Obj | None = None
    quantity: int = 1
    item: Obj | None = None  # the subscription item it belongs to
    proration: bool = False
    invoice_item: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def line(entry: Entry, invoice_id: str, subscription_id: str | None) -> Obj:
    """Return an entry as the line of an invoice."""
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": entry.amount,
        "currency": entry.currency,
        "description": entry.description,
        "discount_amounts": [],
        "discountable": not entry.proration,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": dict(entry.metadata),
        "parent": _line_parent(entry, subscription_id),
        "period": {"start": entry.start, "end": entry.end},
        "pretax_credit_amounts": [],
        "pricing": _pricing(entry),
        "quantity": entry.quantity,
        "quantity_decimal": str(entry.quantity),
        "subscription": subscription_id if entry.item else None,
        "subtotal": entry.amount,
        "taxes": [],
    }


def _line_parent(entry: Entry, subscription_id: str | None) -> Obj:
    shared: Obj = {
        "invoice_item": entry.invoice_item,
        "proration": entry.proration,
        "proration_details": {"credited_items": None},
        "subscription": subscription_id,
    }
    if entry.item is None:
        return {
            "invoice_item_details": shared | {"subscription": None},
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "subscription_item_details": shared | {"subscription_item": entry.item["id"]},
        "type": "subscription_item_details",
    }


def _pricing(entry: Entry) -> Obj:
    price = entry.price
    if price is None:
        unit = str(entry.amount)
        return {"price_details": None, "type": "price_details", "unit_amount_decimal": unit}
    unit = str(entry.amount // entry.quantity) if entry.proration else price["unit_amount_decimal"]
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": unit,
    }


def hold(account: Account, customer: Obj, entry: Entry, subscription: Obj | None = None) -> Obj:
    """Keep an entry as a pending invoice item, and say so."""
    parent = None
    if subscription is not None and entry.item is not None:
        details = {"subscription": subscription["id"], "subscription_item": entry.item["id"]}
        parent = {"subscription_details": details, "type": "subscription_details"}
    item = account.add(
        {
            "id": new_id("ii"),
            "object": "invoiceitem",
            "amount": entry.amount,
            "currency": entry.currency,
            "customer": customer["id"],
            "date": account.now(customer),
            "created": account.now(customer),
            "description": entry.description,
            "discountable": not entry.proration,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": dict(entry.metadata),
            "net_amount": entry.amount,
            "parent": parent,
            "period": {"start": entry.start, "end": entry.end},
            "pricing": _pricing(entry),
            "proration": entry.proration,
            "proration_details": None,
            "quantity": entry.quantity,
            "quantity_decimal": str(entry.quantity),
            "tax_rates": [],
            "test_clock": customer["test_clock"],
        }
    )
    account.note(item)["entry"] = entry
    account.say("invoiceitem.created", item)
    return item


def pending(account: Account, customer_id: str, subscription_id: str | None) -> list[Obj]:
    """Return the items that wait: those of a subscription, or (without one) those of none."""
    return [
        item
        for item in account.all("invoiceitem", customer=customer_id, invoice=None)
        if _subscription_of(item) == subscription_id
    ]


def _subscription_of(item: Obj) -> str | None:
    parent = item["parent"]
    return str(parent["subscription_details"]["subscription"]) if parent else None


def entry_of(account: Account, item: Obj) -> Entry:
    """Return the entry a pending item was made of, as it is now."""
    kept: Entry = account.note(item)["entry"]
    return Entry(
        amount=item["amount"],
        currency=item["currency"],
        description=item["description"] or "",
        start=item["period"]["start"],
        end=item["period"]["end"],
        price=kept.price,
        quantity=item["quantity"],
        item=kept.item,
        proration=item["proration"],
        invoice_item=item["id"],
        metadata=item["metadata"],
    )
