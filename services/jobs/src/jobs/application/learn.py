"""What other services say that orders refer to."""

from collections.abc import Sequence

from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.envelope import Delivery
from jobs.application.work import Transaction


async def learn_models(deliveries: Sequence[Delivery[ModelChanged]], transaction: Transaction) -> None:
    """Remember models: which training made which version, and which version is active."""
    async with transaction() as work:
        await work.shelf.learn_models([delivery.message for delivery in deliveries])


async def learn_reference_models(
    deliveries: Sequence[Delivery[ReferenceModelChanged]], transaction: Transaction
) -> None:
    """Remember reference models: the recipe of their prompts."""
    async with transaction() as work:
        await work.shelf.learn_reference_models([delivery.message for delivery in deliveries])


async def learn_plans(deliveries: Sequence[Delivery[PlanChanged]], transaction: Transaction) -> None:
    """Remember plans: how many jobs a team may have running."""
    async with transaction() as work:
        await work.shelf.learn_plans([delivery.message for delivery in deliveries])
