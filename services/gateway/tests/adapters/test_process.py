"""The gateway as an operator runs it: migrate, serve and project on a real bus, audit."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import reference_model

from chassis.clock import utc_now
from chassis.testing import Bus, listening
from contracts.billing import Limits, PlanChanged
from contracts.credits import (
    AccountChanged,
    CreditsHeld,
    CreditsQuoted,
    Entry,
    Hold,
    HoldCredits,
    LowBalance,
    QuoteCredits,
    QuotedItem,
    ReleaseCredits,
)
from contracts.gateway import TeamOpened
from contracts.jobs import JobChanged, ProviderCallback, Receipt

Environment = dict[str, str]


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


@pytest.fixture(scope="module")
def provider() -> Iterator[Signer]:
    signer = Signer()
    signer.start()
    yield signer
    signer.stop()


@pytest.fixture(scope="module")
def environment(fresh_database, fresh_vhost, provider) -> Environment:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": fresh_database.url("gateway"),
        "RABBITMQ_URL": fresh_vhost,
        "HTTP_PORT": free_port(),
        "FAL_JWKS_URL": provider.url,
        "S3_BUCKET": "atelier",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "REQUIRE_VERIFIED_EMAIL": "false",
        "S3_PUBLIC_ENDPOINT": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    subprocess.run([sys.executable, "-m", "gateway", "migrate"], env=environment, check=True)
    return environment


@contextmanager
def running(role: str, environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "gateway", role], env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


@pytest.fixture
async def client(environment) -> AsyncIterator[httpx.AsyncClient]:
    """A client of two running processes: the API and the projector."""
    base = f"http://127.0.0.1:{environment['HTTP_PORT']}"
    with running("project", environment | {"HTTP_PORT": free_port()}), running("serve", environment):
        async with httpx.AsyncClient(base_url=base, timeout=20) as client:
            await until_ready(client)
            yield client


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


async def test_a_job_from_sign_up_to_its_events_on_the_bus(client, environment, fresh_vhost):
    reference = reference_model()
    async with listening(fresh_vhost, TeamOpened, HoldCredits) as bus:
        await bus.say(reference)
        opened = await sign_up(client, bus)
        async with client.stream("GET", "/api/events", headers={"Accept": "text/event-stream"}) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            command = await generate(client, bus, opened, str(reference.id))
            [order] = command.orders
            now = utc_now()
            await bus.say(
                JobChanged(
                    id=order.job_id, team_id=opened.team_id, version=1, operation=order.operation,
                    status="processing", quantity=1, recipe=order.recipe, created_at=now, updated_at=now,
                )
            )  # fmt: skip
            events = await heard(lines, until="job.changed")
        missed = await resumed(client, after=events[0][0])

    assert [kind for _, kind in events] == ["account.changed", "job.changed"]
    assert missed == events[1:]
    shown = (await client.get(f"/api/jobs/{order.job_id}")).json()
    assert (shown["status"], shown["cost"]["held"]) == ("processing", 2)
    audited = audit(environment)
    assert (audited.returncode, audited.stdout) == (0, "audit of 1 jobs and 1 accounts: clean\n")

    async with listening(fresh_vhost, ReleaseCredits) as bus:
        await bus.say(shown_as_failed(order, opened, now))
        await until_status(client, str(order.job_id), "failed")
        audited = audit(environment, "--heal", "--grace", "1")
        healed = await bus.hear(ReleaseCredits)
        again = audit(environment, "--heal", "--grace", "0")
    assert (audited.returncode, again.returncode) == (1, 1)
    assert f"job {order.job_id}: failed, and 2 credits are still held" in audited.stdout
    assert f"asked credits to release all of job {order.job_id}" in audited.stdout
    assert (healed.job_id, healed.reason) == (order.job_id, "audit: failed")
    assert "healing: 0 asked for" in again.stdout
    listed = operate("findings", environment)
    assert (listed.returncode, "open_hold" in listed.stdout, "1 findings" in listed.stdout) == (1, True, True)

    async with listening(fresh_vhost) as bus:
        released = account(opened, 3, 200, 0, "refund").model_copy(update={"entries": (refund(order),)})
        await bus.say(released)
        await until_released(client)
    audited = audit(environment)
    assert (audited.returncode, audited.stdout) == (0, "audit of 1 jobs and 1 accounts: clean\n")
    assert operate("findings", environment).stdout == "0 findings\n"


async def test_an_offer_and_a_low_balance_come_over_the_bus(client, fresh_vhost):
    async with listening(fresh_vhost, TeamOpened, QuoteCredits) as bus:
        opened = await sign_up(client, bus)
        body = {"items": [{"operation": "generate_images", "quantity": 4}]}
        asking = asyncio.create_task(client.post("/api/credits/quotes", json=body))
        command = await bus.hear(QuoteCredits)
        items = tuple(QuotedItem(**item.model_dump(), unit_price=2, total=8) for item in command.items)
        await bus.say(
            CreditsQuoted(
                request_id=command.request_id, team_id=opened.team_id, id=uuid4(), items=items, total=8,
                price_version=1, expires_at=utc_now(),
            )
        )  # fmt: skip
        answer = await asking
        async with client.stream("GET", "/api/events", headers={"Accept": "text/event-stream"}) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            await bus.say(LowBalance(team_id=opened.team_id, spendable=3, threshold=20, at=utc_now()))
            [event] = await heard(lines, until="account.low_balance")

    assert (answer.status_code, answer.json()["total"]) == (201, 8)
    assert event[1] == "account.low_balance"


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


async def test_a_webhook_reaches_jobs_over_the_bus(client, provider, fresh_vhost):
    body, attempt = b'{"status": "OK"}', uuid4()
    async with listening(fresh_vhost, ProviderCallback) as bus:
        path = f"/api/webhooks/fal?attempt={attempt}&mac=m"
        answer = await client.post(path, content=body, headers=provider.headers(body))
        callback = await bus.hear(ProviderCallback)

    assert answer.status_code == 200
    assert (callback.attempt_id, callback.body) == (attempt, body.decode())


async def test_open_streams_and_waiting_requests_do_not_hold_up_a_stop(environment, fresh_vhost):
    base = f"http://127.0.0.1:{environment['HTTP_PORT']}"
    client = httpx.AsyncClient(base_url=base, timeout=20)
    async with client, listening(fresh_vhost, TeamOpened) as bus:
        projecting = running("project", environment | {"HTTP_PORT": free_port()})
        with projecting, running("serve", environment | {"DRAIN_SECONDS": "0"}) as process:
            await until_ready(client)
            await sign_up(client, bus)
            await bus.say(reference := reference_model())
            await until_known(client, str(reference.id))
            async with client.stream("GET", "/api/events", headers={"Accept": "text/event-stream"}) as stream:
                lines = stream.aiter_lines()
                assert await anext(lines) == "retry: 2000"
                body = {"prompt": "at dawn", "reference_model_id": str(reference.id)}
                asking = asyncio.create_task(client.post("/api/generate", json=body))
                await asyncio.sleep(0.5)
                started = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert [line async for line in lines][1:] == [""]  # after from where to resume
                assert (await asking).json()["jobs"][0]["status"] == "accepted"
            await asyncio.to_thread(process.wait, 20)
            assert time.monotonic() - started < 3.5  # after four seconds it would be cut
