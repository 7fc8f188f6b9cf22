"""What the next invoice will be, without writing it (`create_preview`, `invoice.upcoming`)."""

from sandbox.stripe import beginning, schedules
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.calendar import period
from sandbox.stripe.change import BEHAVIORS, Change, changed_items, weigh, whole
from sandbox.stripe.errors import StripeError, missing
from sandbox.stripe.invoice_drafts import shape
from sandbox.stripe.invoice_lines import Entry, entry_of, pending
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Call, Route
from sandbox.stripe.standing import ENDED


def upcoming(account: Account, subscription: Obj) -> Obj | None:
    """Return the invoice of the next period as it stands now; nothing when none will come."""
    ends = subscription["cancel_at_period_end"] or subscription["status"] in ENDED
    return None if ends else _next(account, subscription, Change(_planned(account, subscription)))


def _planned(account: Account, subscription: Obj) -> list[Obj]:
    """Return the items of the next period: those of the schedule's next phase, where there is one."""
    items: list[Obj] = subscription["items"]["data"]
    schedule = account.find(subscription["schedule"])
    end = items[0]["current_period_end"]
    phases = schedule["phases"] if schedule else []
    following = next((phase for phase in phases if phase["start_date"] == end), None)
    return schedules.items_of(account, subscription, following) if following else items


def _next(account: Account, subscription: Obj, change: Change) -> Obj:
    customer = account.get("customer", subscription["customer"])
    waiting = [entry_of(account, item) for item in pending(account, customer["id"], subscription["id"])]
    start = change.items[0]["current_period_end"]
    recurring = change.items[0]["price"]["recurring"]
    end = period(subscription["billing_cycle_anchor"], recurring, start)[1]
    following = [item | {"current_period_start": start, "current_period_end": end} for item in change.items]
    entries = [*waiting, *change.entries, *whole(account, following)]
    now_period = (change.items[0]["current_period_start"], start)
    return _shown(account, subscription, entries, start, now_period)


def _shown(
    account: Account, subscription: Obj, entries: list[Entry], at: int, covers: tuple[int, int]
) -> Obj:
    customer = account.get("customer", subscription["customer"])
    invoice = shape(account, customer, entries, reason="upcoming", subscription=subscription, period=covers)
    due = max(customer["balance"] + invoice["total"], 0)
    key = invoice["id"].replace("in_", "upcoming_in_")
    invoice.update(id=key, created=at, next_payment_attempt=at + account.renewal_seconds)
    invoice.update(amount_due=due, amount_remaining=due, ending_balance=None)
    for line in invoice["lines"]["data"]:
        line["invoice"] = key
    return invoice


def _preview(call: Call) -> Obj:
    account, params = call.account, call.params
    details = params.group("subscription_details")
    key = params.text("subscription")
    if key is None:
        return _of_nothing_yet(account, params, details)
    subscription = account.get("subscription", key, "subscription")
    if details.flag("cancel_now") or (upcoming(account, subscription) is None and not details.rows("items")):
        raise StripeError(
            404, "invalid_request_error", "No upcoming invoices for customer", code="invoice_upcoming_none"
        )
    now = account.now(subscription)
    behavior = details.choice("proration_behavior", BEHAVIORS, "create_prorations")
    rows = details.rows("items")
    if not rows:
        return _next(account, subscription, Change(_planned(account, subscription)))
    items = changed_items(account, subscription, rows)
    moment = details.number("proration_date") or now
    reset = details.text("billing_cycle_anchor") == "now"
    change = weigh(account, subscription, items, moment, behavior=behavior, anchor_now=reset)
    if change.restarts or (behavior == "always_invoice" and change.entries):
        return _shown(account, subscription, change.entries, now, (now, now))
    return _next(account, subscription, change)


def _of_nothing_yet(account: Account, params: Params, details: Params) -> Obj:
    """Return the first invoice of a subscription that does not exist."""
    customer = account.get("customer", params.required("customer"), "customer")
    if not details.rows("items"):
        raise missing("subscription_details[items]")
    key = beginning.new_key()
    items = changed_items(account, {"id": key, "items": {"data": []}}, details.rows("items"))
    now = account.now(customer)
    end = period(now, items[0]["price"]["recurring"], now)[1]
    placed = [item | {"current_period_start": now, "current_period_end": end} for item in items]
    invoice = shape(account, customer, whole(account, placed), reason="upcoming")
    return invoice | {"id": invoice["id"].replace("in_", "upcoming_in_")}


ROUTES = [
    Route(
        "POST",
        "/v1/invoices/create_preview",
        _preview,
        "customer subscription subscription_details preview_mode currency",
    ),
]
