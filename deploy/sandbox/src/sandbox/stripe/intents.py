"""Payment intents: from the wish to be paid to the money, or to the reason there is none."""

from typing import Any

from sandbox.stripe import charges, disputes
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.cards import Card
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import attach, card_of, declined, resolve
from sandbox.stripe.routes import Call, Route, lister, reader

_LEAST = 50
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
SETTLE_SECONDS = 3 * 86_400  # what a bank debit takes


def make(
    account: Account,
    amount: int,
    currency: str,
    customer: Obj | None,
    **fields: Any,  # noqa: ANN401 (JSON)
) -> Obj:
    """Make a payment intent and say so."""
    key = new_id("pi")
    intent = account.add(
        {
            "id": key,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{key}_secret_{new_id('x')[2:]}",
            "confirmation_method": "automatic",
            "created": account.now(customer),
            "currency": currency,
            "customer": customer["id"] if customer else None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "next_action": None,
            "payment_method": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "setup_future_usage": None,
            "shipping": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_group": None,
        }
        | fields
    )
    account.say("payment_intent.created", intent)
    return intent


def confirm(
    account: Account, intent: Obj, method: Obj, *, off_session: bool = False, authenticated: bool = False
) -> StripeError | None:
    """Try to take the money; return the card error when the bank says no.

    A card that wants its holder to be asked leaves the intent in `requires_action`, or is declined when the
    holder is away.
    """
    card = card_of(account, method)
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    if account.note(method).get("settles"):
        intent.update(status="processing")
        account.note(intent)["settles_at"] = account.now(intent) + SETTLE_SECONDS
        account.say("payment_intent.processing", intent)
        return None
    if _must_authenticate(account, card, method) and not authenticated:
        if off_session:
            return fail(account, intent, method, "authentication_required")
        page = f"{account.pages_url}/authenticate/{intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": page, "return_url": None}}
        intent.update(status="requires_action", next_action=action)
        account.say("payment_intent.requires_action", intent)
        return None
    if card.code:
        return fail(account, intent, method)
    succeed(account, intent, method)
    return None


def succeed(account: Account, intent: Obj, method: Obj) -> None:
    """Take the money."""
    account.note(method)["authenticated"] = True
    charge = charges.charge(account, intent, method, succeeds=True)
    customer = account.find(intent["customer"])
    if customer and intent["setup_future_usage"] and not method["customer"]:
        attach(account, method, customer)
    received = {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    intent.update(next_action=None, **received)
    account.say("payment_intent.succeeded", intent)
    if state := card_of(account, method).dispute:
        disputes.open_dispute(account, charge, reason="fraudulent", status=state)


def fail(account: Account, intent: Obj, method: Obj, code: str | None = None) -> StripeError:
    """Record that the bank said no."""
    charge = charges.charge(account, intent, method, succeeds=False, code=code)
    card = card_of(account, method)
    if code:
        card = Card(last4=card.last4, code=code, decline_code=code)
    error = declined(card, method, charge=charge["id"])
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        last_payment_error=dict(error.body["error"]),
        payment_method=None,
        next_action=None,
    )
    account.say("payment_intent.payment_failed", intent)
    error.body["error"]["payment_intent"] = intent
    return error


def settle(account: Account, intent: Obj) -> None:
    """End a bank debit: days later it has gone through, or not."""
    method = account.get("payment_method", intent["payment_method"])
    if account.note(method)["settles"] == "succeeded":
        succeed(account, intent, method)
    else:
        fail(account, intent, method, "payment_intent_payment_attempt_failed")


def _must_authenticate(account: Account, card: Card, method: Obj) -> bool:
    known = account.note(method).get("authenticated", False)
    return card.authentication == "always" or (card.authentication == "unless_saved" and not known)


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    amount = _amount(params)
    customer_key = params.text("customer")
    customer = account.get("customer", customer_key, "customer") if customer_key else None
    method = _method(account, params, customer)
    fields = {name: params.text(name) for name in ("description", "receipt_email", "setup_future_usage")}
    intent = make(
        account,
        amount,
        params.required("currency").lower(),
        customer,
        metadata=params.metadata(),
        shipping=params.plain("shipping"),
        payment_method=method["id"] if method else None,
        payment_method_types=params.texts("payment_method_types") or ["card"],
        status="requires_confirmation" if method else "requires_payment_method",
        **fields,
    )
    if params.flag("confirm"):
        _confirm_or_raise(account, intent, method, params)
    return intent


def _amount(params: Params) -> int:
    amount = params.number("amount")
    if amount is None:
        raise missing("amount")
    if amount < _LEAST:
        message = "Amount must be at least $0.50 usd"
        raise invalid(message, code="amount_too_small", param="amount")
    return amount


def _method(account: Account, params: Params, customer: Obj | None) -> Obj | None:
    key = params.text("payment_method")
    if key is None:
        return None
    method = resolve(account, key)
    if method["customer"] and (customer is None or method["customer"] != customer["id"]):
        raise invalid(
            "The provided PaymentMethod was attached to another Customer, or no customer was given.",
            param="payment_method",
        )
    return method


def _confirm_or_raise(account: Account, intent: Obj, method: Obj | None, params: Params) -> None:
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    away = params.flag("off_session") or params.flag("error_on_requires_action")
    error = confirm(account, intent, method, off_session=away)
    if error is not None:
        raise error


def _confirm(call: Call) -> Obj:
    account, params = call.account, call.params
    intent = _still_open(account, call.key, "confirm")
    method = _method(account, params, account.find(intent["customer"]))
    _confirm_or_raise(account, intent, method or account.find(intent["payment_method"]), params)
    return intent


def _update(call: Call) -> Obj:
    account, params = call.account, call.params
    intent = account.get("payment_intent", call.key)
    if "amount" in params:
        _still_open(account, call.key, "update")
        intent["amount"] = _amount(params)
    for name in ("description", "receipt_email", "setup_future_usage"):
        intent[name] = params.text(name, intent[name])
    intent["metadata"] = params.metadata(intent["metadata"])
    return intent


def _cancel(call: Call) -> Obj:
    intent = _still_open(call.account, call.key, "cancel")
    cancel(call.account, intent, call.params.text("cancellation_reason"))
    return intent


def cancel(account: Account, intent: Obj, why: str | None = None) -> None:
    """Give up an intent."""
    intent.update(status="canceled", canceled_at=account.now(intent), cancellation_reason=why)
    account.say("payment_intent.canceled", intent)


def _still_open(account: Account, key: str, verb: str) -> Obj:
    intent = account.get("payment_intent", key)
    if intent["status"] not in _OPEN:
        message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
        raise invalid(message, code="payment_intent_unexpected_state")
    return intent


_CHANGES = "amount description metadata receipt_email setup_future_usage payment_method shipping"
_CONFIRM = "payment_method off_session return_url error_on_requires_action mandate_data"

ROUTES = [
    Route(
        "POST",
        "/v1/payment_intents",
        _create,
        f"currency customer confirm payment_method_types automatic_payment_methods payment_method_options "
        f"statement_descriptor_suffix {_CHANGES} {_CONFIRM}",
    ),
    lister("payment_intent", "/v1/payment_intents", "customer"),
    reader("payment_intent", "/v1/payment_intents"),
    Route("POST", "/v1/payment_intents/{}", _update, _CHANGES),
    Route("POST", "/v1/payment_intents/{}/confirm", _confirm, _CONFIRM),
    Route("POST", "/v1/payment_intents/{}/cancel", _cancel, "cancellation_reason"),
]
