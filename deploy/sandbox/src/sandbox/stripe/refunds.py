"""Refunds: in full, in parts, as long as something is left of the charge."""

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.charges import transaction
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.routes import Call, Route, lister, reader

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def refund(
    account: Account,
    charge: Obj,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Obj:
    """Give back an amount of a charge, or all that is left of it, and say so."""
    left = _left(charge)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    made = account.add(
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": account.now(charge),
            "currency": charge["currency"],
            "destination_details": {
                "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number"},
                "type": "card",
            },
            "metadata": metadata or {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "status": "succeeded",
        }
    )
    moved = transaction(account, made, "refund", -amount)
    made["balance_transaction"] = moved["id"]
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    account.say("refund.created", made)
    account.say("charge.refunded", charge, before)
    account.say("refund.updated", made)
    account.say("charge.refund.updated", made)
    return made


def fail(account: Account, made: Obj) -> Obj:
    """Have a refund not arrive: the money comes back to us, and the charge is as before. Say so.

    Source: https://docs.stripe.com/refunds#failed-refunds
    """
    if made["status"] != "succeeded":
        raise invalid(f"Refund {made['id']} has already failed.")
    charge = account.get("charge", made["charge"])
    moved = transaction(account, made, "refund_failure", made["amount"])
    before = {"status": made["status"]}
    made.update(
        status="failed",
        failure_reason="lost_or_stolen_card",
        failure_balance_transaction=moved["id"],
    )
    charge["amount_refunded"] -= made["amount"]
    charge["refunded"] = False
    account.say("refund.failed", made)
    account.say("refund.updated", made, before)
    account.say("charge.refund.updated", made, before)
    return made


def _left(charge: Obj) -> int:
    if not charge["paid"]:
        raise invalid(f"Charge {charge['id']} was not successful and cannot be refunded.")
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    return int(charge["amount"] - charge["amount_refunded"])


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    reason = params.text("reason")
    if reason and reason not in _REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(_REASONS)}", param="reason")
    charge = account.get("charge", _charge_key(call), "charge")
    if charge["disputed"] and not any(
        dispute["is_charge_refundable"] for dispute in account.all("dispute", charge=charge["id"])
    ):
        raise invalid("This charge has been charged back.", code="charge_disputed")
    return refund(account, charge, params.number("amount"), reason, params.metadata())


def _charge_key(call: Call) -> str:
    if key := call.params.text("charge"):
        return key
    intent_key = call.params.text("payment_intent")
    if intent_key is None:
        raise missing("payment_intent")
    intent = call.account.get("payment_intent", intent_key, "payment_intent")
    if intent["latest_charge"] is None:
        message = f"This PaymentIntent ({intent_key}) does not have a successful charge to refund."
        raise invalid(message, param="payment_intent")
    return str(intent["latest_charge"])


def _update(call: Call) -> Obj:
    found = call.account.get("refund", call.key)
    metadata = call.params.metadata(found["metadata"])
    if metadata != found["metadata"]:
        before = {"metadata": found["metadata"]}
        found["metadata"] = metadata
        call.account.say("refund.updated", found, before)
        call.account.say("charge.refund.updated", found, before)
    return found


ROUTES = [
    Route("POST", "/v1/refunds", _create, "charge payment_intent amount reason metadata"),
    lister("refund", "/v1/refunds", "charge payment_intent"),
    reader("refund", "/v1/refunds"),
    Route("POST", "/v1/refunds/{}", _update, "metadata"),
]
