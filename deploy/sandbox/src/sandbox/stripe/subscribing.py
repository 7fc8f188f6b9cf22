"""The life of a subscription: changed, renewed, ended."""

import copy
from typing import Any

from sandbox.stripe import prorations, standing
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.beginning import collect_at_once, items_list, with_plan
from sandbox.stripe.calendar import period
from sandbox.stripe.change import Change, weigh, whole
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.invoice_drafts import draft
from sandbox.stripe.invoice_lines import hold
from sandbox.stripe.payment_methods import card_of, declined


def would_fail(account: Account, subscription: Obj) -> StripeError | None:
    """Return the card error that collecting money for a subscription would bring."""
    method = standing.default_method(account, subscription)
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
    subscription["items"] = items_list(subscription["id"], change.items)
    with_plan(subscription)
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
        invoice = draft(
            account,
            customer,
            change.entries if change.restarts else [],
            reason="subscription_update",
            subscription=subscription,
        )
        collect_at_once(account, invoice)


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
    invoice = draft(
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
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if standing.default_method(account, subscription):
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
        invoice = draft(account, customer, [], reason="subscription_update", subscription=subscription)
        collect_at_once(account, invoice)


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
