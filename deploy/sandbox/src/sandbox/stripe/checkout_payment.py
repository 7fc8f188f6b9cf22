"""What happens when a checkout session is paid."""

from sandbox.stripe import beginning, customers, intents, invoicing
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.change import make_item
from sandbox.stripe.checkout_session import details
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.invoice_drafts import draft
from sandbox.stripe.invoice_lines import Entry, hold
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import attach, card_of, declined
from sandbox.stripe.subscriptions import terms


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
    known_details = session["customer_details"] or {}
    who = email or known_details.get("email") or method["billing_details"]["email"]
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
    key = beginning.new_key()
    rows = [row for row in note["line_items"] if row["price"]["type"] == "recurring"]
    items = [make_item(account, key, row["price"], row["quantity"]) for row in rows]
    account.note(method)["authenticated"] = True
    subscription = beginning.begin(account, customer, items, how)
    _once(account, customer, subscription, note["line_items"])
    beginning.bill_first(account, subscription)
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
    session["customer_details"] = details(customer, email or session["customer_email"]) or {
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
    invoice = draft(account, customer, entries, reason="manual")
    invoice["metadata"] = creation.group("invoice_data").metadata()
    invoicing.finalize(account, invoice, paid_by=intent)
    session["invoice"] = invoice["id"]


def _completed(account: Account, session: Obj, customer: Obj | None, payment_status: str) -> None:
    if customer is not None:
        session.update(customer=customer["id"], customer_details=details(customer, None))
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
