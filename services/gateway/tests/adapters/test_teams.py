"""Teams: who is in them as what, who is invited, what they did, and their end."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.stage import PASSWORD, Person, Stage, model, reference_model

from chassis.clock import utc_now
from contracts.gateway import TeamClosed, TeamOpened
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


async def role(host: Person, person: Person, role: str) -> httpx.Response:
    return await host.client.patch(f"/api/team/members/{person.user_id}", json={"role": role})


async def test_somebody_has_several_teams_and_works_in_one_at_a_time(stage: Stage):
    person = await stage.person("ada@example.com")
    key = {"Idempotency-Key": uuid4().hex}
    opened = await person.client.post("/api/teams", json={"name": "Second"}, headers=key)
    again = await person.client.post("/api/teams", json={"name": "Second"}, headers=key)
    second = opened.json()["team"]["id"]
    await stage.hear(model(person.team_id))
    empty = (await person.client.get("/api/models")).json()["data"]
    listed = (await person.client.get("/api/teams")).json()["data"]
    back = await person.client.post(f"/api/teams/{person.team_id}/switch")
    models = (await person.client.get("/api/models")).json()["data"]
    foreign = await person.client.post(f"/api/teams/{(await stage.person()).team_id}/switch")
    async with stage.client() as phone:
        body = {"email": "ada@example.com", "password": PASSWORD}
        signed = await phone.post("/api/auth/sign-in", json=body)

    assert (opened.status_code, opened.json()["balance"]["available"]) == (201, 200)
    assert (again.json()["team"]["id"], again.headers["idempotency-replayed"]) == (second, "true")
    assert [one["name"] for one in listed] == ["Second", "Ada's team"]
    assert (empty, len(models)) == ([], 1)
    assert (back.status_code, back.json()["team"]["id"]) == (200, str(person.team_id))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "team_not_found")
    assert signed.json()["team"]["id"] == str(person.team_id)
    assert len([one for one in stage.said if isinstance(one, TeamOpened)]) == 3


async def test_nobody_collects_free_credits_with_team_after_team(stage: Stage):
    person = await stage.person()
    answers = [await person.client.post("/api/teams", json={"name": f"{n}"}) for n in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429]


async def test_who_is_invited_joins_by_the_link_as_somebody_new(stage: Stage):
    host = await stage.person("ada@example.com")
    wish = {"email": "Grace@example.com", "role": "admin"}
    invited = await host.client.post("/api/team/invitations", json=wish)
    token = await stage.token("grace@example.com")
    async with stage.client() as guest:
        seen = await guest.get(f"/api/invitations/{token}")
        unknown = await guest.post(f"/api/invitations/{token}/accept")
        body = {"name": "Grace", "password": PASSWORD}
        joined = await guest.post(f"/api/invitations/{token}/accept", json=body)
        again = await guest.post(f"/api/invitations/{token}/accept")
        me = (await guest.get("/api/me")).json()
    members = (await host.client.get("/api/team/members")).json()["data"]

    assert (invited.status_code, invited.json()["email"]) == (201, "grace@example.com")
    assert seen.json() | {"expires_at": ""} == {
        "team": "Ada's team",
        "email": "grace@example.com",
        "role": "admin",
        "expires_at": "",
        "has_account": False,
    }
    assert (unknown.status_code, joined.status_code, again.status_code) == (401, 200, 404)
    assert (me["team"]["role"], me["user"]["email_verified"]) == ("admin", True)
    assert [(one["name"], one["role"]) for one in members] == [("Ada", "owner"), ("Grace", "admin")]
    assert (await host.client.get("/api/team/invitations")).json()["data"] == []
    assert token not in str(await stage.rows("select * from gateway.activity"))


async def test_who_has_an_account_joins_with_it_and_with_no_other(stage: Stage):
    host, guest, other = [await stage.person(f"{name}@example.com") for name in ("ada", "grace", "eve")]
    await host.client.post("/api/team/invitations", json={"email": "grace@example.com"})
    token = await stage.token("grace@example.com")
    path = f"/api/invitations/{token}/accept"
    wrong = await other.client.post(path)
    async with stage.client() as nobody:
        taken = await nobody.post(path, json={"name": "Grace", "password": PASSWORD})
    joined = await guest.client.post(path)

    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_address")
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
    assert joined.json()["team"] == {"id": str(host.team_id), "name": "Ada's team", "role": "member"}
    assert (await guest.client.get("/api/me")).json()["team"]["id"] == str(host.team_id)
    assert len((await guest.client.get("/api/teams")).json()["data"]) == 2
    assert len((await other.client.get("/api/teams")).json()["data"]) == 1


async def test_an_invitation_ends_when_it_is_revoked_replaced_or_too_old(stage: Stage):
    host = await stage.person()
    tokens = []
    for _ in range(3):
        invited = await host.client.post("/api/team/invitations", json={"email": "grace@example.com"})
        tokens.append(await stage.token("grace@example.com"))
        if len(tokens) == 2:
            ended = await host.client.delete(f"/api/team/invitations/{invited.json()['id']}")
    async with stage.database.transaction() as session:
        await session.connection.exec_driver_sql("update gateway.invitations set expires_at = now()")
    async with stage.client() as guest:
        answers = [await guest.get(f"/api/invitations/{token}") for token in tokens]

    assert ended.status_code == 204
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "invitation_not_found")}


async def test_inviting_is_for_owners_and_admins_and_owners_are_made_by_owners(stage: Stage):
    host = await stage.person()
    admin = await stage.invited(host, "admin@example.com", "admin")
    member = await stage.invited(host, "member@example.com")
    wish = {"email": "new@example.com", "role": "owner"}
    answers = [await one.client.post("/api/team/invitations", json=wish) for one in (member, admin, host)]
    twice = await host.client.post("/api/team/invitations", json={"email": "member@example.com"})

    assert [one.status_code for one in answers] == [403, 403, 201]
    assert [one.json().get("code") for one in answers] == ["not_permitted", "owners_only", None]
    assert (twice.status_code, twice.json()["code"]) == (409, "already_member")


async def test_a_changed_role_counts_at_once_and_ends_nothing(stage: Stage):
    host = await stage.person()
    guest = await stage.invited(host, "grace@example.com")
    before = await guest.client.get("/api/team/activity")
    raised = await role(host, guest, "admin")
    after = await guest.client.get("/api/team/activity")
    made = await guest.client.post("/api/api-keys", json={"name": "x", "scopes": ["read", "admin"]})
    key = stage.client(authorization=f"Bearer {made.json()['secret']}")
    as_admin = (await key.get("/api/me")).json()["permissions"]
    await role(host, guest, "member")
    as_member = (await key.get("/api/me")).json()["permissions"]

    assert (before.status_code, raised.json()["role"], after.status_code) == (403, "admin", 200)
    assert as_admin == ["manage_team", "manage_webhooks", "read", "see_activity"]
    assert as_member == ["read"]


async def test_the_last_owner_stays_however_many_try(stage: Stage):
    host = await stage.person()
    other = await stage.invited(host, "grace@example.com", "owner")
    answers = await asyncio.gather(role(host, other, "member"), role(other, host, "member"))
    [owner] = [
        one for one in (host, other) if (await one.client.get("/api/me")).json()["team"]["role"] == "owner"
    ]
    alone = await role(owner, owner, "admin")
    left = await owner.client.delete(f"/api/team/members/{owner.user_id}")

    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    assert (alone.status_code, alone.json()["code"]) == (409, "last_owner")
    assert (left.status_code, left.json()["code"]) == (409, "last_owner")


async def test_who_is_removed_is_out_at_once_with_their_keys(stage: Stage):
    host = await stage.person()
    guest = await stage.invited(host, "grace@example.com", "admin")
    secret = (await guest.client.post("/api/api-keys", json={"name": "x"})).json()["secret"]
    foreign = await host.client.delete(f"/api/team/members/{uuid4()}")
    removed = await host.client.delete(f"/api/team/members/{guest.user_id}")
    async with stage.client(authorization=f"Bearer {secret}") as key:
        by_key = await key.get("/api/me")
    by_session = await guest.client.get("/api/me")
    async with stage.client() as client:
        body = {"email": "grace@example.com", "password": PASSWORD}
        signed = await client.post("/api/auth/sign-in", json=body)

    assert (foreign.status_code, removed.status_code) == (404, 204)
    assert (by_key.status_code, by_session.status_code) == (401, 401)
    # Who is in no team any more gets one of their own.
    assert signed.json()["team"] | {"id": ""} == {"id": "", "name": "Grace's team", "role": "owner"}


async def test_a_member_may_leave_and_goes_on_in_another_team(stage: Stage):
    host, guest = await stage.person(), await stage.person("grace@example.com")
    await host.client.post("/api/team/invitations", json={"email": "grace@example.com"})
    await guest.client.post(f"/api/invitations/{await stage.token('grace@example.com')}/accept")
    others = await guest.client.delete(f"/api/team/members/{host.user_id}")
    left = await guest.client.delete(f"/api/team/members/{guest.user_id}")

    assert (others.status_code, left.status_code) == (403, 204)
    assert (await guest.client.get("/api/me")).json()["team"]["id"] == str(guest.team_id)


async def test_the_activity_log_tells_who_did_what_from_where_page_by_page(stage: Stage):
    host = await stage.person("ada@example.com")
    guest = await stage.invited(host, "grace@example.com")
    await role(host, guest, "admin")
    await host.client.patch("/api/team", json={"name": "Harbour"})
    made = (await host.client.post("/api/api-keys", json={"name": "shop", "scopes": ["admin"]})).json()
    async with stage.client(authorization=f"Bearer {made['secret']}") as key:
        await key.delete(f"/api/team/members/{guest.user_id}")
    await host.client.delete(f"/api/api-keys/{made['id']}")
    path, found = "/api/team/activity?limit=3", []
    while path:
        page = (await host.client.get(path)).json()
        found += page["data"]
        path = f"/api/team/activity?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert [(one["action"], one["detail"]) for one in reversed(found)] == [
        ("signed_up", ""),
        ("member_invited", "member"),
        ("invitation_accepted", "member"),
        ("role_changed", "member to admin"),
        ("team_renamed", "Harbour"),
        ("key_created", "shop"),
        ("member_removed", ""),
        ("key_revoked", ""),
    ]
    assert {one["address"] for one in found} == {"127.0.0.1"}
    assert (found[0]["by"]["email"], found[0]["via"]) == ("ada@example.com", "session")
    assert (found[1]["via"], found[1]["api_key_id"]) == ("api_key", made["id"])
    assert found[-2]["subject"] == "grace@example.com"


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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/team/activity"),
        ("GET", "/api/team/invitations"),
        ("PATCH", "/api/team"),
        ("DELETE", "/api/team"),
        ("GET", "/api/api-keys"),
    ],
)
async def test_members_do_not_manage(stage: Stage, method: str, path: str):
    guest = await stage.invited(await stage.person(), f"{uuid4().hex[:8]}@example.com")
    bodies = {"PATCH": {"name": "x"}, "DELETE": {"name": "x", "password": "x"}}
    answer = await guest.client.request(method, path, json=bodies.get(method))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
