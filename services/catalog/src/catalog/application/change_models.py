from collections.abc import Sequence
from datetime import datetime

from catalog.application.ports import Transaction
from catalog.domain.changing import Change, Refusal, change
from catalog.domain.models import Model
from chassis.clock import Clock
from contracts.catalog import CatalogRefused, ModelChanged
from contracts.envelope import Delivery


async def change_models(
    deliveries: Sequence[Delivery[Change]], transaction: Transaction, clock: Clock
) -> None:
    """Rename, delete and roll back models as their teams ask; answer each with the model, or with a refusal.

    What comes again changes nothing and is answered with the model as it is.
    """
    async with transaction() as work:
        models = await work.models.lock({delivery.message.model_id for delivery in deliveries})
        for delivery in deliveries:
            command = delivery.message
            work.outbox.add(_answer(models[command.model_id], command, clock()), delivery)
        await work.models.save(models.values())


def _answer(model: Model, command: Change, at: datetime) -> ModelChanged | CatalogRefused:
    try:
        return change(model, command, at)
    except Refusal as refusal:
        return CatalogRefused(
            request_id=command.request_id, about=model.id, code=refusal.code, detail=str(refusal)
        )
