from uuid import UUID

from billing.application.ports import Basket, Customer, NotSynced, Page, Stripe, Transaction
from billing.domain.dossier import Dossier
from billing.domain.plans import PACKS, PLANS
from billing.domain.topping_up import Refused
from contracts.billing import BillingRefused, CheckoutOpened, OpenCheckout
from contracts.envelope import Delivery
from contracts.message import Fact

SUBSCRIBED = "The team has a plan already. Change it in the portal."


async def open_checkout(
    delivery: Delivery[OpenCheckout], stripe: Stripe | None, transaction: Transaction
) -> None:
    """Open a page where a plan or a pack can be paid for; asked again, the same page.

    Nothing is bound to the team by its coming back from there: only what Stripe says later counts.
    """
    command = delivery.message
    try:
        answer: Fact = await _opened(
            command, await known(command.team_id, stripe, transaction), stripe, transaction
        )
    except Refused as no:
        answer = refusal(command.request_id, command.team_id, no)
    except NotSynced:
        words = "Payments are being set up. Try again in a minute."
        answer = refusal(command.request_id, command.team_id, Refused("payments_not_ready", words))
    async with transaction() as work:
        work.outbox.add(answer, delivery)


async def known(team_id: UUID, stripe: Stripe | None, transaction: Transaction) -> Customer:
    """Find the team behind a command that is about money. Raises Refused."""
    if stripe is None:
        raise Refused("payments_not_configured", "Payments are not set up here: every team is on Free.")
    async with transaction() as work:
        if await work.subscriptions.lock(team_id) is None:
            raise Refused("team_not_found", "There is no such team, or it is closed.")
        return await work.customers.find(team_id)


def refusal(request_id: UUID, about: UUID, no: Refused) -> BillingRefused:
    """Say no to a request."""
    return BillingRefused(request_id=request_id, about=about, code=no.code, detail=no.detail)


async def _opened(
    command: OpenCheckout, customer: Customer, stripe: Stripe | None, transaction: Transaction
) -> CheckoutOpened:
    if stripe is None:
        raise Refused("payments_not_configured", "Payments are not set up here: every team is on Free.")
    _check(command)
    customer_id = customer.customer_id
    dossier = await stripe.dossier(customer_id) if customer_id else Dossier()
    if command.plan and any(deal.is_live or deal.status == "unpaid" for deal in dossier.deals):
        raise Refused("already_subscribed", SUBSCRIBED)
    if customer_id is None:
        customer_id = await stripe.open_customer(customer)
        async with transaction() as work:
            await work.customers.bind(command.team_id, customer_id)
    page = await stripe.open_checkout(_basket(command, customer_id, dossier))
    return _answer(command, page)


def _check(command: OpenCheckout) -> None:
    if (command.plan is None) == (command.pack is None):
        raise Refused("nothing_chosen", "Choose a plan or a pack, one of the two.")
    if command.pack is not None and command.pack not in PACKS:
        raise Refused("pack_not_found", "There is no such pack of credits.")
    if command.plan is not None:
        plan = next((plan for name, plan in PLANS.items() if name == command.plan), None)
        if plan is None or command.interval not in plan.prices:
            raise Refused("plan_not_found", "There is no such plan to buy.")


def _basket(command: OpenCheckout, customer_id: str, dossier: Dossier) -> Basket:
    plan = next((plan for name, plan in PLANS.items() if name == command.plan), None)
    return Basket(
        request_id=command.request_id,
        team_id=command.team_id,
        customer_id=customer_id,
        success_url=command.success_url,
        cancel_url=command.cancel_url,
        plan=plan.name if plan else None,
        interval=command.interval,
        trial_days=plan.trial_days if plan and dossier.is_new else 0,
        pack=PACKS[command.pack] if command.pack else None,
    )


def _answer(command: OpenCheckout, page: Page) -> CheckoutOpened:
    if page.expires_at is None:
        raise ValueError("a page to pay on expires")
    return CheckoutOpened(
        request_id=command.request_id, team_id=command.team_id, url=page.url, expires_at=page.expires_at
    )
