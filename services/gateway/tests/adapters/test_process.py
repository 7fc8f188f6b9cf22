"""The gateway as an operator runs it: migrate, serve and project on a real bus, audit."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.processes import (
    Environment,
    account,
    audit,
    free_port,
    generate,
    heard,
    operate,
    refund,
    resumed,
    running,
    shown_as_failed,
    sign_up,
    until_known,
    until_ready,
    until_released,
    until_status,
)
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import reference_model

from chassis.clock import utc_now
from chassis.testing import listening
from contracts.credits import CreditsQuoted, HoldCredits, LowBalance, QuoteCredits, QuotedItem, ReleaseCredits
from contracts.gateway import TeamOpened
from contracts.jobs import JobChanged, ProviderCallback


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


@pytest.fixture(scope="module")
def projecting(environment) -> Iterator[None]:
    with running("project", environment | {"HTTP_PORT": free_port()}):
        yield


@pytest.fixture(scope="module")
def serving(environment, projecting) -> Iterator[str]:
    """The address of two running processes: the API and the projector."""
    with running("serve", environment):
        yield f"http://127.0.0.1:{environment['HTTP_PORT']}"


@pytest.fixture
async def client(serving) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=serving, timeout=20) as client:
        await until_ready(client)
        yield client


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


async def test_a_webhook_reaches_jobs_over_the_bus(client, provider, fresh_vhost):
    body, attempt = b'{"status": "OK"}', uuid4()
    async with listening(fresh_vhost, ProviderCallback) as bus:
        path = f"/api/webhooks/fal?attempt={attempt}&mac=m"
        answer = await client.post(path, content=body, headers=provider.headers(body))
        callback = await bus.hear(ProviderCallback)

    assert answer.status_code == 200
    assert (callback.attempt_id, callback.body) == (attempt, body.decode())


async def test_open_streams_and_waiting_requests_do_not_hold_up_a_stop(environment, projecting, fresh_vhost):
    port = free_port()
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)
    async with client, listening(fresh_vhost, TeamOpened) as bus:
        leaving = environment | {"HTTP_PORT": port, "DRAIN_SECONDS": "0"}
        with running("serve", leaving) as process:
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
                process.send_signal(signal.SIGTERM)
                # What is still open after four seconds is cut: neither would end in good order.
                assert [line async for line in lines][1:] == [""]  # after from where to resume
                assert (await asking).json()["jobs"][0]["status"] == "accepted"
            await asyncio.to_thread(process.wait, 20)
