"""Time: what is due on a clock, done in order, each thing as of its own moment."""

import asyncio
import functools
import logging
from collections.abc import Callable, Iterator

from sandbox.stripe import (
    beginning,
    checkout_session,
    customers,
    intents,
    invoicing,
    previews,
    schedules,
    standing,
    subscribing,
)
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.routes import Call, Route, lister, reader

KIND = "test_helpers.test_clock"
_log = logging.getLogger(__name__)
_DAY = 86_400
_HOUR = 3600
_Due = tuple[int, int, Callable[[], object]]


def due(account: Account, clock: str | None) -> Iterator[_Due]:
    """Return everything that waits on a test clock (or on none): when, rank among equals, what to do."""
    for subscription in account.all("subscription", test_clock=clock):
        if subscription["status"] not in standing.ENDED:
            yield from _of_subscription(account, subscription)
    for schedule in account.all("subscription_schedule", test_clock=clock):
        if schedule["status"] in {"active", "not_started"}:
            yield from _of_schedule(account, schedule)
    for invoice in account.all("invoice", test_clock=clock):
        yield from _of_invoice(account, invoice)
    yield from _of_payments(account, clock)


def _of_subscription(account: Account, subscription: Obj) -> Iterator[_Due]:
    do = functools.partial
    end = subscription["items"]["data"][0]["current_period_end"]
    note = account.note(subscription)
    status = subscription["status"]
    if status == "incomplete":
        yield subscription["created"] + 23 * _HOUR, 5, do(_never_paid, account, subscription)
        return
    if subscription["cancel_at"]:
        yield subscription["cancel_at"], 0, do(subscribing.cancel, account, subscription)
    if status == "trialing" and note.get("trial_end_said") != subscription["trial_end"]:
        warn = subscription["trial_end"] - 3 * _DAY
        yield warn, 2, do(beginning.announce_trial_end, account, subscription)
    if status != "paused":
        if note.get("upcoming_said") != end and not subscription["cancel_at_period_end"]:
            start = subscription["items"]["data"][0]["current_period_start"]
            warn = max(end - account.upcoming_days * _DAY, start)
            yield warn, 3, do(_announce, account, subscription, end)
        yield end, 4, do(subscribing.renew, account, subscription)


def _of_schedule(account: Account, schedule: Obj) -> Iterator[_Due]:
    current = schedule["current_phase"]
    moment = current["end_date"] if current else schedule["phases"][0]["start_date"]
    yield moment, 1, functools.partial(schedules.advance, account, schedule)


def _of_invoice(account: Account, invoice: Obj) -> Iterator[_Due]:
    if invoice["status"] == "draft" and invoice["auto_advance"] and invoice["automatically_finalizes_at"]:
        yield invoice["automatically_finalizes_at"], 6, functools.partial(_finalize, account, invoice)
    if invoice["status"] == "open" and invoice["next_payment_attempt"]:
        yield (
            invoice["next_payment_attempt"],
            7,
            functools.partial(invoicing.pay, account, invoice, automatic=True),
        )


def _of_payments(account: Account, clock: str | None) -> Iterator[_Due]:
    for intent in account.all("payment_intent", status="processing"):
        if (account.clock_of(intent) or {"id": None})["id"] == clock:
            yield account.note(intent)["settles_at"], 8, functools.partial(intents.settle, account, intent)
    if clock is None:
        for session in account.all(checkout_session.KIND, status="open"):
            yield session["expires_at"], 9, functools.partial(checkout_session.expire, account, session)


def _announce(account: Account, subscription: Obj, end: int) -> None:
    """Say that an invoice is coming."""
    account.note(subscription)["upcoming_said"] = end
    invoice = previews.upcoming(account, subscription)
    if invoice is not None:
        account.say("invoice.upcoming", {name: invoice[name] for name in invoice if name != "id"})


def _finalize(account: Account, invoice: Obj) -> None:
    invoicing.finalize(account, invoice)
    if invoice["status"] == "open":
        invoicing.pay(account, invoice, automatic=True)


def _never_paid(account: Account, subscription: Obj) -> None:
    """End a subscription whose first payment did not come within 23 hours."""
    invoice = account.find(subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoicing.close(account, invoice, "void")
    account.change("customer.subscription.updated", subscription, status="incomplete_expired")


async def run(account: Account, clock: Obj | None, until: int) -> int:
    """Do what is due until a moment; return how many things were done."""
    done = 0
    while True:
        waiting = list(due(account, clock["id"] if clock else None))
        moment, _, act = min(waiting, key=lambda each: each[:2], default=(until + 1, 0, None))
        if act is None or moment > until:
            return done
        _as_of(account, clock, moment, act)
        done += 1
        await asyncio.sleep(0)


def _as_of(account: Account, clock: Obj | None, moment: int, act: Callable[[], object]) -> None:
    """Do something as of its moment, and go on when Stripe itself would refuse it."""
    if clock is not None:
        clock["frozen_time"] = max(moment, clock["frozen_time"])
    else:
        account.moment = moment
    try:
        act()
    except StripeError:
        _log.exception("something that was due could not be done")
    finally:
        account.moment = None


def _create(call: Call) -> Obj:
    frozen = call.params.number("frozen_time")
    if frozen is None:
        raise invalid("Missing required param: frozen_time.", code="parameter_missing", param="frozen_time")
    clock = call.account.add(
        {
            "id": new_id("clock"),
            "object": KIND,
            "created": call.account.now(),
            "deletes_after": call.account.now() + 30 * _DAY,
            "frozen_time": frozen,
            "livemode": False,
            "name": call.params.text("name"),
            "status": "ready",
            "status_details": {},
        }
    )
    call.account.say("test_helpers.test_clock.created", clock)
    return clock


def _advance(call: Call) -> Obj:
    account = call.account
    clock = account.get(KIND, call.key)
    until = call.params.number("frozen_time")
    if clock["status"] != "ready":
        raise invalid("Test clock is currently advancing; wait until it is ready.")
    if until is None or until <= clock["frozen_time"]:
        raise invalid("The time must be after the clock's current frozen time.", param="frozen_time")
    clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": until}})
    account.say("test_helpers.test_clock.advancing", clock)
    account.start(_go(account, clock, until))
    return clock


async def _go(account: Account, clock: Obj, until: int) -> None:
    try:
        await run(account, clock, until)
    except Exception:  # noqa: BLE001 # whatever it was, the clock says that it stopped
        _log.exception("a test clock stumbled")
        clock["status"] = "internal_failure"
        account.say("test_helpers.test_clock.internal_failure", clock)
        return
    clock.update(status="ready", status_details={}, frozen_time=until)
    account.say("test_helpers.test_clock.ready", clock)


def _delete(call: Call) -> Obj:
    clock = call.account.get(KIND, call.key)
    for customer in call.account.all("customer", test_clock=clock["id"]):
        customers.delete(call.account, customer)
    call.account.remove(clock)
    call.account.say("test_helpers.test_clock.deleted", clock)
    return {"id": call.key, "object": KIND, "deleted": True}


ROUTES = [
    Route("POST", "/v1/test_helpers/test_clocks", _create, "frozen_time name"),
    lister(KIND, "/v1/test_helpers/test_clocks"),
    reader(KIND, "/v1/test_helpers/test_clocks"),
    Route("POST", "/v1/test_helpers/test_clocks/{}/advance", _advance, "frozen_time"),
    Route("DELETE", "/v1/test_helpers/test_clocks/{}", _delete),
]
