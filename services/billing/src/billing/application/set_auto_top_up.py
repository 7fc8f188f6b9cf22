from billing.application.look import show
from billing.application.open_checkout import known, refusal
from billing.application.ports import Stripe, Transaction
from billing.domain.dossier import Dossier
from billing.domain.topping_up import Refused, wished
from chassis.clock import Clock
from contracts.billing import SetAutoTopUp
from contracts.envelope import Delivery


async def set_auto_top_up(
    delivery: Delivery[SetAutoTopUp], stripe: Stripe | None, transaction: Transaction, clock: Clock
) -> None:
    """Keep whether packs are to be bought when the credits run low; answered by what is shown now, or no.

    Credits hears the threshold with what is shown, and says at once when the team is below it.
    """
    command = delivery.message
    try:
        customer = await known(command.team_id, stripe, transaction)
        dossier = await stripe.dossier(customer.customer_id) if stripe and customer.customer_id else Dossier()
    except Refused as no:
        async with transaction() as work:
            work.outbox.add(refusal(command.request_id, command.team_id, no), delivery)
        return
    async with transaction() as work:
        subscription = await work.subscriptions.lock(command.team_id)
        if subscription is None:
            return
        try:
            wish = wished(command, await work.top_ups.wish(command.team_id), dossier.card)
        except Refused as no:
            work.outbox.add(refusal(command.request_id, command.team_id, no), delivery)
            return
        await work.top_ups.wants(command.team_id, wish)
        shown = await show(work, subscription, dossier, clock())
        last = await work.overviews.find(command.team_id)
        for message in shown or ([last] if last else []):
            work.outbox.add(message, delivery)
