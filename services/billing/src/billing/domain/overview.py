"""What a team pays for, as it is shown to the team."""

from datetime import datetime

from billing.domain.dossier import Bill, Deal, Dossier, Payment
from billing.domain.plans import CURRENCY, PLANS
from billing.domain.standing import GRACE, current
from billing.domain.subscription import Subscription
from contracts.billing import AutoTopUp, BillingChanged, Invoice, Money, NextInvoice, PaymentProblem

SHOWN = 24
"""How many invoices are shown; the portal has them all."""


def overview(
    subscription: Subscription, dossier: Dossier, auto_top_up: AutoTopUp, now: datetime
) -> BillingChanged:
    """Show the plan, the paid period, the invoices, and in plain words what is wrong; without a version."""
    deal = current(dossier)
    paid = deal if subscription.plan != "free" else None
    return BillingChanged(
        team_id=subscription.team_id,
        version=0,
        plan=subscription.plan,
        interval=subscription.interval,
        status=subscription.status,
        period_start=paid.period_start if paid else None,
        period_end=paid.period_end if paid else None,
        trial_end=deal.trial_end if deal and deal.status == "trialing" else None,
        cancel_at=deal.cancel_at if deal else None,
        next_plan=_next_plan(deal),
        next_invoice=_next_invoice(dossier),
        card=dossier.card,
        problem=_problem(dossier, deal, auto_top_up, now),
        invoices=_invoices(dossier),
        auto_top_up=auto_top_up,
    )


def _next_plan(deal: Deal | None) -> str | None:
    if deal is None:
        return None
    return "free" if deal.cancel_at else deal.next_plan


def _next_invoice(dossier: Dossier) -> NextInvoice | None:
    if (upcoming := dossier.upcoming) is None:
        return None
    total = Money(amount=upcoming.amount, currency=upcoming.currency)
    return NextInvoice(total=total, due_at=upcoming.due_at)


def _problem(
    dossier: Dossier, deal: Deal | None, auto_top_up: AutoTopUp, now: datetime
) -> PaymentProblem | None:
    """Tell the worst thing first."""
    for payment in dossier.payments:
        if any(dispute.state == "opened" for dispute in payment.disputes):
            words = "A payment is disputed. New work waits until the bank has decided."
            return PaymentProblem(code="payment_disputed", detail=words, since=payment.created_at)
    if deal and deal.status in ("past_due", "unpaid"):
        return _unpaid(dossier, deal, now)
    if sum(each.is_live for each in dossier.deals) > 1:
        words = "You pay for more than one plan. Cancel all but one in the portal."
        since = max(each.created_at for each in dossier.deals if each.is_live)
        return PaymentProblem(code="several_subscriptions", detail=words, since=since)
    if auto_top_up.enabled and auto_top_up.stopped:
        since = auto_top_up.stopped_at or now
        return PaymentProblem(code="auto_top_up_stopped", detail=auto_top_up.stopped, since=since)
    return None


def _unpaid(dossier: Dossier, deal: Deal, now: datetime) -> PaymentProblem:
    since = deal.unpaid_since or deal.period_start
    bill = next((bill for bill in dossier.bills if bill.deal == deal.id and bill.status == "open"), None)
    title = PLANS[deal.plan].title
    if deal.status == "past_due" and now < since + GRACE:
        words = f"Your payment for {title} failed. Pay by {since + GRACE:%d %B %Y}, or {title}'s limits end."
    else:
        words = f"{title} is not paid, so the limits of Free apply. Pay the open invoice to have it back."
    return PaymentProblem(code="payment_failed", detail=words, since=since, url=bill.url if bill else None)


def _invoices(dossier: Dossier) -> tuple[Invoice, ...]:
    shown = [_invoice(bill) for bill in dossier.bills if bill.status != "draft"]
    shown += [_receipt(payment) for payment in dossier.payments if payment.paid and payment.credits]
    return tuple(sorted(shown, key=lambda each: (each.created_at, each.id), reverse=True)[:SHOWN])


def _invoice(bill: Bill) -> Invoice:
    return Invoice(
        id=bill.id,
        number=bill.number,
        status=bill.status,
        total=Money(amount=bill.total, currency=bill.currency),
        description=bill.description,
        created_at=bill.created_at,
        url=bill.url,
        pdf_url=bill.pdf_url,
    )


def _receipt(payment: Payment) -> Invoice:
    return Invoice(
        id=payment.id,
        status="refunded"
        if sum(r.amount for r in payment.refunds if not r.failed) >= payment.amount
        else "paid",
        total=Money(amount=payment.amount, currency=payment.currency or CURRENCY),
        description=f"{payment.credits:,} credits",
        created_at=payment.created_at,
        url=payment.receipt_url,
    )
