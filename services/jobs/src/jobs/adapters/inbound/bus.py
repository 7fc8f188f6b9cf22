"""What jobs hears, and which use case takes it."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.consumer import BatchHandler, Consumer
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import CreditsHeld, CreditsSettled
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed
from contracts.jobs import CancelJob, DeleteImages, ExportImages, PinImages, ProviderCallback
from jobs.adapters.inbound.workers import Pool, Workers
from jobs.application.cancel_jobs import cancel_jobs
from jobs.application.close_teams import note_closed_teams
from jobs.application.delete_images import delete_images
from jobs.application.learn import learn_models, learn_plans, learn_reference_models
from jobs.application.open_exports import open_exports
from jobs.application.open_jobs import open_jobs
from jobs.application.pin_images import pin_images
from jobs.application.settle_jobs import settle_jobs
from jobs.application.take_callbacks import take_callbacks
from jobs.application.tools import Tools
from jobs.application.work import Transaction
from jobs.domain.effects import Effect
from jobs.domain.rules import Rules

PAUSE = 0.05
"""Seconds between batches: what comes alone does not wait, and the busier it is the more share one."""
UseCase = Callable[[Sequence[Delivery[Any]]], Coroutine[Any, Any, list[Effect]]]


def consumers(
    transaction: Transaction, tools: Tools, workers: Workers, clock: Clock, rules: Rules
) -> list[Consumer]:
    """Say which use case handles which message of which queue; what follows is done by the workers."""

    def then_work(use_case: UseCase) -> BatchHandler:
        async def handle(deliveries: Sequence[Delivery[Any]]) -> None:
            await workers.carry(use_case(deliveries))

        return handle

    def then_fill(pool: Pool, use_case: Callable[..., Coroutine[Any, Any, list[Effect]]]) -> BatchHandler:
        async def handle(deliveries: Sequence[Delivery[Any]]) -> None:
            await workers.fill(pool, lambda room: use_case(deliveries, room=room))

        return handle

    opening = partial(open_jobs, transaction=transaction, clock=clock, rules=rules)
    facts: dict[Any, BatchHandler] = {
        CreditsHeld: then_fill(workers.submitting, opening),
        CreditsSettled: then_work(partial(settle_jobs, transaction=transaction, clock=clock, rules=rules)),
        ModelChanged: then_work(partial(learn_models, transaction=transaction, clock=clock, rules=rules)),
        ReferenceModelChanged: partial(learn_reference_models, transaction=transaction),
        PlanChanged: partial(learn_plans, transaction=transaction),
        TeamClosed: partial(note_closed_teams, transaction=transaction),
    }
    commands: dict[Any, BatchHandler] = {
        DeleteImages: then_work(partial(delete_images, transaction=transaction, clock=clock, rules=rules)),
        PinImages: then_work(partial(pin_images, transaction=transaction)),
        ExportImages: then_work(partial(open_exports, transaction=transaction, clock=clock, rules=rules)),
        CancelJob: then_work(partial(cancel_jobs, transaction=transaction, clock=clock, rules=rules)),
        ProviderCallback: then_fill(
            workers.storing, partial(take_callbacks, transaction=transaction, tools=tools)
        ),
    }
    return [
        Consumer("jobs.facts", facts, hot=True, pause=PAUSE),
        Consumer("jobs.commands", commands, hot=True),
    ]
