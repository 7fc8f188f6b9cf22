"""What keeps an open page true: who is in the team, and whether the page still fits who looks at it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from services.gateway.tests.adapters.test_following import served
from services.gateway.tests.pages import address, browser
from services.gateway.tests.stage import Person, Stage


@pytest.fixture
async def site(stage: Stage) -> AsyncIterator[str]:
    async with served(stage) as url:
        yield url


@asynccontextmanager
async def looking(site: str, person: Person, place: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Keep a page open; what is returned waits for the name of the next news."""
    cookies = dict(person.client.cookies)
    client = httpx.AsyncClient(base_url=site, cookies=cookies, timeout=20)
    async with client, client.stream("GET", f"/live?after=0&place={place}") as stream:
        assert stream.status_code == 200
        lines = stream.aiter_lines()

        async def news() -> str:
            async for line in lines:
                if line.startswith("event: ") and line not in ("event: balance", "event: billing"):
                    return line.removeprefix("event: ")
            return "the end"

        yield news


def place(person: Person, role: str) -> str:
    return f"{person.team_id}.{role}"


async def test_whoever_looks_at_the_team_hears_who_is_invited_joins_and_changes(stage: Stage, site: str):
    owner, email = await stage.person(), address()
    page = await browser(owner)
    async with asyncio.timeout(30), looking(site, owner, place(owner, "owner")) as news:
        assert await news() == "team"  # whatever happened before the page listened
        await page.post("/team/invitations", email=email, role="member", key="one")
        assert await news() == "team"
        answer = await stage.client().post(
            f"/invitations/{await stage.token(email)}", data={"name": "Grace", "password": "a long password"}
        )
        assert answer.status_code == 303
        assert await news() == "team"
        [grace] = await stage.rows(f"select id from gateway.users where email = '{email}'")
        await page.post(f"/team/members/{grace.id}", role="admin")
        assert await news() == "team"
        await page.post("/team", name="Another name")
        assert await news() == "team"
        await page.delete(f"/team/members/{grace.id}")
        assert await news() == "team"


async def test_a_page_is_over_when_its_role_or_team_is(stage: Stage, site: str):
    owner = await stage.person()
    member = await stage.invited(owner, address(), "admin")
    page = await browser(owner)
    async with asyncio.timeout(30), looking(site, member, place(member, "admin")) as news:
        assert await news() == "team"
        await page.post(f"/team/members/{member.user_id}", role="member")
        assert await news() == "gone"
    async with asyncio.timeout(30), looking(site, member, place(member, "member")) as news:
        assert await news() == "team"
        await page.delete(f"/team/members/{member.user_id}")
        assert await news() == "gone"


async def test_a_page_that_does_not_fit_any_more_is_loaded_anew(stage: Stage):
    ada, grace = await stage.person(), await stage.person()
    told = {
        which: await ada.client.get("/here", params={"place": value}, headers={"HX-Request": "true"})
        for which, value in {
            "fits": place(ada, "owner"),
            "other role": place(ada, "member"),
            "other team": place(grace, "owner"),
        }.items()
    }
    headers = {which: answer.headers for which, answer in told.items()}

    assert told["fits"].status_code == 204
    assert headers["other role"]["hx-refresh"] == "true"
    assert headers["other team"]["hx-redirect"] == "/"


async def test_nothing_is_done_in_another_team_than_the_page_shows(stage: Stage):
    ada, grace = await stage.person(), await stage.person()
    page = await browser(ada)
    page.headers["X-Place"] = place(grace, "owner")
    refused = await page.post("/team", name="Renamed by mistake")
    page.headers["X-Place"] = place(ada, "owner")
    done = await page.post("/team", name="Renamed on purpose")

    assert (refused.status_code, done.status_code) == (403, 200)
    assert "Reload it" in refused.text
    assert "Renamed on purpose" in (await page.get("/team")).text
