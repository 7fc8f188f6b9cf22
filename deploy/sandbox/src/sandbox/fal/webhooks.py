"""Signed webhooks with retries (https://fal.ai/docs: webhooks), and their faults."""

import asyncio
import base64
import hashlib
import json
import logging
import ssl
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.fal.faults import Fault, Faults
from sandbox.fal.records import Submit, now
from sandbox.fal.studio import Studio

_log = logging.getLogger(__name__)
_USER_ID = "sandbox-user"
_KEPT = 100_000
_LARGE = 10 * 1024  # results this large expire after minutes instead of an hour


class Signer:
    """Signs bodies; publishes the key to check them with."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def jwks(self) -> dict[str, Any]:
        """Return the key set at `/.well-known/jwks.json`."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {
            "keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": x[:8], "x": x}]
        }

    def headers(self, request_id: str, body: bytes) -> dict[str, str]:
        """Return the four headers; signed are request id, user id, unix time and the body's SHA-256."""
        timestamp = str(int(time.time()))
        message = "\n".join([request_id, _USER_ID, timestamp, hashlib.sha256(body).hexdigest()])
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": _USER_ID,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": self._key.sign(message.encode()).hex(),
        }


@dataclass(eq=False)
class Delivery:
    """One webhook on its way: at most one task carries it."""

    request_id: str
    url: str
    body: bytes
    faults: list[Fault]
    copy: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "waiting"  # waiting, held, lost, delivered, failed
    attempts: list[dict[str, Any]] = field(default_factory=list)
    created_at: str = field(default_factory=now)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def fault(self, name: str) -> dict[str, Any] | None:
        """Return the parameters of a fault of this delivery, or nothing."""
        return next((fault.params for fault in self.faults if fault.name == name), None)


class Webhooks:
    """Delivers what the requests ended with."""

    def __init__(self, studio: Studio, faults: Faults, signer: Signer, session: ClientSession) -> None:
        self._studio = studio
        self._faults = faults
        self._signer = signer
        self._forger = Signer(Ed25519PrivateKey.generate())
        self._session = session
        self._deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self._held: set[Delivery] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Delivery]:
        return iter(list(self._deliveries))

    def announce(self, submit: Submit) -> None:
        """Send the webhook of a completed request, if it asked for one."""
        if submit.webhook_url is None or submit.outcome is None:
            return
        faults = self._faults.strike("webhook", submit.endpoint, submit.prompt)
        delivery = Delivery(str(submit.request_id), submit.webhook_url, _body(submit), faults)
        twice = delivery.fault("webhook_duplicated")
        copies = 1 if twice is None else int(twice.get("copies", 2))
        for copy in range(copies):
            self._send(Delivery(delivery.request_id, delivery.url, delivery.body, faults, copy))

    def find(self, delivery_id: str) -> Delivery | None:
        """Return the delivery of that id."""
        return next((delivery for delivery in self._deliveries if delivery.id == delivery_id), None)

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Send a webhook once more, now and properly signed; returns the new delivery when it ended."""
        again = Delivery(delivery.request_id, delivery.url, delivery.body, [], delivery.copy + 1)
        self._deliveries.append(again)
        again.state = "delivered" if await self._attempt(again) is True else "failed"
        return again

    def flush(self) -> int:
        """Send at once whatever is held back or waits for its next attempt; returns how many."""
        waiting = [delivery for delivery in self._deliveries if delivery.state in {"waiting", "held"}]
        for delivery in waiting:
            delivery.hurry.set()
        return len(waiting)

    async def clear(self) -> None:
        """Forget every delivery, also those on their way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._deliveries.clear()
        self._held.clear()

    def _send(self, delivery: Delivery) -> None:
        self._deliveries.append(delivery)
        if delivery.fault("webhook_lost") is not None:
            delivery.state = "lost"
            return
        task = asyncio.get_running_loop().create_task(self._carry(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (reason := task.exception()) is not None:
            _log.error("a webhook delivery broke", exc_info=reason)

    async def _carry(self, delivery: Delivery) -> None:
        await self._hold_back(delivery)
        for wait in [*self._waits(len(delivery.body)), None]:
            verdict = await self._attempt(delivery)
            if verdict is not None or wait is None:
                break
            await _pause(delivery, wait)
        delivery.state = "delivered" if verdict else "failed"
        self._release_held()

    async def _hold_back(self, delivery: Delivery) -> None:
        if (late := delivery.fault("webhook_late")) is not None:
            await _pause(delivery, float(late.get("seconds", 5)))
        if (reordered := delivery.fault("webhook_reordered")) is not None:
            delivery.state = "held"
            self._held.add(delivery)
            await _pause(delivery, float(reordered.get("seconds", 30)))
            self._held.discard(delivery)
            delivery.state = "waiting"

    def _release_held(self) -> None:
        """Let those held back for a later webhook follow it."""
        for delivery in self._held:
            delivery.hurry.set()

    def _waits(self, size: int) -> list[float]:
        """Return the waits between attempts: ten in two hours, or growing ones until the result expires."""
        timing = self._studio.timing
        if timing.webhook_policy == "two_hours":
            return [7.0 * 2**n * timing.webhook_scale for n in range(10)]
        waits: list[float] = []
        life = 360.0 if size >= _LARGE else 3600.0
        while len(waits) < 31 and (wait := min(5.0 * 1.5 ** len(waits), 300.0)) + sum(waits) <= life:
            waits.append(wait)
        return [wait * timing.webhook_scale for wait in waits]

    async def _attempt(self, delivery: Delivery) -> bool | None:
        """POST once: True when taken, False when it will never be, None when another try may help."""
        attempt: dict[str, Any] = {"at": now()}
        delivery.attempts.append(attempt)
        began = time.monotonic()
        timeout = ClientTimeout(total=self._studio.timing.webhook_timeout)
        try:
            async with self._session.post(
                delivery.url,
                data=_as_sent(delivery),
                headers=self._headers(delivery),
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                attempt["status"] = answer.status
        except (ClientError, TimeoutError, ssl.SSLError, ValueError) as reason:
            attempt["error"] = str(reason) or type(reason).__name__
            return None
        finally:
            attempt["seconds"] = round(time.monotonic() - began, 4)
        if answer.status < 300:
            return True
        return False if answer.status < 400 else None  # a redirect is not followed and not tried again

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        signer = self._signer if delivery.fault("webhook_forged") is None else self._forger
        headers = signer.headers(delivery.request_id, delivery.body)
        return headers | {"Content-Type": "application/json", "User-Agent": "fal-webhooks/1.0"}


def _body(submit: Submit) -> bytes:
    outcome = submit.outcome
    if outcome is None:
        raise ValueError("a webhook before the end")
    body = {
        "request_id": submit.request_id,
        "gateway_request_id": submit.request_id,
        "status": "OK" if outcome.ok else "ERROR",
        "payload": outcome.body,
        "error": outcome.error,
    }
    return json.dumps(body).encode()


def _as_sent(delivery: Delivery) -> bytes:
    """Return the body, cut where a fault wants it cut (the signature is that of the whole)."""
    if (cut := delivery.fault("webhook_truncated")) is None:
        return delivery.body
    return delivery.body[: int(cut.get("bytes", len(delivery.body) // 2))]


async def _pause(delivery: Delivery, seconds: float) -> None:
    """Wait, unless somebody is in a hurry."""
    try:
        await asyncio.wait_for(delivery.hurry.wait(), seconds)
    except TimeoutError:
        return
    delivery.hurry.clear()
