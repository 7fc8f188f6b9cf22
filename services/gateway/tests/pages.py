"""The dashboard as a browser without scripts sees it."""

import re
from dataclasses import dataclass
from uuid import uuid4

import httpx
from services.gateway.tests.stage import Person, Stage

IN_PLACE = {"HX-Request": "true"}
NEWER = "a newer long password"


@dataclass
class Page:
    """Somebody's browser: it sends with each form what the page told it to."""

    person: Person
    headers: dict[str, str]

    async def get(self, path: str) -> httpx.Response:
        return await self.person.client.get(path)

    async def post(self, path: str, **form: object) -> httpx.Response:
        return await self.person.client.post(path, data=form, headers=self.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.person.client.delete(path, headers=self.headers)


async def browser(person: Person) -> Page:
    found = re.search(r'"X-CSRF-Token": "([0-9a-f]{64})"', (await person.client.get("/account")).text)
    assert found
    return Page(person, {"X-CSRF-Token": found[1]} | IN_PLACE)


def address() -> str:
    return f"{uuid4().hex[:8]}@example.com"


async def letter_of(stage: Stage, email: str) -> str:
    """Where the link of the newest letter leads."""
    query = f"select body from gateway.letters where recipient = '{email}' order by id desc limit 1"
    [row] = await stage.rows(query)
    found = re.search(r"https?://[^/\s]+(/\S+)", row.body)
    assert found
    return found[1]
