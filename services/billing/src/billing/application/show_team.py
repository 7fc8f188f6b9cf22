from dataclasses import dataclass
from uuid import UUID

from billing.application.ports import Customer, Transaction
from billing.application.set_limits import UnknownTeam
from billing.domain.subscription import Subscription
from contracts.billing import BillingChanged


@dataclass(frozen=True, slots=True)
class Shown:
    """What billing knows of a team; `granted` names what brought it credits."""

    customer: Customer
    subscription: Subscription | None
    overview: BillingChanged | None
    granted: tuple[str, ...]


async def show_team(team_id: UUID, transaction: Transaction) -> Shown:
    """Find everything that is known of a team. Raises UnknownTeam."""
    async with transaction() as work:
        customer = await work.customers.find(team_id)
        subscription = await work.subscriptions.lock(team_id)
        if subscription is None and not customer.closed:
            raise UnknownTeam(team_id)
        overview = await work.overviews.find(team_id)
        granted = tuple(source_ref for _, source_ref in await work.books.granted(team_id))
    return Shown(customer, subscription, overview, granted)
