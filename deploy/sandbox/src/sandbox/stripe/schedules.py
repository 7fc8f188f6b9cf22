"""Subscription schedules: phases of items, one after the other."""

import copy

from sandbox.stripe import beginning, subscribing
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.calendar import boundary
from sandbox.stripe.change import BEHAVIORS, changed_items, weigh
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Call, Route, lister, reader

_KIND = "subscription_schedule"
_LIVE = ("active", "not_started")


def from_subscription(account: Account, subscription: Obj) -> Obj:
    """Make a schedule whose one phase is the running period of a subscription."""
    if subscription["schedule"]:
        message = "You cannot migrate a subscription that is already attached to a schedule"
        raise invalid(f"{message}: {subscription['schedule']}.", param="from_subscription")
    items = subscription["items"]["data"]
    phase = _phase(
        [{"price": item["price"]["id"], "quantity": item["quantity"]} for item in items],
        items[0]["current_period_start"],
        items[0]["current_period_end"],
        items[0]["price"]["currency"],
    )
    schedule = _make(account, subscription["customer"], [phase], "release", subscription)
    account.say("subscription_schedule.created", schedule)
    return schedule


def _phase(rows: list[Obj], start: int, end: int, currency: str, behavior: str = "create_prorations") -> Obj:
    return {
        "add_invoice_items": [],
        "billing_cycle_anchor": None,
        "currency": currency,
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "end_date": end,
        "items": [row | {"discounts": [], "metadata": {}, "tax_rates": []} for row in rows],
        "metadata": {},
        "proration_behavior": behavior,
        "start_date": start,
        "trial_end": None,
    }


def _make(
    account: Account, customer_id: str, phases: list[Obj], end_behavior: str, subscription: Obj | None
) -> Obj:
    customer = account.get("customer", customer_id, "customer")
    schedule = account.add(
        {
            "id": new_id("sub_sched"),
            "object": _KIND,
            "application": None,
            "billing_mode": {"type": "flexible"},
            "canceled_at": None,
            "completed_at": None,
            "created": account.now(customer),
            "current_phase": None,
            "customer": customer_id,
            "default_settings": {"billing_cycle_anchor": "automatic", "default_payment_method": None},
            "end_behavior": end_behavior,
            "livemode": False,
            "metadata": {},
            "phases": phases,
            "released_at": None,
            "released_subscription": None,
            "status": "active" if subscription else "not_started",
            "subscription": subscription["id"] if subscription else None,
            "test_clock": customer["test_clock"],
        }
    )
    if subscription is not None:
        subscription["schedule"] = schedule["id"]
        schedule["current_phase"] = _dates(phases[0])
    return schedule


def _dates(phase: Obj) -> Obj:
    return {"start_date": phase["start_date"], "end_date": phase["end_date"]}


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    if key := params.text("from_subscription"):
        return from_subscription(account, account.get("subscription", key, "from_subscription"))
    customer = account.get("customer", params.required("customer"), "customer")
    now = account.now(customer)
    start = params.text("start_date") or "now"
    phases = read_phases(account, params.rows("phases"), now if start == "now" else int(start))
    end_behavior = params.choice("end_behavior", ("release", "cancel"), "release")
    schedule = _make(account, customer["id"], phases, end_behavior, None)
    schedule["metadata"] = params.metadata()
    account.say("subscription_schedule.created", schedule)
    if phases[0]["start_date"] <= now:
        advance(account, schedule)
    return schedule


def read_phases(account: Account, rows: list[Params], start: int) -> list[Obj]:
    """Read the phases of a call; each starts where the one before it ends."""
    if not rows:
        raise missing("phases")
    phases = []
    for row in rows:
        lines = row.rows("items")
        items: list[Obj] = [
            {"price": line.required("price"), "quantity": line.number("quantity") or 1} for line in lines
        ]
        price = account.get("price", items[0]["price"], "phases[0][items][0][price]")
        given = row.text("start_date")
        start = int(given) if given and given != "now" else start
        end = _end(row, price["recurring"], start)
        behavior = row.choice("proration_behavior", BEHAVIORS, "create_prorations")
        phase = _phase(items, start, end, price["currency"], behavior)
        phase["metadata"] = row.metadata()
        phases.append(phase)
        start = end
    return phases


def _end(row: Params, recurring: Obj, start: int) -> int:
    if row.text("end_date"):
        return int(row.required("end_date"))
    duration = row.group("duration")
    if duration.names():
        count = duration.number("interval_count") or 1
        return boundary(start, {"interval": duration.required("interval"), "interval_count": count}, 1)
    return boundary(start, recurring, row.number("iterations") or 1)


def _update(call: Call) -> Obj:
    account, params = call.account, call.params
    schedule = _live(account, call.key)
    changes: Obj = {"metadata": params.metadata(schedule["metadata"])}
    if "phases" in params:
        begin = schedule["phases"][0]["start_date"]
        changes["phases"] = read_phases(account, params.rows("phases"), begin)
        current = schedule["current_phase"]
        if current:
            changes["current_phase"] = _dates(changes["phases"][0])
    if "end_behavior" in params:
        changes["end_behavior"] = params.choice("end_behavior", ("release", "cancel"), "release")
    account.change("subscription_schedule.updated", schedule, **changes)
    return schedule


