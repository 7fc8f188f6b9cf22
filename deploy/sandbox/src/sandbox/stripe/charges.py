"""Charges: one for every try to take money, the refused ones too."""

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.cards import reason
from sandbox.stripe.payment_methods import card_of
from sandbox.stripe.routes import Call, Route, lister, reader

_FEE_PERCENT, _FEE_FIXED = 2.9, 30


def charge(account: Account, intent: Obj, method: Obj, *, succeeds: bool, code: str | None = None) -> Obj:
    """Charge a payment method for an intent, and say how it went."""
    card = card_of(account, method)
    decline = None if succeeds else (code or card.decline_code)
    charged = account.add(
        {
            "id": new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if succeeds else 0,
            "amount_refunded": 0,
            "application": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "ATELIER SANDBOX",
            "captured": succeeds,
            "created": account.now(intent),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None if succeeds else (code or card.code),
            "failure_message": None if succeeds else reason(decline),
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": _outcome(decline),
            "paid": succeeds,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {method["type"]: method[method["type"]], "type": method["type"]},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": f"{account.pages_url}/receipts/{intent['id']}",
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "statement_descriptor": None,
            "status": "succeeded" if succeeds else "failed",
            "transfer_group": None,
        }
    )
    if succeeds:
        fee = round(charged["amount"] * _FEE_PERCENT / 100) + _FEE_FIXED
        charged["balance_transaction"] = transaction(account, charged, "charge", charged["amount"], fee)["id"]
    account.say("charge.succeeded" if succeeds else "charge.failed", charged)
    return charged


def transaction(account: Account, source: Obj, kind: str, amount: int, fee: int = 0) -> Obj:
    """Note what something does to the account's own balance."""
    return account.add(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "created": account.now(source),
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "available",
            "type": kind,
        }
    )


def _outcome(decline: str | None) -> Obj:
    if decline is None:
        return {
            "advice_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later",
        "network_status": "declined_by_network",
        "reason": decline,
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _update(call: Call) -> Obj:
    found = call.account.get("charge", call.key)
    description = call.params.text("description", found["description"])
    metadata = call.params.metadata(found["metadata"])
    call.account.change("charge.updated", found, description=description, metadata=metadata)
    return found


ROUTES = [
    lister("charge", "/v1/charges", "customer payment_intent"),
    reader("charge", "/v1/charges"),
    Route("POST", "/v1/charges/{}", _update, "description metadata"),
    lister("balance_transaction", "/v1/balance_transactions", "type source currency"),
    reader("balance_transaction", "/v1/balance_transactions"),
]
