"""Jobs with images as jobs tells of them, and what the gallery shows."""

import asyncio
from datetime import timedelta
from uuid import UUID

from services.gateway.tests.stage import Person, Stage

from chassis.clock import utc_now
from contracts.jobs import JobChanged, Result
from contracts.message import Message
from contracts.orders import Operation, Recipe


def result(n: int, **changes: object) -> Result:
    known = {
        "key": f"images/t/j/{n}.jpg",
        "thumbnail_key": f"thumbs/t/j/{n}.webp",
        "width": 64,
        "height": 48,
        "seed": "7",
        "expires_at": utc_now() + timedelta(days=90),
    }
    return Result.model_validate({"n": n} | known | changes)


def gone(n: int) -> Result:
    return result(n, key=None, thumbnail_key=None, deleted=True)


def job(person: Person, *results: Result, number: int = 1, version: int = 5, **changes: object) -> JobChanged:
    now = utc_now()
    known = {
        "id": f"0199f3a0-0000-7000-8000-{number:012}",
        "team_id": person.team_id,
        "version": version,
        "operation": Operation.GENERATE_IMAGES,
        "status": "completed",
        "quantity": len(results),
        "recipe": Recipe(prompt="At the harbour, at dawn: soft light on old ropes"),
        "results": results,
        "created_at": now,
        "updated_at": now,
        "expires_at": now + timedelta(days=90),
    }
    return JobChanged.model_validate(known | changes)


async def gallery(person: Person, query: str = "") -> list[str]:
    answer = await person.client.get(f"/api/images{query}")
    assert answer.status_code == 200, answer.text
    return [image["id"][-3:] for image in answer.json()["data"]]


async def asked(stage: Stage, kind: type[Message]) -> tuple[Message, UUID]:
    """Wait until the gateway asks this; the message, and its request."""
    async with asyncio.timeout(5):
        while not (found := [message for message in stage.said if isinstance(message, kind)]):
            await asyncio.sleep(0.01)
    return found[-1], found[-1].request_id
