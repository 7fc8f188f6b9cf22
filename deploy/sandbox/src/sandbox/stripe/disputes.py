"""Disputes: a holder asks the bank for the money back; the bank decides later."""

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.charges import transaction
from sandbox.stripe.errors import invalid
from sandbox.stripe.routes import Call, Route, lister, reader

_FEE = 1500
_DAYS_TO_ANSWER = 9
_CLOSED = ("won", "lost", "warning_closed")


def open_dispute(
    account: Account,
    charge: Obj,
    *,
    amount: int | None = None,
    reason: str = "fraudulent",
    status: str = "needs_response",
) -> Obj:
    """Open a dispute on a charge; unless it is only an inquiry, the money goes at once."""
    if charge["disputed"] or not charge["paid"]:
        raise invalid(f"{charge['id']} is disputed already, or was never paid.")
    dispute = account.add(
        {
            "id": new_id("du"),
            "object": "dispute",
            "amount": amount or charge["amount"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": account.now(charge),
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {
                "due_by": account.now(charge) + _DAYS_TO_ANSWER * 86_400,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": status.startswith("warning"),
            "livemode": False,
            "metadata": {},
            "network_reason_code": "10.4",
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
                "type": "card",
            },
            "reason": reason,
            "status": status,
        }
    )
    charge["disputed"] = True
    account.say("charge.dispute.created", dispute)
    if not status.startswith("warning"):
        _move(account, dispute, -dispute["amount"], _FEE)
        account.say("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(account: Account, dispute: Obj, outcome: str) -> Obj:
    """End a dispute as `won` or `lost`; what is won comes back."""
    if dispute["status"] in _CLOSED:
        raise invalid("This dispute is already closed.")
    inquiry = dispute["status"].startswith("warning")
    before = {"status": dispute["status"]}
    dispute.update(status="warning_closed" if inquiry and outcome == "won" else outcome)
    account.say("charge.dispute.closed", dispute, before)
    if outcome == "won" and not inquiry:
        _move(account, dispute, dispute["amount"], -_FEE)
        account.say("charge.dispute.funds_reinstated", dispute)
    return dispute


def _move(account: Account, dispute: Obj, amount: int, fee: int) -> None:
    dispute["balance_transactions"].append(transaction(account, dispute, "adjustment", amount, fee))


def _update(call: Call) -> Obj:
    account, params = call.account, call.params
    dispute = account.get("dispute", call.key)
    evidence = dispute["evidence"] | params.group("evidence").values()
    metadata = params.metadata(dispute["metadata"])
    account.change("charge.dispute.updated", dispute, evidence=evidence, metadata=metadata)
    # Stripe's test mode decides by these two words.
    verdict = {"winning_evidence": "won", "losing_evidence": "lost"}.get(
        str(evidence.get("uncategorized_text"))
    )
    if verdict and params.flag("submit", default=True):
        close_dispute(account, dispute, verdict)
    return dispute


def _close(call: Call) -> Obj:
    return close_dispute(call.account, call.account.get("dispute", call.key), "lost")


ROUTES = [
    lister("dispute", "/v1/disputes", "charge payment_intent"),
    reader("dispute", "/v1/disputes"),
    Route("POST", "/v1/disputes/{}", _update, "evidence metadata submit"),
    Route("POST", "/v1/disputes/{}/close", _close),
]
