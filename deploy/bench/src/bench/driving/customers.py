"""Teams that ask the API, with more credits and larger limits than they can use up here."""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from atelier_local.stack import Stack
from bench.driving.lines import Answer, Json, Lines, written
from bench.driving.load import PLENTY, wire
from chassis.publisher import Publisher
from contracts.billing import Limits, PeriodOpened, PlanChanged

LIMITS = Limits(running=100_000, open=1_000_000, per_minute=10_000_000)
NEWEST = 1_000_000
TOLD_IN = 30.0
_COOKIE = re.compile(rb"set-cookie: (atelier_session=[^;]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Customer:
    """A team with an API key, and the curated model it draws with."""

    team_id: UUID
    headers: str
    reference: str

    def get(self, path: str) -> bytes:
        """Write a GET."""
        return written("GET", path, self.headers)

    def delete(self, path: str) -> bytes:
        """Write a DELETE."""
        return written("DELETE", path, self.headers)

    def post(self, path: str, body: Json) -> bytes:
        """Write a POST under an idempotency key of its own."""
        return written("POST", path, f"{self.headers}Idempotency-Key: {uuid.uuid4().hex}\r\n", body)

    def wish(self, prompt: str, count: int = 1, **more: object) -> bytes:
        """Ask for images."""
        return self.post("/api/generate", self.recipe(prompt, count=count, **more))

    def recipe(self, prompt: str | None = None, **more: object) -> Json:
        """Write the body of a request for images."""
        asked = {} if prompt is None else {"prompt": prompt}
        return {"reference_model_id": self.reference, "seed": "7", **asked, **more}


async def customers(stack: Stack, number: int) -> list[Customer]:
    """Sign teams up, and be billing: give them credits and limits that will do."""
    lines = Lines(stack.url)
    signed = [await _sign_up(lines) for _ in range(number)]
    await _endow(stack, [UUID(team) for team, _ in signed])
    for _, headers in signed:
        await _told(lines, headers)
    await _planned(stack, number)
    reference = await _reference(lines, signed[0][1])
    lines.close()
    return [Customer(UUID(team), headers, reference) for team, headers in signed]


async def _sign_up(lines: Lines) -> tuple[str, str]:
    name = uuid.uuid4().hex
    body = {"name": "Ada", "email": f"{name}@example.com", "password": name, "team_name": "Bench"}
    signed = await lines.ask(written("POST", "/api/auth/sign-up", body=body))
    scopes = ["read", "generate", "models", "billing"]
    asked = written(
        "POST", "/api/api-keys", f"Cookie: {_cookie(signed)}\r\n", {"name": "bench", "scopes": scopes}
    )
    key = (await lines.ask(asked)).json()
    return signed.json()["team"]["id"], f"Authorization: Bearer {key['secret']}\r\n"


def _cookie(answer: Answer) -> str:
    if (found := _COOKIE.search(answer.head)) is None:
        raise RuntimeError(f"answered {answer.status} without a session: {answer.body[:500].decode()}")
    return found.group(1).decode()


async def _endow(stack: Stack, teams: Sequence[UUID]) -> None:
    publisher, now = Publisher(stack.nodes.rabbitmq.url(stack.plan.vhost)), datetime.now(UTC)
    plans = [
        PlanChanged(team_id=team, version=NEWEST, plan="business", status="active", limits=LIMITS)
        for team in teams
    ]
    periods = [
        PeriodOpened(
            team_id=team,
            source_ref=f"bench:{team}",
            kind="reset",
            credits=PLENTY,
            period_start=now,
            period_end=now + timedelta(days=30),
            plan="business",
        )
        for team in teams
    ]
    failures = await publisher.publish_all([wire(message) for message in (*plans, *periods)])
    await publisher.close()
    if failed := [failure for failure in failures if failure]:
        raise failed[0]


async def _told(lines: Lines, headers: str) -> None:
    async with asyncio.timeout(TOLD_IN):
        while True:
            balance = (await lines.ask(written("GET", "/api/credits/balance", headers))).json()
            if balance["available"] >= PLENTY and balance["open_limit"] == LIMITS.open:
                return
            await asyncio.sleep(0.1)


async def _planned(stack: Stack, number: int) -> None:
    """Wait until jobs knows the limits, too."""
    asked = f"select count(*) from jobs.plans where running = {LIMITS.running}"  # noqa: S608 - a number of ours
    deadline = time.monotonic() + TOLD_IN
    while int(stack.nodes.postgres.sql(asked, stack.plan.database)) < number:
        if time.monotonic() > deadline:
            raise TimeoutError("jobs was not told of the limits")
        await asyncio.sleep(0.2)


async def _reference(lines: Lines, headers: str) -> str:
    asked = written("GET", "/api/reference-models?sort=name&limit=1", headers)
    async with asyncio.timeout(TOLD_IN):
        while True:
            if found := (await lines.ask(asked)).json()["data"]:
                return str(found[0]["id"])
            await asyncio.sleep(0.1)
