"""Checkout sessions: made by the API, completed on the hosted page."""

from typing import Any

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.catalog import make_price, make_product
from sandbox.stripe.checkout_payment import complete
from sandbox.stripe.checkout_session import DAY, KIND, details, expire, shape
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.listing import PAGING, page
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import resolve
from sandbox.stripe.prorations import name_of
from sandbox.stripe.routes import Call, Route, lister, reader

_MODES = ("payment", "subscription", "setup")


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    mode = params.choice("mode", _MODES, "payment")
    params.group("subscription_data").only(_SUBSCRIPTION_DATA)
    params.group("payment_intent_data").only(_INTENT_DATA)
    if mode == "setup":
        raise invalid("The sandbox knows the modes payment and subscription.", param="mode")
    success_url = params.required("success_url")
    customer = _customer(account, params)
    rows = [_line_item(account, row) for row in params.rows("line_items")]
    if not rows:
        raise missing("line_items")
    _check_mode(mode, rows)
    total = sum(row["amount_total"] for row in rows)
    if mode == "subscription" and _has_trial(params):
        total = 0
    now = account.now()
    session = account.add(shape(now, mode, rows, total) | {"success_url": success_url})
    session.update(
        cancel_url=params.text("cancel_url"),
        client_reference_id=params.text("client_reference_id"),
        customer=customer["id"] if customer else None,
        customer_creation=params.text("customer_creation", session["customer_creation"]),
        customer_details=details(customer, params.text("customer_email")),
        customer_email=params.text("customer_email"),
        expires_at=_expiry(params, now),
        metadata=params.metadata(),
        payment_method_types=params.texts("payment_method_types") or ["card"],
        url=f"{account.pages_url}/c/pay/{session['id']}",
    )
    _keep(account, session, params, rows)
    return session


def _keep(account: Account, session: Obj, params: Params, rows: list[Obj]) -> None:
    """Remember what completing the session will need."""
    data = ("subscription_data", "payment_intent_data", "invoice_creation")
    account.note(session).update(line_items=rows, **{name: params.group(name) for name in data})


def _customer(account: Account, params: Params) -> Obj | None:
    key = params.text("customer")
    if key and params.text("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    return account.get("customer", key, "customer") if key else None


def _expiry(params: Params, now: int) -> int:
    given = params.number("expires_at")
    if given is None:
        return now + DAY
    if not now + 1800 <= given <= now + DAY + 60:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from creation."
        raise invalid(message, param="expires_at")
    return given


def _has_trial(params: Params) -> bool:
    data = params.group("subscription_data")
    return "trial_period_days" in data or "trial_end" in data


def _check_mode(mode: str, rows: list[Obj]) -> None:
    recurring = any(row["price"]["type"] == "recurring" for row in rows)
    if mode == "payment" and recurring:
        raise invalid(
            "You must provide one-time prices in `payment` mode; use `subscription` mode for recurring ones."
        )
    if mode == "subscription" and not recurring:
        raise invalid("You must provide at least one recurring price in `subscription` mode.")


def _line_item(account: Account, row: Params) -> Obj:
    row.only(frozenset({"price", "price_data", "quantity", "adjustable_quantity", "tax_rates"}))
    price = _price(account, row)
    if not price["active"]:
        raise invalid(f"The price specified is inactive: {price['id']}", param="line_items[0][price]")
    quantity = row.number("quantity") or 1
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name_of(account, price),
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def _price(account: Account, row: Params) -> Obj:
    if key := row.text("price"):
        return account.get("price", key, "line_items[0][price]")
    data = row.group("price_data")
    if not data.names():
        raise missing("line_items[0][price]")
    if key := data.text("product"):
        return make_price(account, data, account.get("product", key, "line_items[0][price_data][product]"))
    return make_price(account, data, make_product(account, data.group("product_data")))


def _expire(call: Call) -> Obj:
    session = call.account.get(KIND, call.key)
    expire(call.account, session)
    return session


def _line_items(call: Call) -> Obj:
    session = call.account.get(KIND, call.key)
    return page(reversed(call.account.note(session)["line_items"]), call.params, call.path)


def _update(call: Call) -> Obj:
    session = call.account.get(KIND, call.key)
    session["metadata"] = call.params.metadata(session["metadata"])
    return session


def _payment_page(call: Call) -> Obj:
    """Answer what Stripe's own page asks; the official command line uses it to pay."""
    session = call.account.get(KIND, call.key)
    return {"id": new_id("ppage"), "object": "payment_page", "session_id": session["id"], **_open(session)}


def _open(session: Obj) -> dict[str, Any]:
    shown = ("mode", "status", "payment_status", "currency", "amount_total", "success_url", "cancel_url")
    return {name: session[name] for name in shown}


def _confirm_page(call: Call) -> Obj:
    account, params = call.account, call.params
    session = account.get(KIND, call.key)
    expected = params.number("expected_amount")
    if expected is not None and expected != session["amount_total"]:
        raise invalid(f"The amount is {session['amount_total']}, not {expected}.", param="expected_amount")
    method = resolve(account, params.required("payment_method"))
    error = complete(account, session, method)
    if error is not None:
        raise error
    return _payment_page(call)


_SUBSCRIPTION_DATA = frozenset(
    {
        "billing_cycle_anchor",
        "billing_mode",
        "description",
        "invoice_settings",
        "metadata",
        "proration_behavior",
        "trial_end",
        "trial_period_days",
        "trial_settings",
    }
)
_INTENT_DATA = frozenset(
    {
        "capture_method",
        "description",
        "metadata",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)

ROUTES = [
    Route(
        "POST",
        "/v1/checkout/sessions",
        _create,
        "mode success_url cancel_url customer customer_email customer_creation client_reference_id metadata "
        "line_items subscription_data payment_intent_data invoice_creation expires_at payment_method_types "
        "payment_method_collection allow_promotion_codes billing_address_collection automatic_tax locale "
        "ui_mode submit_type customer_update tax_id_collection phone_number_collection currency custom_text "
        "saved_payment_method_options consent_collection after_expiration adaptive_pricing",
    ),
    lister(KIND, "/v1/checkout/sessions", "customer payment_intent subscription status"),
    reader(KIND, "/v1/checkout/sessions"),
    Route("POST", "/v1/checkout/sessions/{}", _update, "metadata"),
    Route("POST", "/v1/checkout/sessions/{}/expire", _expire),
    Route("GET", "/v1/checkout/sessions/{}/line_items", _line_items, " ".join(PAGING)),
    Route("GET", "/v1/payment_pages/{}", _payment_page),
    Route("POST", "/v1/payment_pages/{}/confirm", _confirm_page, "payment_method expected_amount"),
]
