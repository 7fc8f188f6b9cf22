"""What other services say that orders refer to."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from chassis.clock import Clock
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.envelope import Delivery
from jobs.application.tools import tell
from jobs.application.work import Transaction, Work
from jobs.domain.effects import Effect
from jobs.domain.job import Job
from jobs.domain.rules import Rules
from jobs.domain.state import TooLate

ENDED_BY_THEN = timedelta(days=1)
"""After this nothing that was open with a deleted model still stores anything."""


async def learn_models(
    deliveries: Sequence[Delivery[ModelChanged]], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """Remember models: which training made which version, and which version is active.

    What is still open with a model that was deleted is stopped, as far as it can be; its objects go a day
    later.
    """
    models = [delivery.message for delivery in deliveries]
    async with transaction() as work:
        await work.shelf.learn_models(models)
        deleted = {model.id for model in models if model.status == "deleted"}
        for folder, due in _folders(models):
            await work.discards.add_folder(folder, due)
        jobs = await work.jobs.lock_using(deleted) if deleted else []
        effects = [effect for job in jobs for effect in _stop(work, job, clock, rules)]
        await work.jobs.save(jobs)
        return effects


def _folders(models: Sequence[ModelChanged]) -> Iterator[tuple[str, datetime]]:
    for model in models:
        if model.status == "deleted":
            yield f"models/{model.team_id}/{model.id}/", model.updated_at + ENDED_BY_THEN


def _stop(work: Work, job: Job, clock: Clock, rules: Rules) -> list[Effect]:
    try:
        return tell(work, job, job.cancel(clock(), rules))
    except TooLate:  # its images are being stored: they are delivered, and charged
        return []


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
