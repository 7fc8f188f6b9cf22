"""Send clients what happened: take what is due, try it once outside, note how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.ids import new_id
from contracts.gateway import WebhookEndpointDisabled
from gateway.application.ports import Transaction, Work
from gateway.application.sending import Due, Letter, Receivers
from gateway.domain.letters import webhook_disabled
from gateway.domain.permissions import Role
from gateway.domain.public_events import NAMES
from gateway.domain.webhooks import Answer, Endpoint, next_try

LEASES = 3
"""How many times longer than a try may take it is kept from others: then whoever took it has died."""
AT_A_TIME = 4
"""Tries under way to one endpoint, so that a slow one keeps nobody else waiting."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending needs.

    `write` makes the body of what is due, `spread` parts retries (0 to 1), and what was taken is due again
    after `lease` unless it was noted. `site` is where people look at their webhooks.
    """

    transaction: Transaction
    receivers: Receivers
    clock: Clock
    write: Callable[[Due], str]
    spread: Callable[[], float]
    lease: timedelta
    site: str


async def take_due(limit: int, sending: Sending) -> list[Due] | None:
    """Make deliveries of what was logged, and take what is due; None while there is nobody to tell."""
    now = sending.clock()
    more = True
    while more:
        async with sending.transaction() as work:
            if not await work.deliveries.anybody():
                await work.deliveries.skip()
                return None
            more = await work.deliveries.fan_out(NAMES, now)
    async with sending.transaction() as work:
        return await work.deliveries.lease(now, now + sending.lease, limit, AT_A_TIME)


async def deliver(due: Due, sending: Sending) -> Answer:
    """Try a delivery once."""
    now = sending.clock()
    letter = Letter(str(due.id), due.endpoint.url, sending.write(due), due.endpoint.secrets(now), now)
    answer = await sending.receivers.send(letter)
    async with sending.transaction() as work:
        await _note(work, due, answer, sending)
    return answer


async def _note(work: Work, due: Due, answer: Answer, sending: Sending) -> None:
    now = sending.clock()
    endpoint = await work.endpoints.lock(due.endpoint.id)
    failures = await work.deliveries.record(due.id, answer, now)
    if endpoint is None or failures is None:
        return  # deleted meanwhile
    judged = endpoint.answered(answer, now)
    if judged != endpoint:
        await work.endpoints.save(judged)
    if answer.taken:
        await work.deliveries.end(due.id, "delivered", now)
    elif (again := next_try(failures, now, sending.spread())) and not judged.disabled_at:
        await work.deliveries.retry(due.id, again)
    else:
        await work.deliveries.end(due.id, "failed", now)
    if judged.disabled_at and not endpoint.disabled_at:
        await work.deliveries.abandon(endpoint.id, now)
        work.outbox.say(_notice(judged, now), new_id())
        await _write(work, judged, f"{sending.site}/webhooks", now)


async def _write(work: Work, endpoint: Endpoint, link: str, now: datetime) -> None:
    """Write to each of those who can enable it again."""
    reason = endpoint.disabled_reason or ""
    for member in await work.teams.members(endpoint.team_id):
        if member.role.rank >= Role.ADMIN.rank:
            letter = webhook_disabled(member.team.name, endpoint.url, reason, link)
            await work.post.write(member.user.email, letter, now)


def _notice(endpoint: Endpoint, now: datetime) -> WebhookEndpointDisabled:
    return WebhookEndpointDisabled(
        team_id=endpoint.team_id,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        reason=endpoint.disabled_reason or "",
        at=now,
    )
