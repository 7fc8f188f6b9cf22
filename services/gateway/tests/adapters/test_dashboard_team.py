"""The pages of a team: who is invited, what each role may do, what was done."""

import re
from uuid import uuid4

import pytest
from services.gateway.tests.pages import address, browser, letter_of
from services.gateway.tests.stage import PASSWORD, Stage


async def test_somebody_new_joins_by_the_link_of_the_letter(stage: Stage):
    host = await browser(await stage.person())
    email = address()
    listed = await host.post("/team/invitations", email=email, role="admin", key=uuid4().hex)
    path = await letter_of(stage, email)
    client = stage.client()
    shown = await client.get(path)
    short = await client.post(path, data={"name": "Grace", "password": "short"})
    joined = await client.post(path, data={"name": "Grace <i>", "password": PASSWORD})

    assert email in listed.text
    assert f"{email} is invited as admin" in shown.text
    assert short.status_code == 422
    assert 'value="Grace"' in short.text
    assert joined.headers["location"] == "/"
    team = (await client.get("/team")).text
    assert "Grace &lt;i&gt;" in team
    assert "Grace <i>" not in team


async def test_who_has_an_account_joins_as_themselves(stage: Stage):
    host, email = await browser(await stage.person()), address()
    guest = await stage.person(email)
    await host.post("/team/invitations", email=email, role="member", key=uuid4().hex)
    path = await letter_of(stage, email)
    stranger, signed_in = await stage.client().get(path), await guest.client.get(path)
    forged = await guest.client.post(path, data={"csrf_token": "0" * 64})
    [csrf] = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', signed_in.text)
    joined = await guest.client.post(path, data={"csrf_token": csrf})

    assert f"/sign-in?next={path}" in stranger.text
    assert forged.status_code == 403
    assert joined.headers["location"] == "/"
    assert (await guest.client.get("/api/me")).json()["team"]["id"] == str(host.person.team_id)
    assert (await stage.client().get(path)).status_code == 404


async def test_an_invitation_for_another_address_leads_through_the_sign_out(stage: Stage):
    host, other = await browser(await stage.person()), await stage.person()
    email = address()
    await host.post("/team/invitations", email=email, role="member", key=uuid4().hex)
    path = await letter_of(stage, email)
    shown = await other.client.get(path)
    out = await other.client.post("/sign-out", data={"there": path})
    abroad = await other.client.post("/sign-out", data={"there": "https://elsewhere.example"})

    assert "Sign out and go on" in shown.text
    assert out.headers["location"] == path
    assert abroad.headers["location"] == "/"


async def test_an_invitation_is_sent_again_and_revoked(stage: Stage):
    host, email = await browser(await stage.person()), address()
    first = await host.post("/team/invitations", email=email, role="member", key=uuid4().hex)
    old = await letter_of(stage, email)
    [id_] = re.findall(r"/team/invitations/([0-9a-f-]{36})/again", first.text)
    second = await host.post(f"/team/invitations/{id_}/again")
    new = await letter_of(stage, email)
    [id_] = re.findall(r"/team/invitations/([0-9a-f-]{36})/again", second.text)
    third = await host.delete(f"/team/invitations/{id_}")

    assert old != new
    assert (await stage.client().get(old)).status_code == 404
    assert "Nobody is invited" in third.text
    assert (await stage.client().get(new)).status_code == 404


async def test_a_member_sees_the_team_and_nothing_to_change_it_with(stage: Stage):
    host = await stage.person()
    email = address()
    member = await browser(await stage.invited(host, email))
    team = (await member.get("/team")).text

    assert "Ada" in team
    assert "Leave" in team
    for word in ("Change role", "Invite", "Rename", "Close the team", 'href="/team/activity"', "/api-keys"):
        assert word not in team


@pytest.mark.parametrize("path", ["/team/activity", "/api-keys"])
async def test_a_member_is_told_who_may_see_a_page(stage: Stage, path: str):
    member = await browser(await stage.invited(await stage.person(), address()))
    answer = await member.get(path)

    assert answer.status_code == 403
    assert "Ask an owner or an admin" in answer.text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/team", {"name": "Mine"}),
        ("/team/invitations", {"email": "x@example.com"}),
        ("/team/close", {"name": "x", "password": PASSWORD}),
        ("/api-keys", {"name": "x", "scopes": "read"}),
    ],
)
async def test_a_member_may_not_do_what_is_not_shown_to_them(stage: Stage, path: str, form: dict[str, str]):
    member = await browser(await stage.invited(await stage.person(), address()))

    assert (await member.post(path, **form)).status_code == 403


async def test_roles_change_and_the_last_owner_stays(stage: Stage):
    owner = await browser(await stage.person())
    member = await stage.invited(owner.person, address())
    raised = await owner.post(f"/team/members/{member.user_id}", role="admin")
    page = (await member.client.get("/team")).text
    lowered = await owner.post(f"/team/members/{owner.person.user_id}", role="member")
    leaving = await owner.delete(f"/team/members/{owner.person.user_id}")
    removed = await owner.delete(f"/team/members/{member.user_id}")

    assert raised.headers["hx-redirect"] == "/team"
    assert "Invite" in page
    assert f'data-dialog="role-{owner.person.user_id}"' not in page
    assert (lowered.status_code, leaving.status_code) == (409, 409)
    assert "A team needs an owner" in lowered.text
    assert removed.headers["hx-redirect"] == "/team"


async def test_another_team_is_made_and_left_for_the_first(stage: Stage):
    person = await stage.person()
    page = await browser(person)
    key = uuid4().hex
    made = [await page.post("/teams", name="Second <b>", key=key) for _ in range(2)]
    shown = (await page.get("/")).text
    back = await page.post(f"/teams/{person.team_id}/switch")
    elsewhere = await page.post(f"/teams/{uuid4()}/switch")

    assert [one.headers["hx-redirect"] for one in made] == ["/", "/"]
    assert "Second &lt;b&gt;" in shown
    assert f"/teams/{person.team_id}/switch" in shown
    assert back.headers["hx-redirect"] == "/"
    assert elsewhere.status_code == 404
    assert len((await person.client.get("/api/teams")).json()["data"]) == 2


async def test_activity_tells_who_did_what_page_by_page(stage: Stage):
    page = await browser(await stage.person())
    for n in range(31):
        await page.post("/team", name=f"Name {n}")
    first = (await page.get("/team/activity")).text
    [older] = re.findall(r'href="(/team/activity\?cursor=[^"]+)"', first)
    second = (await page.get(older)).text

    assert "Renamed the team" in first
    assert "Name 30" in first
    assert "Name 0<" in second
    assert "Signed up" in second


async def test_a_team_is_closed_by_its_name_and_password(stage: Stage):
    person = await stage.person()
    page = await browser(person)
    await page.post("/team", name="Harbour")
    other_name = await page.post("/team/close", name="harbor", password=PASSWORD)
    other_password = await page.post("/team/close", name="Harbour", password="not this one")
    closed = await page.post("/team/close", name="Harbour", password=PASSWORD)

    assert "Type the name of the team as it is." in other_name.text
    assert "The password is wrong." in other_password.text
    assert closed.headers["hx-redirect"] == "/sign-in"
    assert (await page.get("/")).headers["location"] == "/sign-in"
