"""A checkout session: its shape, how it ends unpaid, and where its browser goes."""

import re

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.errors import invalid
from sandbox.stripe.listing import listed

KIND = "checkout.session"
DAY = 86_400
_SECRET = re.compile(r"\{CHECKOUT_SESSION_ID\}")


def shape(now: int, mode: str, rows: list[Obj], total: int) -> Obj:
    """Return an open session that sells these rows."""
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
        "expires_at": now + DAY,
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


def details(customer: Obj | None, email: str | None) -> Obj | None:
    """Return what a session says of whoever pays, as far as it is known."""
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
