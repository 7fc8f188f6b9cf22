"""A team is closed by who means it, and nothing of it is shown any more."""

from datetime import datetime, timedelta

import httpx
from services.gateway.tests.stage import PASSWORD, Person, Stage, model, reference_model

from chassis.clock import utc_now
from contracts.gateway import TeamClosed
from gateway.adapters.outbound.postgres.all_tables import SCHEMA
from gateway.adapters.outbound.postgres.teams import FORGOTTEN
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.audit import audit
from gateway.application.close_team import forget_closed_teams

# What stays of a closed team: numbers and ids, no words of anybody.
KEPT = {
    "balanced",
    "findings",
    "slots",
    "team_rates",
    "team_slots",
    "view_accounts",
    "view_credit_entries",
}


async def test_a_team_is_closed_by_its_only_owner_who_means_it(stage: Stage):
    host = await stage.person("ada@example.com")
    guest = await stage.invited(host, "grace@example.com", "admin")
    body = {"name": "Ada's team", "password": PASSWORD}

    async def close(person: Person, **changes: str) -> httpx.Response:
        return await person.client.request("DELETE", "/api/team", json=body | changes)

    refused = [
        await close(guest),
        await close(host, password="not this one"),
        await close(host, name="ada's team"),
        await close(host),
    ]
    account = await host.client.request("DELETE", "/api/me", json={"password": PASSWORD})
    await host.client.delete(f"/api/team/members/{guest.user_id}")
    closed = await close(host)

    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (403, "not_permitted"),
        (403, "wrong_password"),
        (422, "name_mismatch"),
        (409, "hand_over_first"),
    ]
    assert (account.status_code, account.json()["code"]) == (409, "hand_over_first")
    assert closed.status_code == 204
    assert (await host.client.get("/api/me")).status_code == 401


async def test_of_a_closed_team_nothing_is_shown_any_more_whatever_is_still_told(stage: Stage):
    host, reference = await stage.person("ada@example.com"), reference_model()
    await stage.hear(reference, model(host.team_id, name="Harbour"))
    await host.generate(reference_model_id=str(reference.id), prompt="a secret harbour")
    job = (await host.client.get("/api/jobs")).json()["data"][0]
    secret = (await host.client.post("/api/api-keys", json={"name": "x"})).json()["secret"]
    await host.client.delete(f"/api/jobs/{job['id']}")
    body = {"name": "Ada's team", "password": PASSWORD}
    closed = await host.client.request("DELETE", "/api/team", json=body)
    async with stage.client(authorization=f"Bearer {secret}") as key:
        by_key = await key.get("/api/me")
    await stage.hear(model(host.team_id, name="Late harbour"))
    for _ in range(2):
        await forget_closed_teams(transaction(stage.database), _later)
    audited = await audit(transaction(stage.database), _later, timedelta(0))
    names = [name.split(".")[-1] for name in SCHEMA.tables]
    told = {name: str(await stage.rows(f"select cast(t as text) from gateway.{name} t")) for name in names}
    found = {name for name, rows in told.items() if "arbour" in rows or "Ada" in rows}
    left = {name for name, rows in told.items() if str(host.team_id) in rows}

    assert (closed.status_code, by_key.status_code) == (204, 401)
    assert found == {"letters", "users"}  # the person stays, and a letter to them
    assert [one for one in audited.suspicions if one.job_id] == []
    assert left <= KEPT | {"teams"}
    assert [one.team_id for one in stage.said if isinstance(one, TeamClosed)] == [host.team_id]


def _later() -> datetime:
    return utc_now() + timedelta(hours=1)


def test_every_table_about_teams_is_forgotten_or_kept_for_a_reason():
    tables = {table.name for table in SCHEMA.tables.values() if "team_id" in table.columns}

    assert tables == KEPT | FORGOTTEN