def plan_next(account: Account, schedule: Obj, rows: list[Obj]) -> None:
    """Add a phase with other items after the running one: a change at the end of the period."""
    first = schedule["phases"][0]
    price = account.get("price", rows[0]["price"])
    end = boundary(first["end_date"], price["recurring"], 1)
    following = _phase(rows, first["end_date"], end, price["currency"], "none")
    phases = [copy.deepcopy(first), following]
    account.change("subscription_schedule.updated", schedule, phases=phases)


def advance(account: Account, schedule: Obj) -> None:
    """Go to the phase that is due: start the subscription, change its items, or finish."""
    now = account.now(schedule)
    phase = next((each for each in schedule["phases"] if each["start_date"] <= now < each["end_date"]), None)
    if phase is None:
        _finish(account, schedule)
        return
    subscription = account.find(schedule["subscription"])
    before = {"current_phase": schedule["current_phase"], "status": schedule["status"]}
    if subscription is None:
        subscription = _start(account, schedule, phase)
        schedule.update(subscription=subscription["id"], status="active")
        subscription["schedule"] = schedule["id"]
    else:
        _enter(account, subscription, phase)
    schedule["current_phase"] = _dates(phase)
    account.say("subscription_schedule.updated", schedule, before)


def _start(account: Account, schedule: Obj, phase: Obj) -> Obj:
    customer = account.get("customer", schedule["customer"])
    key = beginning.new_key()
    rows = [Params({"price": row["price"], "quantity": str(row["quantity"])}) for row in phase["items"]]
    items = changed_items(account, {"id": key, "items": {"data": []}}, rows)
    subscription = beginning.begin(account, customer, items, beginning.Beginning())
    if subscription["status"] == "incomplete":  # a schedule does not wait for the first payment
        account.change("customer.subscription.updated", subscription, status="active")
    beginning.bill_first(account, subscription)
    return subscription


def items_of(account: Account, subscription: Obj, phase: Obj) -> list[Obj]:
    """Return the items a subscription has in a phase, in the period it is in now."""
    old = subscription["items"]["data"]
    rows: list[Obj] = []
    for position, row in enumerate(phase["items"]):
        same = {"id": old[position]["id"]} if position < len(old) else {}
        rows.append(same | {"price": row["price"], "quantity": str(row["quantity"])})
    rows += [{"id": item["id"], "deleted": "true"} for item in old[len(phase["items"]) :]]
    place = {name: old[0][name] for name in ("current_period_start", "current_period_end")}
    return [item | place for item in changed_items(account, subscription, [Params(row) for row in rows])]


def _enter(account: Account, subscription: Obj, phase: Obj) -> None:
    """Give a subscription the items of a phase."""
    items = items_of(account, subscription, phase)
    end = subscription["items"]["data"][0]["current_period_end"]
    at_boundary = account.now(subscription) >= end
    behavior = "none" if at_boundary else phase["proration_behavior"]
    change = weigh(account, subscription, items, account.now(subscription), behavior=behavior)
    metadata = subscription["metadata"] | phase["metadata"]
    subscribing.apply(account, subscription, change, behavior=behavior, metadata=metadata)


def _finish(account: Account, schedule: Obj) -> None:
    subscription = account.find(schedule["subscription"])
    now = account.now(schedule)
    if schedule["end_behavior"] == "cancel":
        schedule.update(status="completed", completed_at=now, current_phase=None)
        account.say("subscription_schedule.completed", schedule)
        if subscription is not None:
            subscription["schedule"] = None
            subscribing.cancel(account, subscription)
        return
    release(account, schedule)


def release(account: Account, schedule: Obj) -> None:
    """Let a subscription go on as it is, without its schedule."""
    subscription = account.find(schedule["subscription"])
    schedule.update(
        status="released",
        released_at=account.now(schedule),
        released_subscription=schedule["subscription"],
        subscription=None,
        current_phase=None,
    )
    if subscription is not None:
        account.change("customer.subscription.updated", subscription, schedule=None)
    account.say("subscription_schedule.released", schedule)


def _release(call: Call) -> Obj:
    schedule = _live(call.account, call.key)
    release(call.account, schedule)
    return schedule


def _cancel(call: Call) -> Obj:
    schedule = _live(call.account, call.key)
    schedule.update(status="canceled", canceled_at=call.account.now(schedule), current_phase=None)
    call.account.say("subscription_schedule.canceled", schedule)
    if subscription := call.account.find(schedule["subscription"]):
        subscription["schedule"] = None
        subscribing.cancel(call.account, subscription)
    return schedule


def _live(account: Account, key: str) -> Obj:
    schedule = account.get(_KIND, key)
    if schedule["status"] not in _LIVE:
        raise invalid(f"You cannot change a subscription schedule that is {schedule['status']}.")
    return schedule


ROUTES = [
    Route(
        "POST",
        "/v1/subscription_schedules",
        _create,
        "customer from_subscription start_date end_behavior phases metadata",
    ),
    lister(_KIND, "/v1/subscription_schedules", "customer"),
    reader(_KIND, "/v1/subscription_schedules"),
    Route(
        "POST",
        "/v1/subscription_schedules/{}",
        _update,
        "end_behavior phases metadata proration_behavior default_settings",
    ),
    Route("POST", "/v1/subscription_schedules/{}/release", _release, "preserve_cancel_date"),
    Route("POST", "/v1/subscription_schedules/{}/cancel", _cancel, "invoice_now prorate"),
]
