"""Customers."""

import secrets

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.cards import by_token
from sandbox.stripe.listing import PAGING, matching, page
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import attach, resolve
from sandbox.stripe.routes import Call, Route, lister

_PLAIN = ("name", "email", "phone", "description")
_KNOWS = (
    "name email phone description metadata address shipping payment_method invoice_settings balance tax "
    "preferred_locales tax_exempt invoice_prefix individual_name business_name default_source"
)


def make(account: Account, **fields: str | None) -> Obj:
    """Make a customer, without saying so."""
    return account.add(
        {
            "id": new_id("cus", 14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": account.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": secrets.token_hex(4).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
        | fields
    )


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    clock = params.text("test_clock")
    if clock:
        account.get("test_helpers.test_clock", clock, "test_clock")
    method = params.text("payment_method")
    card = resolve(account, method) if method else None
    customer = make(account, test_clock=clock)
    customer["created"] = account.now(customer)
    customer.update(_changes(params, customer))
    try:
        if card:
            attach(account, card, customer)
        _default_method(account, params, customer)
    except Exception:
        account.remove(customer)
        raise
    account.say("customer.created", customer)
    return customer


def _update(call: Call) -> Obj:
    account, params = call.account, call.params
    customer = account.get("customer", call.key)
    settings = dict(customer["invoice_settings"])
    _default_method(account, params, customer)
    chosen, customer["invoice_settings"] = customer["invoice_settings"], settings
    changes = _changes(params, customer) | {"invoice_settings": chosen}
    account.change("customer.updated", customer, **changes)
    return customer


def _changes(params: Params, customer: Obj) -> Obj:
    changes: Obj = {name: params.text(name) for name in _PLAIN if name in params}
    if "balance" in params:
        changes["balance"] = params.number("balance")
    for name in ("address", "shipping", "preferred_locales"):
        if name in params:
            changes[name] = params.plain(name) or None
    return changes | {"metadata": params.metadata(customer["metadata"])}


def _default_method(account: Account, params: Params, customer: Obj) -> None:
    """Set the card that invoices are paid with; a test card that is attached already is found again."""
    settings = params.group("invoice_settings")
    key = settings.text("default_payment_method")
    if "default_payment_method" not in settings:
        return
    chosen = None
    if key:
        owned = account.all("payment_method", customer=customer["id"])
        same = [each for each in owned if account.note(each)["card"] == by_token(key)]
        chosen = attach(account, same[0] if same else resolve(account, key), customer)["id"]
    customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": chosen}


def _delete(call: Call) -> Obj:
    delete(call.account, call.account.get("customer", call.key))
    return {"id": call.key, "object": "customer", "deleted": True}


def delete(account: Account, customer: Obj) -> None:
    """Forget a customer; its subscriptions end at once."""
    for subscription in account.all("subscription", customer=customer["id"]):
        if subscription["status"] not in {"canceled", "incomplete_expired"}:
            now = account.now(customer)
            subscription.update(status="canceled", canceled_at=now, ended_at=now)
            account.say("customer.subscription.deleted", subscription)
    account.say("customer.deleted", customer)
    account.note(customer)["deleted"] = True
    account.remove(customer)


def _read(call: Call) -> Obj:
    """Return a customer; of a deleted one, that it is."""
    if call.account.notes.get(call.key, {}).get("deleted"):
        return {"id": call.key, "object": "customer", "deleted": True}
    return call.account.get("customer", call.key)


def _methods(call: Call) -> Obj:
    customer = call.account.get("customer", call.key)
    found = matching(call.account, "payment_method", call.params, ["type"])
    owned = [method for method in found if method["customer"] == customer["id"]]
    return page(owned, call.params, call.path)


ROUTES = [
    Route("POST", "/v1/customers", _create, f"{_KNOWS} test_clock"),
    lister("customer", "/v1/customers", "email test_clock"),
    Route("GET", "/v1/customers/{}", _read),
    Route("POST", "/v1/customers/{}", _update, _KNOWS),
    Route("DELETE", "/v1/customers/{}", _delete),
    Route("GET", "/v1/customers/{}/payment_methods", _methods, "type " + " ".join(PAGING)),
]
