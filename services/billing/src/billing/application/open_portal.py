from billing.application.open_checkout import known, refusal
from billing.application.ports import NotSynced, Stripe, Transaction
from billing.domain.topping_up import Refused
from contracts.billing import OpenPortal, PortalOpened
from contracts.envelope import Delivery
from contracts.message import Fact


async def open_portal(
    delivery: Delivery[OpenPortal], stripe: Stripe | None, transaction: Transaction
) -> None:
    """Open the page where a team changes its plan and its card."""
    command = delivery.message
    try:
        customer = await known(command.team_id, stripe, transaction)
        if stripe is None or customer.customer_id is None:
            raise Refused("nothing_bought", "The team has not paid for anything yet. Choose a plan first.")
        page = await stripe.open_portal(customer.customer_id, command.return_url)
        answer: Fact = PortalOpened(request_id=command.request_id, team_id=command.team_id, url=page.url)
    except Refused as no:
        answer = refusal(command.request_id, command.team_id, no)
    except NotSynced:
        words = "Payments are being set up. Try again in a minute."
        answer = refusal(command.request_id, command.team_id, Refused("payments_not_ready", words))
    async with transaction() as work:
        work.outbox.add(answer, delivery)
