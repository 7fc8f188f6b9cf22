"""How a subscription starts: its terms, its first period, its first invoice."""

from dataclasses import dataclass, field

from sandbox.stripe import invoicing, prorations
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.calendar import period
from sandbox.stripe.change import whole
from sandbox.stripe.errors import StripeError
from sandbox.stripe.invoice_drafts import draft
from sandbox.stripe.invoice_lines import Entry
from sandbox.stripe.listing import listed

_NOTICE = 3 * 86_400


@dataclass
class Beginning:
    """How a subscription starts."""

    trial_end: int | None = None
    anchor: int | None = None
    behavior: str = "create_prorations"
    fields: Obj = field(default_factory=dict)


def begin(account: Account, customer: Obj, items: list[Obj], how: Beginning) -> Obj:
    """Start a subscription with its first period, and say so; nothing is billed yet."""
    now = account.now(customer)
    trial_end = how.trial_end if how.trial_end and how.trial_end > now else None
    anchor = trial_end or how.anchor or now
    free = all(prorations.amount_of(item) == 0 for item in items)
    key = items[0]["subscription"]
    subscription = account.add(_shape(key, customer, now, anchor) | how.fields)
    end = trial_end or period(anchor, items[0]["price"]["recurring"], now)[1]
    placed = [item | {"current_period_start": now, "current_period_end": end} for item in items]
    subscription.update(
        currency=items[0]["price"]["currency"],
        items=items_list(key, placed),
        status="trialing" if trial_end else "active" if free else "incomplete",
        trial_start=now if trial_end else None,
        trial_end=trial_end,
    )
    with_plan(subscription)
    for item in placed:
        account.add(item)
    account.note(subscription)["shortened_free"] = how.behavior == "none"
    account.say("customer.subscription.created", subscription)
    if trial_end and trial_end - now <= _NOTICE:
        announce_trial_end(account, subscription)
    return subscription


def _shape(key: str, customer: Obj, now: int, anchor: int) -> Obj:
    return {
        "id": key,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "customer": customer["id"],
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "latest_invoice": None,
        "livemode": False,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def bill_first(account: Account, subscription: Obj, *, collect: bool = True) -> StripeError | None:
    """Write, finalize and try to collect the first invoice; return the card error when that fails."""
    customer = account.get("customer", subscription["customer"])
    items = subscription["items"]["data"]
    invoice = draft(
        account,
        customer,
        _first_entries(account, subscription, items),
        reason="subscription_create",
        subscription=subscription,
    )
    return collect_at_once(account, invoice, collect=collect)


def _first_entries(account: Account, subscription: Obj, items: list[Obj]) -> list[Entry]:
    if subscription["status"] == "trialing":
        ends = (items[0]["current_period_start"], items[0]["current_period_end"])
        return [prorations.trial(account, item, *ends) for item in items]
    if subscription["billing_cycle_anchor"] <= subscription["created"]:
        return whole(account, items)
    # The first period is cut short by the anchor: it costs its part of the whole one before the anchor.
    if account.note(subscription)["shortened_free"]:
        return []
    now, anchor = subscription["created"], subscription["billing_cycle_anchor"]
    entries = []
    for item in items:
        start, end = period(anchor, item["price"]["recurring"], now)
        place = {"current_period_start": start, "current_period_end": end}
        entries.append(prorations.remaining(account, item, place, now))
    return entries


def items_list(key: str, items: list[Obj]) -> Obj:
    """Return the list object of a subscription's items."""
    url = f"/v1/subscription_items?subscription={key}"
    return listed(items, url) | {"total_count": len(items)}


def with_plan(subscription: Obj) -> None:
    """Keep the fields that old readers look at: those of a subscription with one item."""
    items = subscription["items"]["data"]
    subscription["plan"] = items[0]["plan"] if len(items) == 1 else None
    subscription["quantity"] = items[0]["quantity"] if len(items) == 1 else None


def collect_at_once(account: Account, invoice: Obj, *, collect: bool = True) -> StripeError | None:
    """Finalize an invoice and try to collect it; return the card error when that fails."""
    invoicing.finalize(account, invoice)
    if invoice["status"] == "paid" or not collect:
        return None
    return invoicing.pay(account, invoice)


def announce_trial_end(account: Account, subscription: Obj) -> None:
    """Say, three days ahead, that a trial will end."""
    account.note(subscription)["trial_end_said"] = subscription["trial_end"]
    account.say("customer.subscription.trial_will_end", subscription)


def new_key() -> str:
    """Return the id of a subscription to be."""
    return new_id("sub")
