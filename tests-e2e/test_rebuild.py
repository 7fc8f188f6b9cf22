"""Views that are lost come back whole from what the services announce, and no client is told anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from e2e.client import LOOK_EVERY, Client
from e2e.house import PLENTY, House
from e2e.provider import fault
from e2e.receiver import Receiver
from e2e.till import Till, page

pytestmark = pytest.mark.timeout(300)
ANNOUNCERS = ("billing", "catalog", "credits", "jobs")
ASIDE = "'{changed_at,recorded_at,announced,told_in}'"
"""When and how a row was written, not what it shows."""
OF_CLOSED_TEAMS = " union all ".join(
    f"select v.team_id from gateway.view_{view} v join gateway.teams t on t.id = v.team_id"
    f" where t.closed_at is not null{ended}"
    for view, ended in {
        "jobs": " and v.status in ('completed', 'failed', 'cancelled', 'expired')",
        "images": "",
        "exports": "",
        "models": "",
        "billing": "",
    }.items()
)
"""What still has to be forgotten of them, and is not said again."""
NOT_ANNOUNCED = ("view_quotes",)
"""Offers are forgotten with the requests that wait for them."""


@pytest.fixture
async def till(house: House) -> AsyncIterator[Till]:
    till = Till(house)
    yield till
    await till.close()


@pytest.fixture
async def team(house: House) -> Client:
    team = await house.team(credits_added=1_000, **PLENTY)
    await house.operate("billing", "limits", "--team", team.team_id, "--pin")
    async with asyncio.timeout(30):
        while house.query(f"select pin from jobs.plans where team_id = '{team.team_id}'") != ["t"]:
            await asyncio.sleep(LOOK_EVERY)
    return team


async def listens(team: Client, url: str) -> None:
    """Let a team have a webhook for whatever happens."""
    body = {"email": team.email, "password": "a long password"}
    assert (await team.http.post("/api/auth/sign-in", json=body)).status_code == 200
    made = await team.http.post("/api/webhook-endpoints", json={"url": url})
    assert made.status_code == 201, made.text
    team.http.cookies.clear()


async def works(house: House, team: Client) -> None:
    """Do whatever leaves a trace in a view."""
    creation = await team.create_model("Rebuilt")
    drawn = [await team.generate(f"rebuild {n}", n) for n in (1, 3)]
    first, second, _ = await team.ends([*drawn, creation])
    await team.until(creation["model_id"], 1)
    refined = await team.insist(f"/api/models/{creation['model_id']}/refine", {"instructions": "bluer"})
    await team.end(refined["job"])
    await team.until(creation["model_id"], 2)
    await team.end(await team.generate("rebuild with the model", 2, model_id=creation["model_id"]))
    async with house.provider.behaving(
        fault("unsafe", "rebuild unsafe"), fault("slow", "rebuild cancelled", seconds=60)
    ):
        cancelled = await team.generate("rebuild cancelled")
        await house.provider.request("IN_PROGRESS", "rebuild cancelled")
        assert (await team.change("DELETE", f"/api/jobs/{cancelled['id']}")).status_code in {200, 202}
        await team.ends([await team.generate("rebuild unsafe"), cancelled])
    assert (await team.post(f"/api/images/{first['results'][0]['id']}/pin", {})).status_code == 200
    gone = await team.change("DELETE", f"/api/images/{second['results'][1]['id']}")
    assert gone.status_code == 200, gone.text
    export = await team.post("/api/images/export", {"jobs": [second["id"]]})
    async with asyncio.timeout(60):
        while (await team.get(export.headers["location"]))["status"] != "completed":
            await asyncio.sleep(LOOK_EVERY)
    short = await team.create_model("Short-lived")
    await team.end(short)
    await team.until(short["model_id"], 1)
    assert (await team.change("DELETE", f"/api/models/{short['model_id']}")).status_code == 204


def views(house: House) -> list[str]:
    tables = house.query(
        "select table_name from information_schema.tables where table_schema = 'gateway'"
        " and (table_name like 'view\\_%' or table_name = 'previews') order by 1"
    )
    return [table for table in tables if table not in NOT_ANNOUNCED]


def shown(house: House) -> dict[str, list[str]]:
    """Return every row of every view."""
    row = f"cast(to_jsonb(v) - cast({ASIDE} as text[]) as text)"
    return {view: house.query(f"select {row} from gateway.{view} v order by 1") for view in views(house)}


def told(house: House) -> list[str]:
    """Return what was logged for clients, and what is or was on its way to their webhooks."""
    return [
        *house.query("select seq, type, subject, version from gateway.event_log order by seq"),
        *house.query("select seq from gateway.log_head"),
        *house.query("select id, seq, status, tries from gateway.webhook_deliveries order by id"),
    ]


async def is_quiet(house: House, receiver: Receiver) -> None:
    """Wait until nothing is said, heard, shown or sent any more."""
    known: object = None
    unsent = " + ".join(f"(select count(*) from {one}.outbox)" for one in (*ANNOUNCERS, "gateway"))
    pending = "(select count(*) from gateway.webhook_deliveries where status = 'pending')"
    pending += f" + (select count(*) from ({OF_CLOSED_TEAMS}) as left_over)"  # found at one of the next looks
    pending += " + (select count(*) from catalog.reference_models where uses <> uses_told)"  # within a minute
    async with asyncio.timeout(150):
        while True:
            now = (shown(house), told(house), len(receiver.got))
            if now == known and house.query(f"select {unsent} + {pending}") == ["0"]:
                return
            known = now
            await asyncio.sleep(2)


async def test_views_that_are_lost_are_rebuilt_row_by_row_and_nobody_is_told(
    house: House, team: Client, receiver: Receiver, till: Till
):
    await listens(team, receiver.url())
    await works(house, team)
    assert (await till.pay(await page(team, "top-ups", pack="small"))).status_code == 200
    async with asyncio.timeout(60):
        while not [line for line in await team.history() if line["type"] == "top_up"]:
            await asyncio.sleep(LOOK_EVERY)
    await is_quiet(house, receiver)
    before, log, got = shown(house), told(house), len(receiver.got)
    assert [view for view, rows in before.items() if not rows] == []
    assert got > 0

    house.query(f"truncate {', '.join(f'gateway.{view}' for view in before)}")
    for service in ANNOUNCERS:
        await house.operate(service, "announce")
    await is_quiet(house, receiver)

    after = shown(house)
    differing = {view: set(before[view]) ^ set(after[view]) for view in before if before[view] != after[view]}
    assert differing == {}
    assert told(house) == log
    assert len(receiver.got) == got
    await house.is_settled()
