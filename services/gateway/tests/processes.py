"""The gateway's processes, what the others say to them, and what an operator asks."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx

from chassis.clock import utc_now
from chassis.testing import Bus
from contracts.billing import Limits, PlanChanged
from contracts.credits import AccountChanged, CreditsHeld, Entry, Hold, HoldCredits
from contracts.gateway import TeamOpened
from contracts.jobs import JobChanged, Receipt

Environment = dict[str, str]


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


@contextmanager
def running(role: str, environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "gateway", role], env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def until_known(client: httpx.AsyncClient, reference: str) -> None:
    async with asyncio.timeout(10):
        while (await client.get(f"/api/reference-models/{reference}")).status_code != 200:
            await asyncio.sleep(0.05)


async def sign_up(client: httpx.AsyncClient, bus: Bus) -> TeamOpened:
    body = {"name": "Ada", "email": f"{uuid4().hex[:8]}@example.com", "password": "correct horse battery"}
    asking = asyncio.create_task(client.post("/api/auth/sign-up", json=body))
    opened = await bus.hear(TeamOpened)
    limits = Limits(running=1, open=20, per_minute=600)
    await bus.say(PlanChanged(team_id=opened.team_id, version=1, plan="free", status="active", limits=limits))
    await bus.say(account(opened, 1, 200, 0, "replenish"))
    assert (await asking).status_code == 201
    return opened


def account(opened: TeamOpened, version: int, free: int, reserved: int, kind: str, **about) -> AccountChanged:
    entry = Entry(
        id=uuid4(),
        kind=kind,
        amount=-reserved or free,
        balance_after=free,
        version=version,
        at=utc_now(),
        **about,
    )
    return AccountChanged(
        team_id=opened.team_id, version=version, available=free, bonus=0, reserved=reserved, entries=(entry,)
    )


async def generate(client: httpx.AsyncClient, bus: Bus, opened: TeamOpened, reference: str) -> HoldCredits:
    body = {"prompt": "at dawn", "reference_model_id": reference}
    asking = asyncio.create_task(client.post("/api/generate", json=body))
    command = await bus.hear(HoldCredits)
    [order] = command.orders
    hold = Hold(
        job_id=order.job_id, amount=2, unit_price=2, price_version=1, expires_at=utc_now(), order=order
    )
    await bus.say(account(opened, 2, 198, 2, "reserve", job_id=order.job_id))
    await bus.say(CreditsHeld(request_id=command.request_id, team_id=command.team_id, holds=(hold,)))
    answer = await asking
    assert (answer.status_code, answer.json()["jobs"][0]["status"]) == (202, "queued")
    return command


def shown_as_failed(order, opened: TeamOpened, now) -> JobChanged:
    return JobChanged(
        id=order.job_id, team_id=opened.team_id, version=2, operation=order.operation, status="failed",
        quantity=1, recipe=order.recipe, created_at=now, updated_at=now,
        receipt=Receipt(held=2, captured=0, released=2, unit_price=2, units=0, reason="failed"),
    )  # fmt: skip


def refund(order) -> Entry:
    return Entry(
        id=uuid4(), kind="refund", amount=2, balance_after=200, version=3, job_id=order.job_id, at=utc_now()
    )


async def until_released(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (await client.get("/api/credits/balance")).json()["reserved"]:
            await asyncio.sleep(0.05)


def audit(environment: Environment, *options: str) -> subprocess.CompletedProcess[str]:
    return operate("audit", environment, *options)


def operate(name: str, environment: Environment, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", name, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def until_status(client: httpx.AsyncClient, job_id: str, status: str) -> None:
    async with asyncio.timeout(10):
        while (await client.get(f"/api/jobs/{job_id}")).json()["status"] != status:
            await asyncio.sleep(0.05)


async def heard(lines: AsyncIterator[str], until: str) -> list[tuple[str, str]]:
    """Read a stream until an event of this type has come; returns number and type of each event."""
    events: list[tuple[str, str]] = []
    last = ""
    async with asyncio.timeout(10):
        while not events or events[-1][1] != until:
            line = await anext(lines)
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("event: "):
                events.append((last, line[7:]))
    return events


async def resumed(client: httpx.AsyncClient, after: str) -> list[tuple[str, str]]:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": after}
    async with client.stream("GET", "/api/events", headers=headers) as stream:
        return await heard(stream.aiter_lines(), until="job.changed")
