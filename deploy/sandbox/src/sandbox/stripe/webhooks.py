"""Webhooks: signed, retried until taken, and in no order (https://docs.stripe.com/webhooks)."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import BaseModel, ConfigDict, Field

from sandbox.stripe import endpoints
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.faults import Faults, Rule

_log = logging.getLogger(__name__)
_KEPT = 100_000
_FORGED = "whsec_nobody_knows_this_secret"
Order = Literal["as_happened", "reversed", "shuffled"]


class Delivering(BaseModel):
    """How webhooks are sent."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    hold: bool = Field(default=False, description="keep every webhook until a flush")
    spread_seconds: float = Field(0.05, ge=0, description="each is sent at a random moment within this time")
    seed: int | None = Field(None, description="of those moments; none: other ones every time")
    retry_seconds: float = Field(0.25, ge=0, description="until the first retry; doubled from try to try")
    retries: int = Field(12, ge=0)
    timeout: float = Field(10, gt=0)


def signature(body: bytes, secret: str, moment: int) -> str:
    """Return the `Stripe-Signature` of a body sent at a moment."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


@dataclass(eq=False)
class Delivery:
    """One event on its way to one endpoint."""

    event_id: str
    event_type: str
    endpoint: Obj
    body: bytes
    faults: list[Rule]
    copy: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "waiting"  # waiting, held, lost, delivered, failed
    attempts: list[Obj] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def fault(self, name: str) -> Rule | None:
        """Return the rule by which a fault happens to this delivery."""
        return next((rule for rule in self.faults if rule.fault == name), None)

    def shown(self) -> Obj:
        """Return the delivery as the control API lists it."""
        return {
            "id": self.id,
            "event": self.event_id,
            "type": self.event_type,
            "endpoint": self.endpoint["id"],
            "url": self.endpoint["url"],
            "state": self.state,
            "copy": self.copy,
            "faults": [rule.fault for rule in self.faults],
            "attempts": self.attempts,
            "created_at": self.created_at,
        }


class Webhooks:
    """Sends what happens to whoever asked to hear it."""

    def __init__(self, account: Account, faults: Faults, session: Callable[[], ClientSession]) -> None:
        self._account = account
        self._faults = faults
        self._session = session
        self._deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self._tasks: set[asyncio.Task[None]] = set()
        self.use(Delivering())

    def use(self, how: Delivering) -> None:
        """Send differently from now on."""
        self.how = how
        self._random = random.Random(how.seed)  # noqa: S311 # an order, not a secret

    def __iter__(self) -> Iterator[Delivery]:
        return iter(list(self._deliveries))

    def announce(self, event: Obj) -> None:
        """Send an event to every endpoint that wants it."""
        wanting = [each for each in self._account.all(endpoints.KIND) if endpoints.wants(each, event["type"])]
        event["pending_webhooks"] = len(wanting)
        for endpoint in wanting:
            self._send(event, endpoint, self._faults.on_event(event["type"]))

    def _send(self, event: Obj, endpoint: Obj, faults: list[Rule]) -> None:
        body = json.dumps(event | {"api_version": endpoint["api_version"]}, indent=2).encode()
        twice = next((rule for rule in faults if rule.fault == "webhook_duplicated"), None)
        for copy in range(twice.params.copies if twice else 1):
            delivery = Delivery(event["id"], event["type"], endpoint, body, faults, copy)
            self._deliveries.append(delivery)
            if delivery.fault("webhook_lost"):
                delivery.state = "lost"
            elif self.how.hold or delivery.fault("webhook_held"):
                delivery.state = "held"
            else:
                late = delivery.fault("webhook_late")
                moment = self._random.uniform(0, self.how.spread_seconds)
                self._start(self._carry(delivery, moment + (late.params.seconds if late else 0)))

    def find(self, key: str) -> Delivery | None:
        """Return the delivery of an id."""
        return next((delivery for delivery in self._deliveries if delivery.id == key), None)

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Send once more, now, rightly signed; return the new delivery when it has ended."""
        again = Delivery(
            delivery.event_id,
            delivery.event_type,
            delivery.endpoint,
            delivery.body,
            [],
            delivery.copy + 1,
        )
        self._deliveries.append(again)
        again.state = "delivered" if await self._attempt(again) else "failed"
        return again

    async def flush(self, order: Order = "as_happened", seed: int | None = None) -> int:
        """Send what is held one after the other in an order, hurry the rest; return how many there were."""
        hurried = [delivery for delivery in self._deliveries if delivery.state == "waiting"]
        for delivery in hurried:
            delivery.hurry.set()
        held = [delivery for delivery in self._deliveries if delivery.state == "held"]
        if order == "reversed":
            held.reverse()
        if order == "shuffled":
            random.Random(seed).shuffle(held)  # noqa: S311 # an order, not a secret
        for delivery in held:
            delivery.state = "waiting"
            if await self._attempt(delivery):
                self._ended(delivery, "delivered")
            else:
                self._start(self._carry(delivery, self.how.retry_seconds))
        return len(hurried) + len(held)

    async def clear(self) -> None:
        """Forget every delivery, also those on their way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._deliveries.clear()

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._carried)

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (reason := task.exception()) is not None:
            _log.error("a webhook delivery broke", exc_info=reason)

    async def _carry(self, delivery: Delivery, wait: float) -> None:
        for retry in range(self.how.retries + 1):
            await _pause(delivery, wait)
            if await self._attempt(delivery):
                self._ended(delivery, "delivered")
                return
            wait = self.how.retry_seconds * 2**retry
        self._ended(delivery, "failed")

    def _ended(self, delivery: Delivery, state: str) -> None:
        delivery.state = state
        event = self._account.find(delivery.event_id)
        if state == "delivered" and event is not None and delivery.copy == 0:
            event["pending_webhooks"] = max(event["pending_webhooks"] - 1, 0)

    async def _attempt(self, delivery: Delivery) -> bool:
        """POST once; whether it was taken."""
        attempt: Obj = {"at": time.time()}
        delivery.attempts.append(attempt)
        try:
            async with self._session().post(
                delivery.endpoint["url"],
                data=delivery.body,
                headers=self._headers(delivery),
                timeout=ClientTimeout(total=self.how.timeout),
                allow_redirects=False,
            ) as answer:
                attempt["status"] = answer.status
                return 200 <= answer.status < 300
        except (ClientError, TimeoutError, ValueError) as reason:
            attempt["error"] = str(reason) or type(reason).__name__
            return False
        finally:
            attempt["seconds"] = round(time.time() - attempt["at"], 4)

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        note = self._account.note(delivery.endpoint)
        secret = _FORGED if delivery.fault("webhook_forged") else note.get("secret", _FORGED)
        return {
            "Stripe-Signature": signature(delivery.body, secret, int(time.time())),
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }


async def _pause(delivery: Delivery, seconds: float) -> None:
    """Wait, unless somebody is in a hurry."""
    try:
        await asyncio.wait_for(delivery.hurry.wait(), seconds)
    except TimeoutError:
        return
    delivery.hurry.clear()
