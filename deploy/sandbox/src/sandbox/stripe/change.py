"""A change of what a subscription is for: what it would be, and what that would cost."""

import copy
from dataclasses import dataclass, field

from sandbox.stripe import prorations
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.calendar import boundary
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.invoice_lines import Entry
from sandbox.stripe.params import Params

BEHAVIORS = ("create_prorations", "always_invoice", "none")


@dataclass
class Change:
    """The items as they would be, the entries that pay for it, and whether a new period begins."""

    items: list[Obj]
    entries: list[Entry] = field(default_factory=list)
    restarts: bool = False


def make_item(account: Account, subscription_id: str, price: Obj, quantity: int, **fields: object) -> Obj:
    """Return a subscription item; its period is still to be set."""
    if price["type"] != "recurring":
        message = (
            "The price specified is set to `type=one_time` but this field only accepts recurring prices."
        )
        raise invalid(message, param="items[0][price]")
    if not price["active"]:
        raise invalid(f"The price specified is inactive: {price['id']}", param="items[0][price]")
    return {
        "id": new_id("si", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": account.now(),
        "current_period_end": 0,
        "current_period_start": 0,
        "discounts": [],
        "metadata": {},
        "plan": _plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    } | fields


def _plan(price: Obj) -> Obj:
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def changed_items(account: Account, subscription: Obj, rows: list[Params]) -> list[Obj]:
    """Return the items after the rows of a call: an `id` changes one, without it one is added."""
    items: dict[str, Obj] = {item["id"]: copy.copy(item) for item in subscription["items"]["data"]}
    for row in rows:
        row.only(frozenset({"id", "price", "quantity", "deleted", "metadata", "plan", "price_data"}))
        key = row.text("id")
        if key and key not in items:
            raise invalid(f"Invalid subscription item: {key}", code="resource_missing", param="items[0][id]")
        if key and row.flag("deleted"):
            del items[key]
        elif key:
            items[key] = _changed(account, items[key], row)
        else:
            made = _added(account, subscription["id"], row)
            items[made["id"]] = made
    if not items:
        raise invalid("A subscription must have at least one active plan.", param="items")
    return list(items.values())


def _changed(account: Account, item: Obj, row: Params) -> Obj:
    key = row.text("price")
    price = account.get("price", key, "items[0][price]") if key else item["price"]
    quantity = item["quantity"] if "quantity" not in row else int(row.number("quantity") or 0)
    made = make_item(account, item["subscription"], price, quantity)
    kept = ("id", "created", "current_period_start", "current_period_end")
    return made | {name: item[name] for name in kept} | {"metadata": row.metadata(item["metadata"])}


def _added(account: Account, subscription_id: str, row: Params) -> Obj:
    key = row.text("price") or row.text("plan")
    if key is None:
        raise missing("items[0][price]")
    price = account.get("price", key, "items[0][price]")
    count = row.number("quantity")
    return make_item(account, subscription_id, price, 1 if count is None else count, metadata=row.metadata())


def weigh(
    account: Account,
    subscription: Obj,
    items: list[Obj],
    moment: int,
    *,
    behavior: str = "create_prorations",
    anchor_now: bool = False,
) -> Change:
    """Return what it means for a subscription to have these items from `moment` on."""
    before = subscription["items"]["data"]
    if subscription["status"] == "trialing" and not anchor_now:
        return Change([_in_period(item, before[0]) for item in items])
    if anchor_now or _restarts(before, items):
        credits = [] if behavior == "none" else _credits(account, subscription, before, moment)
        fresh = start_period(items, moment)
        return Change(fresh, [*credits, *whole(account, fresh)], restarts=True)
    after = [_in_period(item, before[0]) for item in items]
    entries = [] if behavior == "none" else _difference(account, before, after, moment)
    return Change(after, entries)


def start_period(items: list[Obj], start: int) -> list[Obj]:
    """Return items whose first period starts at the anchor."""
    end = boundary(start, items[0]["price"]["recurring"], 1)
    return [item | {"current_period_start": start, "current_period_end": end} for item in items]


def whole(account: Account, items: list[Obj]) -> list[Entry]:
    """Return the entries for the period that items are in."""
    return [
        prorations.full(account, item, item["current_period_start"], item["current_period_end"])
        for item in items
    ]


def _restarts(before: list[Obj], after: list[Obj]) -> bool:
    """Another interval, or the step from free to paid, begins a new period."""
    every = {
        (item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"])
        for item in [*before, *after]
    }
    free = all(prorations.amount_of(item) == 0 for item in before)
    return len(every) > 1 or (free and any(prorations.amount_of(item) for item in after))


def _in_period(item: Obj, of: Obj) -> Obj:
    return item | {name: of[name] for name in ("current_period_start", "current_period_end")}


def _credits(account: Account, subscription: Obj, items: list[Obj], moment: int) -> list[Entry]:
    if subscription["status"] == "trialing":
        return []
    return [prorations.unused(account, item, moment) for item in items if prorations.amount_of(item)]


def _difference(account: Account, before: list[Obj], after: list[Obj], moment: int) -> list[Entry]:
    old = {item["id"]: item for item in before}
    new = {item["id"]: item for item in after}
    entries: list[Entry] = []
    for key in [*old, *(key for key in new if key not in old)]:
        if key in old and key in new and _same(old[key], new[key]):
            continue
        if key in old:
            entries.append(prorations.unused(account, old[key], moment))
        if key in new:
            entries.append(prorations.remaining(account, new[key], new[key], moment))
    return entries


def _same(one: Obj, other: Obj) -> bool:
    return bool(one["price"]["id"] == other["price"]["id"] and one["quantity"] == other["quantity"])
