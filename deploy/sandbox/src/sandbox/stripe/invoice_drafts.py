"""Drafts: what an invoice is before anybody has to pay it."""

from collections.abc import Sequence

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.invoice_lines import Entry, entry_of, line, pending
from sandbox.stripe.listing import listed


def shape(
    account: Account,
    customer: Obj,
    entries: Sequence[Entry],
    *,
    reason: str,
    subscription: Obj | None = None,
    period: tuple[int, int] | None = None,
) -> Obj:
    """Return a draft that nobody has seen yet."""
    now = account.now(customer)
    key = new_id("in")
    start, end = period or (now, now)
    subscription_id = subscription["id"] if subscription else None
    lines = [line(entry, key, subscription_id) for entry in entries]
    total = sum(entry.amount for entry in entries)
    return {
        "id": key,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Atelier sandbox",
        "amount_due": max(total, 0),
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": max(total, 0),
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": entries[0].currency if entries else (customer["currency"] or "usd"),
        "custom_fields": None,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "lines": listed(lines, f"/v1/invoices/{key}/lines") | {"total_count": len(lines)},
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "parent": _parent(subscription),
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": end,
        "period_start": start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "starting_balance": customer["balance"],
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": customer["test_clock"],
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }


def _parent(subscription: Obj | None) -> Obj | None:
    if subscription is None:
        return None
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def draft(
    account: Account,
    customer: Obj,
    entries: Sequence[Entry],
    *,
    reason: str,
    subscription: Obj | None = None,
    period: tuple[int, int] | None = None,
) -> Obj:
    """Write a draft with these entries and whatever waited for an invoice, and say so."""
    subscription_id = subscription["id"] if subscription else None
    waiting = pending(account, customer["id"], subscription_id)
    everything = [*(entry_of(account, item) for item in waiting), *entries]
    invoice = account.add(
        shape(account, customer, everything, reason=reason, subscription=subscription, period=period)
    )
    for item in waiting:
        item["invoice"] = invoice["id"]
    if subscription is not None:
        subscription["latest_invoice"] = invoice["id"]
    customer["currency"] = invoice["currency"]
    account.say("invoice.created", invoice)
    return invoice
