"""Checkout sessions: made by the API, completed on the hosted page."""

import re
from typing import Any

from sandbox.stripe import customers, intents, invoicing, subscribing
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.catalog import make_price, make_product
from sandbox.stripe.change import make_item
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.invoice_lines import Entry, hold
from sandbox.stripe.listing import PAGING, listed, page
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import attach, card_of, declined, resolve
from sandbox.stripe.prorations import name_of
from sandbox.stripe.routes import Call, Route, lister, reader
from sandbox.stripe.subscriptions import terms

KIND = "checkout.session"
_DAY = 86_400
_MODES = ("payment", "subscription", "setup")
_SECRET = re.compile(r"\{CHECKOUT_SESSION_ID\}")


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
    session = account.add(_shape(now, mode, rows, total) | {"success_url": success_url})
    session.update(
        cancel_url=params.text("cancel_url"),
        client_reference_id=params.text("client_reference_id"),
        customer=customer["id"] if customer else None,
        customer_creation=params.text("customer_creation", session["customer_creation"]),
        customer_details=_details(customer, params.text("customer_email")),
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
        return now + _DAY
    if not now + 1800 <= given <= now + _DAY + 60:
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


def _shape(now: int, mode: str, rows: list[Obj], total: int) -> Obj:
    return {
        "id": new_id("cs_test", 58),
        "object": KIND,
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": rows[0]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {},
        "customer": None,
        "customer_creation": "always" if mode == "subscription" else "if_required",
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": now + _DAY,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": {},
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }


def _details(customer: Obj | None, email: str | None) -> Obj | None:
    known = customer["email"] if customer else email
    if known is None:
        return None
    name = customer["name"] if customer else None
    return {
        "address": None,
        "email": known,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def complete(account: Account, session: Obj, method: Obj, email: str | None = None) -> StripeError | None:
    """Pay a session with a payment method, as the hosted page does; return the error of a refusal.

    After a refusal the session stays open. Where the holder must be asked, the page has done so.
    """
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is {session['status']}.")
    finish = _subscribe if session["mode"] == "subscription" else _take_payment
    return finish(account, session, method, email)


def _payer(account: Account, session: Obj, method: Obj, email: str | None) -> Obj:
    known = account.find(session["customer"])
    if known is not None:
        return known
    details = session["customer_details"] or {}
    who = email or details.get("email") or method["billing_details"]["email"]
    customer = customers.make(account, email=who, name=method["billing_details"]["name"])
    customer["created"] = account.now()
    account.say("customer.created", customer)
    session["customer"] = customer["id"]
    return customer


def _subscribe(account: Account, session: Obj, method: Obj, email: str | None) -> StripeError | None:
    if refused := _refusal(account, session, method):
        return refused
    customer = _payer(account, session, method, email)
    attach(account, method, customer)
    note = account.note(session)
    how = terms(account, note["subscription_data"], customer)
    how.fields["default_payment_method"] = method["id"]
    key = subscribing.new_key()
    rows = [row for row in note["line_items"] if row["price"]["type"] == "recurring"]
    items = [make_item(account, key, row["price"], row["quantity"]) for row in rows]
    account.note(method)["authenticated"] = True
    subscription = subscribing.begin(account, customer, items, how)
    _once(account, customer, subscription, note["line_items"])
    subscribing.bill_first(account, subscription)
    free = subscription["status"] == "trialing" or session["amount_total"] == 0
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"])
    _completed(account, session, customer, "no_payment_required" if free else "paid")
    return None


def _once(account: Account, customer: Obj, subscription: Obj, rows: list[Obj]) -> None:
    """Put what is sold once beside a subscription on its first invoice."""
    now = account.now(customer)
    for row in rows:
        if row["price"]["type"] == "one_time":
            hold(
                account,
                customer,
                Entry(
                    row["amount_total"],
                    row["currency"],
                    row["description"],
                    now,
                    now,
                    price=row["price"],
                    quantity=row["quantity"],
                ),
                subscription,
            )


def _refusal(account: Account, session: Obj, method: Obj) -> StripeError | None:
    """Try the card before anything exists: a refused subscription checkout leaves only a failed charge."""
    card = card_of(account, method)
    if card.code is None or (card.attaches and session["amount_total"] == 0):
        return None
    if session["amount_total"] == 0:
        return declined(card, method)
    intent = intents.make(
        account,
        session["amount_total"],
        session["currency"],
        account.find(session["customer"]),
        description="Subscription creation",
    )
    return intents.confirm(account, intent, method)


def _take_payment(account: Account, session: Obj, method: Obj, email: str | None) -> StripeError | None:
    always = session["customer_creation"] == "always"
    customer = _payer(account, session, method, email) if always else account.find(session["customer"])
    intent = account.find(session["payment_intent"]) or _intent(account, session)
    error = intents.confirm(account, intent, method, authenticated=True)
    if error is not None:
        return error
    session["customer_details"] = _details(customer, email or session["customer_email"]) or {
        "address": method["billing_details"]["address"],
        "email": method["billing_details"]["email"],
        "name": method["billing_details"]["name"],
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    _invoice_paid(account, session, customer, intent)
    _completed(account, session, customer, "unpaid" if intent["status"] == "processing" else "paid")
    return None


def _intent(account: Account, session: Obj) -> Obj:
    data: Params = account.note(session)["payment_intent_data"]
    customer = account.find(session["customer"])
    intent = intents.make(
        account,
        session["amount_total"],
        session["currency"],
        customer,
        description=data.text("description"),
        metadata=data.metadata(),
        receipt_email=data.text("receipt_email"),
        setup_future_usage=data.text("setup_future_usage"),
        shipping=data.plain("shipping"),
        payment_method_types=list(session["payment_method_types"]),
    )
    session["payment_intent"] = intent["id"]
    account.note(intent)["session"] = session["id"]
    return intent


def _invoice_paid(account: Account, session: Obj, customer: Obj | None, intent: Obj) -> None:
    """Write the invoice of a one-time payment when the session asks for one."""
    creation: Params = account.note(session)["invoice_creation"]
    if not creation.flag("enabled") or customer is None or intent["status"] != "succeeded":
        return
    now = account.now(customer)
    entries = [
        Entry(
            row["amount_total"], row["currency"], row["description"], now, now, row["price"], row["quantity"]
        )
        for row in account.note(session)["line_items"]
    ]
    invoice = invoicing.draft(account, customer, entries, reason="manual")
    invoice["metadata"] = creation.group("invoice_data").metadata()
    invoicing.finalize(account, invoice, paid_by=intent)
    session["invoice"] = invoice["id"]


def _completed(account: Account, session: Obj, customer: Obj | None, payment_status: str) -> None:
    if customer is not None:
        session.update(customer=customer["id"], customer_details=_details(customer, None))
    session.update(status="complete", payment_status=payment_status, url=None)
    account.say("checkout.session.completed", session)


def follow(account: Account, event: Obj) -> None:
    """Say how a payment that takes days has ended, once its session was completed."""
    intent = event["data"]["object"]
    session = account.find(account.notes.get(intent["id"], {}).get("session"))
    if session is None or session["status"] != "complete" or session["payment_status"] != "unpaid":
        return
    if event["type"] == "payment_intent.succeeded":
        session["payment_status"] = "paid"
        account.say("checkout.session.async_payment_succeeded", session)
    elif event["type"] == "payment_intent.payment_failed":
        account.say("checkout.session.async_payment_failed", session)


def expire(account: Account, session: Obj) -> None:
    """Close an open session: nobody can pay it any more."""
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise invalid(f"{message} This Checkout Session has a status of {session['status']}.")
    session.update(status="expired", url=None)
    account.say("checkout.session.expired", session)


def return_address(session: Obj) -> str:
    """Return where the browser goes after paying."""
    return _SECRET.sub(str(session["id"]), session["success_url"])


def line_items(account: Account, session: Obj) -> Obj:
    """Return what the session sells, as the list object that `expand` shows."""
    rows: list[Obj] = account.note(session)["line_items"]
    return listed(rows, f"/v1/checkout/sessions/{session['id']}/line_items")


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
