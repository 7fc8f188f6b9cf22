"""Which credits a team's payments bring. Each is named by what was paid, so it can be said only once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from uuid import UUID

from billing.domain.dossier import Bill, Deal, Dossier, Line
from billing.domain.months import months_after, months_until
from billing.domain.plans import PLANS, PlanName
from contracts.billing import PeriodOpened, TopUpPaid

RENEWING = ("subscription_create", "subscription_cycle", "subscription_update")
"""The billing reasons whose lines open periods; what a person bills by hand brings nothing."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits that were paid for by a bill or a payment; `paid_by` names it."""

    paid_by: str
    fact: PeriodOpened | TopUpPaid


def grants(team_id: UUID, dossier: Dossier, now: datetime) -> list[Grant]:
    """Say what everything paid so far brings, of a yearly plan the month that `now` lies in."""
    found = [grant for bill in dossier.bills for grant in _of_bill(team_id, dossier, bill, now)]
    packs = (payment for payment in dossier.payments if payment.paid and payment.credits)
    return found + [Grant(p.id, _pack(team_id, f"payment:{p.id}", p.credits or 0)) for p in packs]


def next_month(dossier: Dossier, now: datetime) -> datetime | None:
    """Tell when a plan that was paid for a year opens its next month."""
    starts = []
    for bill in dossier.bills:
        deal = dossier.deal(bill.deal)
        for line in bill.lines:
            if deal and bill.paid_at and _opens_months(bill, line):
                start = months_after(line.start, months_until(line.start, max(now, line.start)) + 1)
                if start < line.end and not _is_over(deal, start):
                    starts.append(start)
    return min(starts, default=None)


def _of_bill(team_id: UUID, dossier: Dossier, bill: Bill, now: datetime) -> Iterator[Grant]:
    deal = dossier.deal(bill.deal)
    if bill.paid_at is None or deal is None or bill.cause not in RENEWING:
        return
    for line in bill.lines:
        if line.prorated:
            continue
        if _came_late(bill, deal, line):
            credits = PLANS[line.plan].credits * (12 if line.interval == "year" else 1)
            ends = months_after(bill.paid_at, 12 if line.interval == "year" else 1)
            yield Grant(bill.id, _pack(team_id, _name(bill, line), credits, ends))
        elif period := _period(team_id, dossier, bill, line, now):
            yield Grant(bill.id, period)
    if added := _upgrade(team_id, dossier, bill, deal):
        yield Grant(bill.id, added)


def _came_late(bill: Bill, deal: Deal, line: Line) -> bool:
    """Tell whether it was paid when its period was over: then it is kept as credits that last as long."""
    if bill.paid_at is None:
        return False
    return bill.paid_at >= line.end or (deal.ended_at is not None and bill.paid_at > deal.ended_at)


def _period(team_id: UUID, dossier: Dossier, bill: Bill, line: Line, now: datetime) -> PeriodOpened | None:
    deal = dossier.deal(bill.deal)
    start, end, name, plan = line.start, line.end, _name(bill, line), line.plan
    tried = deal is not None and line.amount == 0 and deal.tries(line.start)
    if _opens_months(bill, line):
        month = months_until(line.start, max(now, line.start))
        start, end = months_after(line.start, month), months_after(line.start, month + 1)
        name, plan = f"{name}:{month}", _plan_at(dossier, bill, line, start)
        if start >= line.end or (deal is not None and _is_over(deal, start)):
            return None
    return PeriodOpened(
        team_id=team_id,
        source_ref=name,
        kind="reset",
        credits=PLANS[plan].trial_credits if tried else PLANS[plan].credits,
        period_start=start,
        period_end=end,
        plan=plan,
    )


def _opens_months(bill: Bill, line: Line) -> bool:
    """Tell whether a year was paid, whose credits come by the month; the free days before it are no year."""
    long = line.end > months_after(line.start, 2)
    return line.interval == "year" and long and not line.prorated and bill.cause in RENEWING


def _is_over(deal: Deal, start: datetime) -> bool:
    return deal.ended_at is not None and deal.ended_at <= start


def _plan_at(dossier: Dossier, bill: Bill, line: Line, moment: datetime) -> PlanName:
    """Find the plan of a paid year at a moment: the year's own until an upgrade was paid."""
    changes = [
        (change.start, change.plan)
        for other in dossier.bills
        if other.deal == bill.deal and other.paid_at is not None
        for change in other.lines
        if change.prorated and change.amount > 0 and line.start < change.start <= moment
    ]
    return max(changes)[1] if changes else line.plan


def _upgrade(team_id: UUID, dossier: Dossier, bill: Bill, deal: Deal) -> PeriodOpened | None:
    """Add the difference of the plans for what is left of the month in which a better one was chosen."""
    bought = [line for line in bill.lines if line.prorated and line.amount > 0]
    # Of a plan that a coupon paid for, nothing is given back in money; it is given back all the same.
    given_back = [line for line in bill.lines if line.prorated and line.amount <= 0]
    if not bought or deal.tries(bought[0].start):
        return None
    more = sum(PLANS[line.plan].credits for line in bought)
    more -= sum(PLANS[line.plan].credits for line in given_back)
    moment, best = bought[0].start, max(bought, key=lambda line: PLANS[line.plan].credits)
    start, end = _month_around(moment, dossier, deal)
    credits = ceil(more * ((end - moment) / (end - start)))
    if credits <= 0:
        return None
    return PeriodOpened(
        team_id=team_id,
        source_ref=_name(bill, bought[0]),
        kind="add",
        credits=credits,
        period_start=start,
        period_end=end,
        plan=best.plan,
    )


def _month_around(moment: datetime, dossier: Dossier, deal: Deal) -> tuple[datetime, datetime]:
    """Find the month a moment lies in, counted as the paid period it belongs to counts it."""
    periods = [
        line.start
        for bill in dossier.bills
        if bill.deal == deal.id
        for line in bill.lines
        if not line.prorated and line.start <= moment < line.end
    ]
    anchor = max(periods, default=deal.anchor)
    month = months_until(anchor, moment)
    return months_after(anchor, month), months_after(anchor, month + 1)


def _pack(team_id: UUID, name: str, credits: int, ends: datetime | None = None) -> TopUpPaid:
    return TopUpPaid(team_id=team_id, source_ref=name, credits=credits, expires_at=ends)


def _name(bill: Bill, line: Line) -> str:
    return f"invoice:{bill.id}:{line.id}"
