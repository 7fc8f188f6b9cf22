"""The life of a subscription: begun, changed, renewed, ended."""

import copy
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import invoicing, prorations, standing
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.calendar import period
from sandbox.stripe.change import Change, weigh, whole
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.invoice_lines import Entry, hold
from sandbox.stripe.listing import listed
from sandbox.stripe.payment_methods import card_of, declined

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
        items=_listed(key, placed),
        status="trialing" if trial_end else "active" if free else "incomplete",
        trial_start=now if trial_end else None,
        trial_end=trial_end,
    )
    _with_plan(subscription)
    for item in placed:
        account.add(item)
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


def _listed(key: str, items: list[Obj]) -> Obj:
    url = f"/v1/subscription_items?subscription={key}"
    return listed(items, url) | {"total_count": len(items)}


def _with_plan(subscription: Obj) -> None:
    """Keep the fields that old readers look at: those of a subscription with one item."""
    items = subscription["items"]["data"]
    subscription["plan"] = items[0]["plan"] if len(items) == 1 else None
    subscription["quantity"] = items[0]["quantity"] if len(items) == 1 else None


def bill_first(account: Account, subscription: Obj, *, collect: bool = True) -> StripeError | None:
    """Write, finalize and try to collect the first invoice; return the card error when that fails."""
    customer = account.get("customer", subscription["customer"])
    items = subscription["items"]["data"]
    invoice = invoicing.draft(
        account,
        customer,
        _first_entries(account, subscription, items),
        reason="subscription_create",
        subscription=subscription,
    )
    return _collect(account, invoice, collect=collect)


def _first_entries(account: Account, subscription: Obj, items: list[Obj]) -> list[Entry]:
    if subscription["status"] == "trialing":
        ends = (items[0]["current_period_start"], items[0]["current_period_end"])
        return [prorations.trial(account, item, *ends) for item in items]
    if subscription["billing_cycle_anchor"] <= subscription["created"]:
        return whole(account, items)
    # The first period is cut short by the anchor: it costs its part of the whole one before the anchor.
    now, anchor = subscription["created"], subscription["billing_cycle_anchor"]
    entries = []
    for item in items:
        start, end = period(anchor, item["price"]["recurring"], now)
        place = {"current_period_start": start, "current_period_end": end}
        entries.append(prorations.remaining(account, item, place, now))
    return entries


def _collect(account: Account, invoice: Obj, *, collect: bool = True) -> StripeError | None:
    invoicing.finalize(account, invoice)
    if invoice["status"] == "paid" or not collect:
        return None
    return invoicing.pay(account, invoice)


def would_fail(account: Account, subscription: Obj) -> StripeError | None:
    """Return the card error that collecting money for a subscription would bring."""
    customer = account.get("customer", subscription["customer"])
    keys = (subscription["default_payment_method"], customer["invoice_settings"]["default_payment_method"])
    method = next((found for key in keys if (found := account.find(key))), None)
    if method is None:
        return invalid("This customer has no attached payment source or default payment method.")
    card = card_of(account, method)
    return declined(card, method) if card.code or card.authentication == "always" else None


def apply(
    account: Account,
    subscription: Obj,
    change: Change,
    *,
    behavior: str,
    **fields: Any,  # noqa: ANN401 (JSON)
) -> None:
    """Carry out a change: say it, keep or bill what it costs."""
    now = account.now(subscription)
    before = copy.deepcopy({"items": subscription["items"], "plan": subscription["plan"]})
    ended_trial = change.restarts and subscription["status"] == "trialing"
    subscription["items"] = _listed(subscription["id"], change.items)
    _with_plan(subscription)
    for item in change.items:
        account.add(item)
    if change.restarts:
        fields["billing_cycle_anchor"] = now
    if ended_trial:
        fields |= {"status": "active", "trial_end": now}
    before |= {name: copy.deepcopy(subscription[name]) for name in fields}
    subscription.update(fields)
    before = {name: value for name, value in before.items() if value != subscription[name]}
    if before:
        account.say("customer.subscription.updated", subscription, before)
    _bill(account, subscription, change, behavior)


