"""A client wants many images as one file."""

from collections.abc import Sequence
from datetime import timedelta

from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.jobs import ExportImages, JobsRefused
from jobs.application.work import Transaction, Work
from jobs.domain.effects import Effect, Nudge
from jobs.domain.export import Export, TooManyExports, check_exports
from jobs.domain.rules import Rules

DAY = timedelta(days=1)


async def open_exports(
    deliveries: Sequence[Delivery[ExportImages]], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """Take exports on; which of the images are there is seen when their turn comes."""
    async with transaction() as work:
        for delivery in deliveries:
            try:
                await _open(work, delivery, clock, rules)
            except TooManyExports as error:
                refusal = JobsRefused(
                    request_id=delivery.message.request_id,
                    about=delivery.message.export_id,
                    code="too_many_exports",
                    detail=str(error),
                )
                work.outbox.add(refusal, delivery)
        return [Nudge.EXPORT]


async def _open(work: Work, delivery: Delivery[ExportImages], clock: Clock, rules: Rules) -> None:
    command = delivery.message
    if known := (await work.exports.lock([command.export_id])).get(command.export_id):
        work.outbox.add(known.document(), delivery)
        return
    check_exports(*await work.exports.counts(command.team_id, clock() - DAY), rules)
    export = Export(
        id=command.export_id,
        team_id=command.team_id,
        user_id=command.user_id,
        images=tuple(dict.fromkeys(command.images)),
        created_at=clock(),
        updated_at=clock(),
        traceparent=delivery.traceparent,
    )
    for document in export.begin(await work.jobs.floor()):
        work.outbox.add(document, delivery)
    await work.exports.save([export])
