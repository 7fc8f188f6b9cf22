"""Payment methods: made from test tokens, attached to customers, taken off again."""

from typing import Any

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.cards import CARDS, Card, by_number, by_token, reason
from sandbox.stripe.errors import StripeError, invalid, missing, no_such
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Call, Route, lister

_BILLING: Obj = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
_CARD = "payment_method"
_WITH_REASON = ("card_declined", "authentication_required")


def card_of(account: Account, method: Obj) -> Card:
    """Return the test card behind a payment method."""
    return CARDS[account.note(method).get("card", "visa")]


def make(account: Account, name: str, **fields: Any) -> Obj:  # noqa: ANN401 (JSON)
    """Make a payment method of a test card, attached to nobody."""
    kind = "sepa_debit" if name.startswith("sepa") else "card"
    shown = {"last4": "3201", "country": "AT", "bank_code": "19043"} if name.startswith("sepa") else None
    method = account.add(
        {
            "id": new_id("pm"),
            "object": _CARD,
            "allow_redisplay": "unspecified",
            "billing_details": _BILLING | (fields.get("billing_details") or {}),
            kind: shown or CARDS[name].stored(),
            "created": account.now(),
            "customer": None,
            "livemode": False,
            "metadata": fields.get("metadata") or {},
            "type": kind,
        }
    )
    account.note(method)["card"] = "visa" if shown else name
    account.note(method)["settles"] = {"sepa": "succeeded", "sepa_fails": "failed"}.get(name)
    return method


def resolve(account: Account, key: str, param: str = "payment_method") -> Obj:
    """Return a payment method; `pm_card_...` stands for a new one of that test card."""
    if key.startswith("pm_card_"):
        name = by_token(key)
        if name is None:
            raise no_such("PaymentMethod", key, param)
        return make(account, name)
    found = account.find(key)
    if found is None or found["object"] != _CARD:
        raise no_such("PaymentMethod", key, param)
    return found


def attach(account: Account, method: Obj, customer: Obj) -> Obj:
    """Give a customer a payment method.

    Raises StripeError (402) when the bank refuses the card.
    """
    card = card_of(account, method)
    if not card.attaches:
        raise declined(card, method)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"]:
        raise invalid("The payment method you provided has already been attached to a customer.")
    method["customer"] = customer["id"]
    account.say("payment_method.attached", method)
    return method


def declined(card: Card, method: Obj, **more: Any) -> StripeError:  # noqa: ANN401 (JSON)
    """Return the card error of a decline."""
    message = reason(card.decline_code)
    declined_by = card.decline_code if card.code in _WITH_REASON else None
    more = {"code": card.code, "decline_code": declined_by, "payment_method": method} | more
    return StripeError(402, "card_error", message, **more)


def _create(call: Call) -> Obj:
    kind = call.params.required("type")
    if kind not in {"card", "sepa_debit"}:
        raise invalid("The sandbox knows the payment method types card and sepa_debit.", param="type")
    name = _bank(call.params) if kind == "sepa_debit" else _card(call.params)
    billing = call.params.group("billing_details").values()
    return make(call.account, name, metadata=call.params.metadata(), billing_details=billing)


def _card(params: Params) -> str:
    card = params.group("card")
    if token := card.text("token"):
        name = by_token(token)
        if name is None:
            raise no_such("token", token, "card[token]")
        return name
    if not card.names():
        raise missing("card")
    name = by_number(card.required("number"))
    if name is None:
        raise StripeError(402, "card_error", "Your card number is incorrect.", code="incorrect_number")
    return name


def _bank(params: Params) -> str:
    iban = params.group("sepa_debit").required("iban")
    return "sepa_fails" if iban.endswith("202") else "sepa"


def _read(call: Call) -> Obj:
    return resolve(call.account, call.key, "id")


def _update(call: Call) -> Obj:
    method = call.account.get(_CARD, call.key)
    if not method["customer"]:
        raise invalid("You must attach this PaymentMethod to a customer before you can update it.")
    billing = method["billing_details"] | call.params.group("billing_details").values()
    metadata = call.params.metadata(method["metadata"])
    call.account.change("payment_method.updated", method, billing_details=billing, metadata=metadata)
    return method


def _attach(call: Call) -> Obj:
    customer = call.account.get("customer", call.params.required("customer"), "customer")
    return attach(call.account, resolve(call.account, call.key, "id"), customer)


def _detach(call: Call) -> Obj:
    method = call.account.get(_CARD, call.key)
    customer = call.account.find(method["customer"])
    if customer is None:
        raise invalid("The payment method you provided is not attached to a customer.")
    method["customer"] = None
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method["id"]:
        call.account.change(
            "customer.updated", customer, invoice_settings=settings | {"default_payment_method": None}
        )
    call.account.say("payment_method.detached", method, {"customer": customer["id"]})
    return method


ROUTES = [
    Route(
        "POST",
        "/v1/payment_methods",
        _create,
        "type card sepa_debit billing_details metadata allow_redisplay",
    ),
    lister(_CARD, "/v1/payment_methods", "customer type"),
    Route("GET", "/v1/payment_methods/{}", _read),
    Route("POST", "/v1/payment_methods/{}", _update, "billing_details metadata allow_redisplay card"),
    Route("POST", "/v1/payment_methods/{}/attach", _attach, "customer"),
    Route("POST", "/v1/payment_methods/{}/detach", _detach),
]