def _bill(account: Account, subscription: Obj, change: Change, behavior: str) -> None:
    customer = account.get("customer", subscription["customer"])
    if not change.restarts:
        for entry in change.entries:
            hold(account, customer, entry, subscription)
    if change.restarts or (behavior == "always_invoice" and change.entries):
        invoice = invoicing.draft(
            account,
            customer,
            change.entries if change.restarts else [],
            reason="subscription_update",
            subscription=subscription,
        )
        _collect(account, invoice)


def end_trial(account: Account, subscription: Obj) -> None:
    """End a trial before its time, and bill the first paid period."""
    now = account.now(subscription)
    items = subscription["items"]["data"]
    change = weigh(account, subscription, items, now, anchor_now=True)
    apply(account, subscription, change, behavior="always_invoice")


def renew(account: Account, subscription: Obj) -> None:
    """Begin the next period and draft its invoice, which is finalized about an hour later."""
    items = subscription["items"]["data"]
    start = items[0]["current_period_end"]
    before = copy.deepcopy({"items": subscription["items"], "status": subscription["status"]})
    last = (items[0]["current_period_start"], start)
    if subscription["status"] == "trialing":
        subscription["status"] = _after_trial(account, subscription)
        if subscription["status"] in {"paused", "canceled"}:
            _without_card(account, subscription)
            return
    end = period(subscription["billing_cycle_anchor"], items[0]["price"]["recurring"], start)[1]
    for item in items:
        item.update(current_period_start=start, current_period_end=end)
    customer = account.get("customer", subscription["customer"])
    account.say(
        "customer.subscription.updated",
        subscription,
        {name: value for name, value in before.items() if value != subscription[name]},
    )
    invoice = invoicing.draft(
        account,
        customer,
        whole(account, items),
        reason="subscription_cycle",
        subscription=subscription,
        period=last,
    )
    if subscription["status"] == "unpaid":
        invoice["auto_advance"] = False
    else:
        invoice["automatically_finalizes_at"] = account.now(invoice) + account.renewal_seconds


def _after_trial(account: Account, subscription: Obj) -> str:
    customer = account.get("customer", subscription["customer"])
    keys = (subscription["default_payment_method"], customer["invoice_settings"]["default_payment_method"])
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if any(account.find(key) for key in keys):
        return "active"
    return {"pause": "paused", "cancel": "canceled"}.get(missing, "active")


def _without_card(account: Account, subscription: Obj) -> None:
    if subscription["status"] == "canceled":
        standing.end(account, subscription, None)
        return
    account.say("customer.subscription.updated", subscription, {"status": "trialing"})
    account.say("customer.subscription.paused", subscription)


def cancel(account: Account, subscription: Obj, *, prorate: bool = False, invoice_now: bool = False) -> None:
    """End a subscription now; by wish give credit for the unused time, and bill what is pending."""
    now = account.now(subscription)
    customer = account.get("customer", subscription["customer"])
    if prorate and subscription["status"] in {"active", "past_due"}:
        for item in subscription["items"]["data"]:
            hold(account, customer, prorations.unused(account, item, now), subscription)
    standing.end(account, subscription, "cancellation_requested")
    if invoice_now:
        invoice = invoicing.draft(
            account, customer, [], reason="subscription_update", subscription=subscription
        )
        _collect(account, invoice)


def at_period_end(account: Account, subscription: Obj, *, cancels: bool) -> Obj:
    """Return the fields by which a subscription ends with its period, or goes on after all."""
    end = subscription["items"]["data"][0]["current_period_end"]
    details = subscription["cancellation_details"]
    return {
        "cancel_at_period_end": cancels,
        "cancel_at": end if cancels else None,
        "canceled_at": account.now(subscription) if cancels else None,
        "cancellation_details": details | {"reason": "cancellation_requested" if cancels else None},
    }


def announce_trial_end(account: Account, subscription: Obj) -> None:
    """Say, three days ahead, that a trial will end."""
    account.note(subscription)["trial_end_said"] = subscription["trial_end"]
    account.say("customer.subscription.trial_will_end", subscription)


def new_key() -> str:
    """Return the id of a subscription to be."""
    return new_id("sub")
