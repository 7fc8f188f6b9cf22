"""Stripe's objects in our words. Only here is it known how they look (API of `client.API_VERSION`)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.adapters.outbound.stripe.shelf import Tag
from billing.domain.dossier import (
    Bill,
    Deal,
    DealStatus,
    Dispute,
    DisputeState,
    Line,
    Payment,
    Refund,
    Upcoming,
)
from billing.domain.plans import PlanName

Obj = dict[str, Any]
Tags = Mapping[str, Tag | None]
_STATUS: dict[str, DealStatus] = {
    "incomplete": "incomplete",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "ended",
}
_DISPUTES: dict[str, DisputeState] = {
    "needs_response": "opened",
    "under_review": "opened",
    "won": "won",
    "lost": "lost",
}


def moment(seconds: int | None) -> datetime | None:
    """Read a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def at(seconds: int) -> datetime:
    """Read a time that is always there."""
    return datetime.fromtimestamp(seconds, UTC)


def prices_in(subscriptions: Iterable[Obj], invoices: Iterable[Obj]) -> set[str]:
    """Name every price that is spoken of."""
    found = {item["price"]["id"] for each in subscriptions for item in each["items"]["data"]}
    found |= {price for each in invoices for line in each["lines"]["data"] if (price := _price_of(line))}
    return found | {price for each in subscriptions if (price := _next_price(each))}


def deal(subscription: Obj, tags: Tags) -> Deal | None:
    """Read a subscription; None when it is for none of our plans."""
    item = subscription["items"]["data"][0] if subscription["items"]["data"] else None
    tag = tags.get(item["price"]["id"]) if item else None
    if item is None or tag is None:
        return None
    return Deal(
        id=subscription["id"],
        plan=tag.plan,
        interval=tag.interval,
        status=_status(subscription["status"]),
        anchor=at(subscription["billing_cycle_anchor"]),
        period_start=at(item["current_period_start"]),
        period_end=at(item["current_period_end"]),
        created_at=at(subscription["created"]),
        trial_start=moment(subscription["trial_start"]),
        trial_end=moment(subscription["trial_end"]),
        cancel_at=moment(subscription["cancel_at"]),
        ended_at=moment(subscription["ended_at"]),
        unpaid_since=_unpaid_since(subscription),
        next_plan=_next_plan(subscription, tag, tags),
    )


def bill(invoice: Obj, tags: Tags) -> Bill:
    """Read an invoice."""
    parent = (invoice.get("parent") or {}).get("subscription_details") or {}
    paid = invoice["status"] == "paid"
    lines = [_line(line, tags) for line in invoice["lines"]["data"]]
    return Bill(
        id=invoice["id"],
        status=invoice["status"],
        cause=invoice["billing_reason"] or "manual",
        total=invoice["total"],
        currency=invoice["currency"],
        created_at=at(invoice["created"]),
        deal=parent.get("subscription"),
        paid_at=moment(invoice["status_transitions"]["paid_at"] or invoice["created"]) if paid else None,
        lines=tuple(line for line in lines if line is not None),
        payments=tuple(_intents(invoice)),
        number=invoice["number"],
        description=_described(invoice),
        url=invoice["hosted_invoice_url"],
        pdf_url=invoice["invoice_pdf"],
    )


def payment(intent: Obj, disputes: Iterable[Obj]) -> Payment:
    """Read a payment intent whose last charge is expanded with its refunds."""
    metadata, charge = intent["metadata"] or {}, intent["latest_charge"] or {}
    refunds = (charge.get("refunds") or {}).get("data", [])
    return Payment(
        id=intent["id"],
        amount=intent["amount"],
        currency=intent["currency"],
        created_at=at(intent["created"]),
        paid=intent["status"] == "succeeded",
        credits=int(metadata["credits"]) if metadata.get("credits", "").isdigit() else None,
        purchase=_uuid(metadata.get("purchase")),
        receipt_url=charge.get("receipt_url"),
        refunds=tuple(
            Refund(each["id"], each["amount"], failed=each["status"] == "failed")
            for each in refunds
            if each["status"] in ("succeeded", "failed")
        ),
        disputes=tuple(
            Dispute(each["id"], each["amount"], _DISPUTES.get(each["status"], "inquiry")) for each in disputes
        ),
    )


def upcoming(invoice: Obj) -> Upcoming:
    """Read the preview of an invoice."""
    due = invoice.get("next_payment_attempt") or invoice["created"]
    return Upcoming(invoice["amount_due"], invoice["currency"], at(due))


def card(method: Obj | None) -> str | None:
    """Say which card pays, as its holder knows it."""
    if method is None:
        return None
    details = method.get("card")
    if not details:
        return str(method["type"]).replace("_", " ").capitalize()
    return f"{str(details['brand']).capitalize()} ending in {details['last4']}"


def _status(written: str) -> DealStatus:
    return _STATUS.get(written, "never")


def _unpaid_since(subscription: Obj) -> datetime | None:
    latest = subscription["latest_invoice"]
    if isinstance(latest, dict) and latest["status"] in ("open", "uncollectible"):
        return at(latest["created"])
    return None


def _phases(subscription: Obj) -> list[Obj]:
    schedule = subscription.get("schedule")
    return schedule["phases"] if isinstance(schedule, dict) else []


def _next_price(subscription: Obj) -> str | None:
    end = subscription["items"]["data"][0]["current_period_end"] if subscription["items"]["data"] else 0
    for phase in _phases(subscription):
        if phase["start_date"] >= end and phase["items"]:
            price = phase["items"][0]["price"]
            return str(price["id"] if isinstance(price, dict) else price)
    return None


def _next_plan(subscription: Obj, tag: Tag, tags: Tags) -> PlanName | None:
    following = tags.get(_next_price(subscription) or "")
    return following.plan if following and following != tag else None


def _price_of(line: Obj) -> str | None:
    details = (line.get("pricing") or {}).get("price_details") or {}
    price = details.get("price")
    return str(price["id"] if isinstance(price, dict) else price) if price else None


def _line(line: Obj, tags: Tags) -> Line | None:
    tag = tags.get(_price_of(line) or "")
    if tag is None:
        return None
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return Line(
        id=line["id"],
        plan=tag.plan,
        interval=tag.interval,
        start=at(line["period"]["start"]),
        end=at(line["period"]["end"]),
        amount=line["amount"],
        prorated=bool(details.get("proration")),
    )


def _intents(invoice: Obj) -> Iterable[str]:
    for each in (invoice.get("payments") or {}).get("data", []):
        intent = each["payment"].get("payment_intent")
        if intent:
            yield str(intent["id"] if isinstance(intent, dict) else intent)


def _described(invoice: Obj) -> str:
    first = invoice["lines"]["data"][:1]
    return str(invoice["description"] or (first[0]["description"] if first else "") or "")


def _uuid(written: str | None) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        return None
