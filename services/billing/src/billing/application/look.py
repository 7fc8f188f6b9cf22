"""Look at what Stripe knows of a team, and say what follows: the one way in which payments have effects.

Whatever tells of a change (a webhook, a reconcile, the calendar) only says whom to look at. So it does not
matter how often, in which order, or whether at all it is told: the next look finds all that is to be said.
"""

from datetime import datetime
from uuid import UUID

from billing.application.ports import Stripe, Transaction, Work
from billing.domain.claiming import claims
from billing.domain.dossier import Dossier
from billing.domain.granting import Grant, grants, next_month
from billing.domain.overview import overview
from billing.domain.standing import standing
from billing.domain.stripes_clock import at_stripe
from billing.domain.subscription import Subscription
from billing.domain.topping_up import month_of, resumed
from chassis.clock import Clock
from contracts.billing import AutoTopUp
from contracts.envelope import Cause, Delivery
from contracts.message import Message

Source = Delivery[Message] | Cause | None


async def look(
    team_id: UUID, stripe: Stripe, transaction: Transaction, clock: Clock, cause: Source = None
) -> list[Message]:
    """Read everything about a team from Stripe and record it; returns what was said.

    Of two looks at once the one that began later decides what is shown: a change that it does not know of
    brings a look of its own. What payments bring is said once, whoever finds it.
    """
    async with transaction() as work:
        customer = await work.customers.find(team_id)
        ticket = await work.customers.ticket()
    dossier = await stripe.dossier(customer.customer_id) if customer.customer_id else Dossier()
    async with transaction() as work:
        return await record(work, team_id, dossier, ticket, at_stripe(clock()), cause)


async def record(
    work: Work, team_id: UUID, dossier: Dossier, ticket: int, now: datetime, cause: Source = None
) -> list[Message]:
    """Write down what a dossier means and say what is new of it; returns that."""
    before = await work.subscriptions.lock(team_id)
    if before is None:
        return []
    said: list[Message] = []
    current = await work.customers.looked(team_id, ticket)
    after = before.following(standing(dossier, now), now) if current else before
    if after != before:
        await work.subscriptions.save([after])
    if after.version != before.version:
        said.append(after.document())
    said += await _credits(work, after, dossier, now)
    await _settle_purchase(work, team_id, dossier)
    if current:
        wish = await _resumed(work, team_id, now)
        await work.subscriptions.look_again(team_id, _due(after, dossier, wish, now))
        said += await show(work, after, dossier, now)
    for message in said:
        work.outbox.add(message, cause)
    return said


async def show(work: Work, subscription: Subscription, dossier: Dossier, now: datetime) -> list[Message]:
    """Keep what the team is shown; returns it when it has changed."""
    wish = await work.top_ups.wish(subscription.team_id)
    spent = await work.top_ups.spent(subscription.team_id, month_of(now))
    wish = wish.model_copy(update={"spent_this_month": spent})
    shown, last = overview(subscription, dossier, wish, now), await work.overviews.find(subscription.team_id)
    version = last.version if last else await work.subscriptions.floor()
    shown = shown.model_copy(update={"version": version})
    if shown == last:
        return []
    shown = shown.model_copy(update={"version": version + 1})
    await work.overviews.save(shown)
    return [shown]


async def _credits(work: Work, subscription: Subscription, dossier: Dossier, now: datetime) -> list[Message]:
    team_id = subscription.team_id
    wanted = grants(team_id, dossier, now)
    if subscription.plan == "free":
        period = subscription.period()
        wanted.append(Grant(period.source_ref, period))
    new = await work.books.grant(team_id, wanted)
    back = await work.books.claim(claims(team_id, dossier, await work.books.granted(team_id)))
    return [*(grant.fact for grant in new), *back]


async def _resumed(work: Work, team_id: UUID, now: datetime) -> AutoTopUp:
    """Let packs be bought by themselves again when the month that was waited for has begun."""
    before = await work.top_ups.wish(team_id)
    wish = resumed(before, now)
    if wish != before:
        await work.top_ups.wants(team_id, wish)
    return wish


async def _settle_purchase(work: Work, team_id: UUID, dossier: Dossier) -> None:
    purchase = await work.top_ups.in_flight(team_id)
    if purchase and any(payment.paid and payment.purchase == purchase.id for payment in dossier.payments):
        await work.top_ups.end(purchase.ended(paid=True))


def _due(subscription: Subscription, dossier: Dossier, wish: AutoTopUp, now: datetime) -> datetime | None:
    """Tell when time alone will change something."""
    moments = [standing(dossier, now).until, next_month(dossier, now), wish.resumes_at]
    if subscription.plan == "free":
        moments.append(subscription.period_end)
    return min((moment for moment in moments if moment is not None), default=None)
