"""The jobs service as a process of its own, and the test as all of its neighbours."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from aiohttp import ClientError, ClientSession, web

from chassis.testing import Bus, listening
from contracts.catalog import ReferenceModelChanged
from contracts.credits import CaptureCredits, CreditsHeld, CreditsSettled, Hold, ReleaseCredits
from contracts.jobs import TERMINAL, JobChanged, ProviderCallback
from contracts.orders import Operation, Order, Recipe

UNIT_PRICE = 2


@dataclass
class Process:
    """`python -m jobs ...` with one environment, started, killed and started again."""

    environment: dict[str, str]
    log: Path
    gateway_port: int
    running: asyncio.subprocess.Process | None = None

    async def run(self, command: str) -> int:
        """Run an operator command to its end."""
        process = await self._spawn(command)
        return await process.wait()

    async def start(self) -> None:
        """Serve, and wait until it is ready."""
        self.running = await self._spawn("serve")
        async with asyncio.timeout(30), ClientSession() as http:
            while not await self._ready(http):
                assert self.running.returncode is None, self.log.read_text()
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it as a deployment would."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, self.running = self.running, None
        if process is None:
            return 0
        process.send_signal(number)
        async with asyncio.timeout(20):
            return await process.wait()

    async def _spawn(self, command: str) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jobs", command), env=self.environment, stdout=log, stderr=log
            )

    async def _ready(self, http: ClientSession) -> bool:
        address = f"http://127.0.0.1:{self.environment['HTTP_PORT']}/health/ready"
        try:
            async with http.get(address) as answer:
                return answer.status == 200
        except ClientError:
            return False


def environment(**variables: str) -> dict[str, str]:
    """What a process finds: its own settings and nothing of the session's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | variables


@dataclass
class Neighbours:
    """Credits, gateway and catalog, as far as jobs can tell them from the real ones."""

    bus: Bus
    documents: defaultdict[UUID, list[JobChanged]] = field(default_factory=lambda: defaultdict(list))
    captures: list[CaptureCredits] = field(default_factory=list)
    releases: list[ReleaseCredits] = field(default_factory=list)
    credits_answer: asyncio.Event = field(default_factory=asyncio.Event)
    callbacks: list[ProviderCallback] = field(default_factory=list)
    amounts: dict[UUID, int] = field(default_factory=dict)

    async def order(self, operation=Operation.GENERATE_IMAGES, quantity=1, team=None, **recipe) -> UUID:
        """Say `held` as credits does for one order; the job's id."""
        job, amount = uuid4(), quantity * UNIT_PRICE
        self.amounts[job] = amount
        order = Order(job_id=job, operation=operation, quantity=quantity, recipe=Recipe(**recipe))
        hold = Hold(
            job_id=job,
            amount=amount,
            unit_price=UNIT_PRICE,
            price_version=1,
            expires_at=datetime.now(UTC) + timedelta(days=2),
            order=order,
        )
        await self.bus.say(CreditsHeld(request_id=uuid4(), team_id=team or uuid4(), holds=(hold,)))
        return job

    async def reference_model(self) -> UUID:
        """Say a curated model as catalog does."""
        id_ = uuid4()
        await self.bus.say(reference_model(id_, datetime.now(UTC)))
        return id_

    async def reaches(self, job: UUID, *statuses: str, within: float = 30) -> JobChanged:
        """Wait until the job's newest document has one of these statuses."""
        async with asyncio.timeout(within):
            while True:
                newest = max(self.documents[job], key=lambda said: said.version, default=None)
                if newest is not None and newest.status in statuses:
                    return newest
                await asyncio.sleep(0.02)

    async def ends(self, job: UUID, within: float = 30) -> JobChanged:
        """Wait until the job is terminal."""
        return await self.reaches(job, *TERMINAL, within=within)

    async def listen(self) -> None:
        """Take note of all that jobs says, and answer what it asks of credits."""
        while True:
            message = await self.bus.heard.get()
            match message:
                case JobChanged():
                    self.documents[message.id].append(message)
                case CaptureCredits() | ReleaseCredits() if message.job_id not in self.amounts:
                    pass  # an earlier test's job: after a kill it is said once more
                case CaptureCredits():
                    self.captures.append(message)
                    await self._settle(message.job_id, message.team_id, message.quantity * UNIT_PRICE)
                case ReleaseCredits():
                    self.releases.append(message)
                    await self._settle(message.job_id, message.team_id, 0)

    async def _settle(self, job: UUID, team: UUID, captured: int) -> None:
        await self.credits_answer.wait()
        held = self.amounts[job]
        outcome = "captured" if captured else "released"
        fact = CreditsSettled(
            job_id=job, team_id=team, outcome=outcome, held=held, captured=captured, released=held - captured
        )
        await self.bus.say(fact)

    async def webhook(self, request: web.Request) -> web.Response:
        """Pass a webhook on as the gateway does."""
        query = parse_qs(urlsplit(str(request.url)).query)
        body = await request.text()
        callback = ProviderCallback(
            attempt_id=UUID(query["attempt"][0]),
            mac=query["mac"][0],
            provider_request_id=request.headers["X-Fal-Webhook-Request-Id"],
            body=body,
            received_at=datetime.now(UTC),
        )
        self.callbacks.append(callback)
        await self.bus.say(callback)
        return web.Response()


@asynccontextmanager
async def neighbours(rabbitmq_url: str, port: int) -> AsyncIterator[Neighbours]:
    """Play them, with the webhooks' address on a port."""
    async with listening(rabbitmq_url, JobChanged, CaptureCredits, ReleaseCredits) as bus:
        played = Neighbours(bus)
        played.credits_answer.set()
        app = web.Application()
        app.add_routes([web.post("/api/webhooks/fal", played.webhook)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        listener = asyncio.create_task(played.listen())
        try:
            yield played
        finally:
            await runner.cleanup()
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener  # what it fell over, if it did


def reference_model(id_: UUID, created_at: datetime) -> ReferenceModelChanged:
    return ReferenceModelChanged(
        id=id_,
        version=1,
        slug="studio",
        name="Studio",
        category="fashion",
        description="A bright studio",
        tags=("bright",),
        prompt_recipe="a studio photograph of {prompt}",
        preview="0" * 64,
        created_at=created_at,
    )
