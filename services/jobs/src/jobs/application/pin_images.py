"""A client wants images kept beyond their time, or let go again: copied first, shown after."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from chassis.clock import Clock
from contracts.envelope import Cause, Delivery
from contracts.jobs import PinImages, Result
from jobs.application.keeping import Moving
from jobs.application.ports import ObjectMissing, Storage, StorageUnavailable
from jobs.application.tools import refuse, tell
from jobs.application.work import Transaction, Work
from jobs.domain.document import document
from jobs.domain.effects import Effect, Nudge
from jobs.domain.job import Job
from jobs.domain.keeping import ImagesGone, ImagesNotThere, Keys, Move
from jobs.domain.rules import Rules

logger = logging.getLogger(__name__)
AT_ONCE = 8


class PinsNotAllowed(Exception):
    """The team's plan does not let it keep images beyond their time."""


async def pin_images(deliveries: Sequence[Delivery[PinImages]], transaction: Transaction) -> list[Effect]:
    """Note where images are to go; those that are there already are answered at once."""
    async with transaction() as work:
        jobs = await work.jobs.lock({delivery.message.job_id for delivery in deliveries})
        for delivery in deliveries:
            command = delivery.message
            try:
                await _note(work, jobs.get(command.job_id), delivery)
            except ImagesNotThere:
                refuse(work, command, delivery, "not_found", "there are no such images")
            except ImagesGone:
                refuse(work, command, delivery, "gone", "the image was deleted or has expired")
            except PinsNotAllowed:
                refuse(work, command, delivery, "not_allowed", "the team's plan does not keep images longer")
        return [Nudge.MOVE]


async def move_images(transaction: Transaction, storage: Storage, clock: Clock, rules: Rules) -> bool:
    """Copy what is on its way, and show it where it is then; True when there may be more to do."""
    async with transaction() as work:
        taken = await work.moves.take(clock(), clock() + rules.object_lease, AT_ONCE)
    done = await asyncio.gather(*(_try(moving, transaction, storage, clock, rules) for moving in taken))
    return len(taken) == AT_ONCE and all(done)


async def _note(work: Work, job: Job | None, delivery: Delivery[PinImages]) -> None:
    command = delivery.message
    if job is None or job.team_id != command.team_id:
        raise ImagesNotThere
    numbers = job.to_move(command.n, pinned=command.pinned)
    if not numbers:
        work.outbox.add(document(job), delivery)
        return
    if command.pinned and not await work.shelf.may_pin(command.team_id):
        raise PinsNotAllowed
    move = Move(command.request_id, command.team_id, command.job_id, tuple(numbers), command.pinned)
    await work.moves.add(move, Cause(delivery.correlation_id, delivery.message_id, delivery.traceparent))


async def _try(
    moving: Moving, transaction: Transaction, storage: Storage, clock: Clock, rules: Rules
) -> bool:
    """Move, so that one that fails keeps no other back: it is tried again when its lease ends."""
    try:
        return await _move(moving, transaction, storage, clock, rules)
    except Exception:
        logger.exception("images of job %s could not be moved", moving.move.job_id)
        return False


async def _move(
    moving: Moving, transaction: Transaction, storage: Storage, clock: Clock, rules: Rules
) -> bool:
    """Copy, then record; False when the object store is away: its lease ends, and it is tried again."""
    began, move = clock(), moving.move
    async with transaction() as work:
        [job] = await work.jobs.look([move.job_id])
    try:
        copies = await _copy(move, job.results, storage)
    except StorageUnavailable:
        return False
    async with transaction() as work:
        if not await work.moves.finish(move.request_id):
            return True
        job = (await work.jobs.lock([move.job_id]))[move.job_id]
        follows = job.moved(move, copies, began, rules)
        if all(result.key is None for result in job.results if result.n in move.numbers):
            refuse(work, move, moving.cause, "gone", "the image was deleted or has expired")
            tell(work, job, follows)
        else:
            tell(work, job, follows, moving.cause)
        await work.jobs.save([job])
        return True


async def _copy(move: Move, results: Sequence[Result], storage: Storage) -> Mapping[int, Keys | None]:
    wanted = [result for result in results if result.n in move.numbers]
    copied = await asyncio.gather(*(_copy_one(move, result, storage) for result in wanted))
    return dict(zip((result.n for result in wanted), copied, strict=True))


async def _copy_one(move: Move, result: Result, storage: Storage) -> Keys | None:
    if result.key is None:
        return None
    key, thumbnail = target = move.target(result)
    try:
        await storage.copy(result.key, key)
        if thumbnail and result.thumbnail_key:
            await storage.copy(result.thumbnail_key, thumbnail)
    except ObjectMissing:
        return None
    return target
