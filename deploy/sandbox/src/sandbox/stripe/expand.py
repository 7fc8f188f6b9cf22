"""Expansion: ids replaced by the objects they name (https://docs.stripe.com/api/expanding_objects)."""

import copy
from collections.abc import Callable
from typing import Any

from sandbox.stripe import checkout_session
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.errors import invalid
from sandbox.stripe.listing import listed

_DEEPEST = 4


def _subscriptions(account: Account, customer: Obj) -> Obj:
    found = [each for each in account.all("subscription", customer=customer["id"]) if not each["ended_at"]]
    return listed(found[::-1], f"/v1/customers/{customer['id']}/subscriptions")


def _payments(account: Account, invoice: Obj) -> Obj:
    found = list(account.all("invoice_payment", invoice=invoice["id"]))
    return listed(found[::-1], f"/v1/invoices/{invoice['id']}/payments")


def _refunds(account: Account, charge: Obj) -> Obj:
    found = list(account.all("refund", charge=charge["id"]))
    return listed(found[::-1], f"/v1/charges/{charge['id']}/refunds")


def _confirmation(account: Account, invoice: Obj) -> Obj | None:
    for payment in account.all("invoice_payment", invoice=invoice["id"]):
        intent = account.get("payment_intent", payment["payment"]["payment_intent"])
        return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None


# What an object shows only when asked.
_INCLUDED: dict[tuple[str, str], Callable[[Account, Obj], Obj | None]] = {
    ("checkout.session", "line_items"): checkout_session.line_items,
    ("customer", "subscriptions"): _subscriptions,
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation,
    ("charge", "refunds"): _refunds,
}


def expanded(account: Account, answer: Obj, paths: list[str]) -> Obj:
    """Return a copy of an answer with what the paths ask for.

    Raises StripeError for a path that names nothing expandable.
    """
    shown: Obj = copy.deepcopy(answer)
    for path in sorted(paths):
        names = path.split(".")
        if len(names) > _DEEPEST + (names[0] == "data"):
            raise invalid(f"You cannot expand more than 4 levels of a property: {path}", param="expand")
        _walk(account, shown, names, path)
    return shown


def _walk(account: Account, thing: Any, names: list[str], path: str) -> None:  # noqa: ANN401 (JSON)
    if isinstance(thing, list):
        for each in thing:
            _walk(account, each, names, path)
        return
    if not isinstance(thing, dict):
        return
    name, rest = names[0], names[1:]
    thing[name] = _opened(account, thing, name, path)
    if rest:
        _walk(account, thing[name], rest, path)


def _opened(account: Account, thing: Obj, name: str, path: str) -> Any:  # noqa: ANN401 (JSON)
    include = _INCLUDED.get((thing.get("object", ""), name))
    if include is not None and name not in thing:
        return copy.deepcopy(include(account, account.get(thing["object"], thing["id"])))
    if name not in thing:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    value = thing[name]
    found = account.find(value) if isinstance(value, str) else None
    return value if found is None else copy.deepcopy(found)
