"""Invitations: whom they are for, and when they end."""

from services.gateway.tests.stage import PASSWORD, Stage

from chassis.statement import text


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
        await session.connection.execute(text("update gateway.invitations set expires_at = now()"))
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
