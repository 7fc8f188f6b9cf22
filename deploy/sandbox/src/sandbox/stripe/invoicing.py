"""The life of an invoice after its draft: open, then paid; or void, or uncollectible."""

from sandbox.stripe import intents, standing
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.errors import StripeError, invalid

_DESCRIBED = {
    "subscription_create": "Subscription creation",
    "subscription_update": "Subscription update",
    "subscription_cycle": "Subscription update",
}


def finalize(account: Account, invoice: Obj, paid_by: Obj | None = None) -> None:
    """Close a draft: number it, use the customer's credit, and ask for what is left.

    `paid_by` is a payment intent that has paid it already: then there is no credit to use.
    """
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    customer = account.get("customer", invoice["customer"])
    now = account.now(invoice)
    balance = customer["balance"]
    due, ending = (invoice["total"], balance) if paid_by else _settle_balance(balance, invoice["total"])
    invoice.update(
        status="open",
        number=f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}",
        amount_due=due,
        amount_remaining=due,
        starting_balance=balance,
        ending_balance=ending,
        effective_at=now,
        hosted_invoice_url=f"{account.pages_url}/i/{invoice['id']}",
        automatically_finalizes_at=None,
        status_transitions=invoice["status_transitions"] | {"finalized_at": now},
    )
    customer["next_invoice_sequence"] += 1
    account.change("customer.updated", customer, balance=ending)
    account.say("invoice.finalized", invoice)
    if due > 0:
        _ask(account, invoice, paid_by or _intent(account, invoice, customer))
    if due == 0 or paid_by:
        invoice["attempted"] = True
        settle(account, invoice)


def _settle_balance(balance: int, total: int) -> tuple[int, int]:
    """Return what is due of a total, and the customer's balance afterwards (negative: we owe)."""
    owed = balance + total
    return (owed, 0) if owed > 0 else (0, owed)


def _intent(account: Account, invoice: Obj, customer: Obj) -> Obj:
    words = _DESCRIBED.get(invoice["billing_reason"], invoice["description"] or "Payment for Invoice")
    due, currency = invoice["amount_due"], invoice["currency"]
    intent = intents.make(account, due, currency, customer, description=words)
    account.note(intent)["invoice"] = invoice["id"]
    return intent


def _ask(account: Account, invoice: Obj, intent: Obj) -> None:
    account.add(
        {
            "id": new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": account.now(invoice),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def payment_of(account: Account, invoice: Obj) -> Obj | None:
    """Return the default payment of an invoice."""
    return next(iter(account.all("invoice_payment", invoice=invoice["id"])), None)


def intent_of(account: Account, invoice: Obj) -> Obj | None:
    """Return the payment intent of an invoice."""
    payment = payment_of(account, invoice)
    return account.find(payment["payment"]["payment_intent"]) if payment else None


def method_for(account: Account, invoice: Obj) -> Obj | None:
    """Return what an invoice is paid with when nobody says: its own, the subscription's, the customer's."""
    subscription = standing.subscription_of(account, invoice)
    customer = account.get("customer", invoice["customer"])
    keys = [
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
    ]
    return next((found for key in keys if (found := account.find(key))), None)


def pay(
    account: Account,
    invoice: Obj,
    method: Obj | None = None,
    *,
    asked: bool = False,
    automatic: bool = False,
) -> StripeError | None:
    """Try to collect an open invoice; return the card error when that fails.

    `asked` says that the card's holder is there and has agreed. Only what Stripe does by itself (`automatic`)
    counts as a further try, and plans the next one.
    """
    method = method or method_for(account, invoice)
    intent = intent_of(account, invoice)
    if intent is None:
        raise invalid("This invoice has nothing to be paid.")
    counts = automatic or not invoice["attempted"]
    if counts:
        invoice.update(attempt_count=invoice["attempt_count"] + 1, next_payment_attempt=None)
    invoice["attempted"] = True
    if method is None:
        return _failed(account, invoice, _no_method(), counts=counts)
    error = intents.confirm(account, intent, method, authenticated=asked)
    if intent["status"] == "requires_action":
        account.say("invoice.payment_action_required", invoice)
        error = _needs_action(intent)
    return None if error is None else _failed(account, invoice, error, counts=counts)


def follow(account: Account, event: Obj) -> None:
    """Call an invoice paid when its payment intent is, however that came about."""
    if event["type"] != "payment_intent.succeeded":
        return
    invoice = account.find(account.notes.get(event["data"]["object"]["id"], {}).get("invoice"))
    if invoice is not None and invoice["status"] in {"open", "uncollectible"}:
        settle(account, invoice)


def _no_method() -> StripeError:
    message = "There is no `default_payment_method` set on this Customer or Invoice."
    return invalid(f"{message} Please set one, or name the payment method to pay with.")


def _needs_action(intent: Obj) -> StripeError:
    message = "This payment requires additional user action before it can be completed successfully."
    code = "invoice_payment_intent_requires_action"
    return StripeError(402, "card_error", message, code=code, payment_intent=intent)


def _failed(account: Account, invoice: Obj, error: StripeError, *, counts: bool) -> StripeError:
    if counts:
        standing.failed(account, invoice)
    account.say("invoice.payment_failed", invoice)
    account.say("invoice.updated", invoice, {"attempt_count": invoice["attempt_count"] - int(counts)})
    if counts and invoice["next_payment_attempt"] is None:
        standing.give_up(account, invoice)
    return error


def settle(account: Account, invoice: Obj, *, out_of_band: bool = False) -> None:
    """Call an invoice paid, and let its subscription go on."""
    now = account.now(invoice)
    invoice.update(
        status="paid",
        amount_paid=0 if out_of_band else invoice["amount_due"],
        amount_remaining=0,
        next_payment_attempt=None,
        status_transitions=invoice["status_transitions"] | {"paid_at": now},
    )
    _settle_payment(account, invoice, out_of_band=out_of_band)
    account.say("invoice.updated", invoice, {"status": "open"})
    account.say("invoice.paid", invoice)
    if not out_of_band:
        account.say("invoice.payment_succeeded", invoice)
    standing.paid(account, invoice)


def _settle_payment(account: Account, invoice: Obj, *, out_of_band: bool) -> None:
    payment = payment_of(account, invoice)
    if payment is None:
        return
    now = account.now(invoice)
    if out_of_band:
        payment.update(status="canceled", status_transitions={"canceled_at": now, "paid_at": None})
        intents.cancel(account, account.get("payment_intent", payment["payment"]["payment_intent"]))
        return
    payment.update(
        status="paid",
        amount_paid=invoice["amount_due"],
        status_transitions={"canceled_at": None, "paid_at": now},
    )
    account.say("invoice_payment.paid", payment)


def close(account: Account, invoice: Obj, status: str) -> None:
    """Call an open invoice `void` or `uncollectible`."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise invalid(f"You can only do this to an open invoice; this one is {invoice['status']}.")
    stamp = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    now = account.now(invoice)
    invoice.update(
        status=status,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions=invoice["status_transitions"] | {stamp: now},
    )
    intent = intent_of(account, invoice)
    if status == "void" and intent is not None and intent["status"] != "succeeded":
        intents.cancel(account, intent, "void_invoice")
    account.say({"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible"}[status], invoice)
