"""Teams and who is in them: roles, the last owner, the activity log."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.stage import PASSWORD, Person, Stage, model

from contracts.gateway import TeamOpened


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
