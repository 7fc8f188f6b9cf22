"""Take the provider's webhook in: checked for who sent it and when, and passed on as it came."""

from uuid import UUID

from chassis.clock import Clock
from chassis.ids import new_id
from contracts.jobs import ProviderCallback
from gateway.application.ports import SignatureKeys, Transaction
from gateway.domain.callback import SignedCall


class Unreadable(Exception):
    """The body is not text."""


async def receive_callback(
    attempt_id: UUID, mac: str, call: SignedCall, keys: SignatureKeys, transaction: Transaction, clock: Clock
) -> None:
    """Pass a signed call on to jobs, which alone can tell whether its attempt is genuine.

    Raises InvalidSignature, KeysUnavailable, Unreadable.
    """
    now = clock()
    call.check_age(now)
    await keys.verify(call)
    callback = ProviderCallback(
        attempt_id=attempt_id,
        mac=mac,
        provider_request_id=call.request_id,
        body=_text(call.body),
        received_at=now,
    )
    async with transaction() as work:
        work.outbox.say(callback, new_id())


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable from error
