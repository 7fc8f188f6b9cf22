"""What of a payment's credits goes back when its money does: each refund and dispute once for each grant."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from billing.domain.dossier import Dispute, Dossier, Refund
from contracts.billing import PaymentDisputed, PaymentRefunded

Claim = PaymentRefunded | PaymentDisputed


def claims(team_id: UUID, dossier: Dossier, granted: Iterable[tuple[str, str]]) -> list[Claim]:
    """Say what goes back of the grants, given as (what paid for it, its `source_ref`).

    The share is that of the whole bill, whatever part of it the payment was. A dispute of what brought
    nothing still freezes: it names its payment.
    """
    brought: dict[str, list[str]] = {}
    for paid_by, source_ref in granted:
        brought.setdefault(paid_by, []).append(source_ref)
    paid = {payment: bill for bill in dossier.bills for payment in bill.payments}
    found: list[Claim] = []
    for payment in dossier.payments:
        bill = paid.get(payment.id)
        whole = max(payment.amount, bill.total if bill else 0)
        refs = brought.get(bill.id if bill else payment.id, [])
        for refund in payment.refunds:
            found += (_refunded(team_id, refund, ref, _share(refund.amount, whole)) for ref in refs)
        for dispute in payment.disputes:
            share = _share(dispute.amount, whole)
            for ref in refs or [f"payment:{payment.id}"]:
                found += _disputed(team_id, dispute, ref, share)
    return found


def _refunded(team_id: UUID, refund: Refund, ref: str, share: float) -> PaymentRefunded:
    return PaymentRefunded(
        team_id=team_id,
        source_ref=f"refund:{refund.id}:{ref}",
        grant_ref=ref,
        share=share,
        state="failed" if refund.failed else "refunded",
    )


def _disputed(team_id: UUID, dispute: Dispute, ref: str, share: float) -> Iterator[PaymentDisputed]:
    if dispute.state == "inquiry":  # a question of the bank: no money has moved yet
        return
    yield PaymentDisputed(
        team_id=team_id,
        source_ref=f"dispute:{dispute.id}:{ref}",
        grant_ref=ref,
        share=share,
        state=dispute.state,
    )


def _share(amount: int, whole: int) -> float:
    return min(1.0, amount / whole)
