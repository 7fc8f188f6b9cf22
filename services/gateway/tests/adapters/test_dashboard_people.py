"""The pages about people: letters, teams, keys and accounts, as a browser without scripts would meet them."""

import re
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import PASSWORD, Person, Stage, make_stage

from chassis.database import Database

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


async def test_who_forgot_their_password_chooses_a_new_one_and_is_in(stage: Stage):
    email = address()
    await stage.person(email)
    client = stage.client()
    asked = await client.post("/reset", data={"email": email.upper()})
    path = await letter_of(stage, email)
    short = await client.post(path, data={"password": "short"})
    chosen = await client.post(path, data={"password": NEWER})

    assert "Look at your mail" in asked.text
    assert (await client.get(path)).status_code == 200
    assert short.status_code == 422
    assert "at least 10 characters" in short.text
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
    assert (await client.get("/account")).status_code == 200


async def test_a_link_for_a_new_password_works_once_and_a_made_up_one_never(stage: Stage):
    email = address()
    await stage.person(email)
    client = stage.client()
    await client.post("/reset", data={"email": email})
    path = await letter_of(stage, email)
    await client.post(path, data={"password": NEWER})
    again = await stage.client().post(path, data={"password": "yet another password"})
    made_up = await stage.client().post('/reset/"><script>', data={"password": NEWER})

    assert (again.status_code, made_up.status_code) == (400, 400)
    assert "does not work any more" in again.text
    assert "<script>" not in made_up.text


async def test_forgetting_looks_the_same_for_an_address_nobody_has(stage: Stage):
    email = address()
    await stage.person(email)
    known, unknown = [
        (await stage.client().post("/reset", data={"email": one})).text.replace(one, "-")
        for one in (email, "nobody@example.com")
    ]

    assert known == unknown


async def test_an_address_is_verified_by_a_press_not_by_looking(stage: Stage):
    email = address()
    person = await stage.person(email)
    path = await letter_of(stage, email)
    looked = await stage.client().get(path)
    before = (await person.client.get("/api/me")).json()["user"]["email_verified"]
    pressed = await stage.client().post(path)
    after = (await person.client.get("/api/me")).json()["user"]["email_verified"]
    again = await stage.client().post(path)

    assert "Is this address yours?" in looked.text
    assert (before, after) == (False, True)
    assert f"{email} is verified" in pressed.text
    assert again.status_code == 400


async def test_who_must_verify_first_is_told_on_every_page_and_can_ask_again(
    database: Database, gateway_url: str, signer: Signer, stage: Stage
):
    strict = make_stage(database, gateway_url, signer, require_verified_email=True)
    email = address()
    person = await stage.person(email)
    strictly = strict.client()
    strictly.cookies = person.client.cookies
    page = await browser(Person(strictly, person.team_id, person.user_id))
    sent = await page.post("/account/letter")

    assert "Verify your e-mail address" in (await page.get("/gallery")).text
    assert "A new letter is on its way" in sent.text
    await stage.client().post(await letter_of(stage, email))
    assert "Verify your e-mail address" not in (await page.get("/gallery")).text


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


async def test_a_key_is_shown_once_used_and_revoked(stage: Stage):
    person = await stage.person()
    page = await browser(person)
    form = {"name": "shop <img>", "scopes": ["read", "generate"], "credit_budget": "500", "key": uuid4().hex}
    made, again = [await page.post("/api-keys", **form) for _ in range(2)]
    [secret] = set(re.findall(r'data-copy="(atl_[^"]+)"', made.text))
    [id_] = set(re.findall(r"/api-keys/([0-9a-f-]{36})", made.text))
    used = await stage.client(Authorization=f"Bearer {secret}").get("/api/me")
    listed = (await page.get("/api-keys")).text
    revoked = await page.delete(f"/api-keys/{id_}")
    refused = await stage.client(Authorization=f"Bearer {secret}").get("/api/me")

    assert (used.status_code, refused.status_code) == (200, 401)
    assert "was made already" in again.text
    assert secret not in again.text + listed
    assert "shop &lt;img&gt;" in listed
    assert "at most 500 credits" in listed
    assert revoked.headers["hx-redirect"] == "/api-keys"


async def test_what_is_wrong_with_a_key_is_told(stage: Stage):
    page = await browser(await stage.person())
    answer = await page.post("/api-keys", name="", credit_budget="much", expires_on="2020-01-01")

    assert answer.status_code == 422
    for words in ("Name: Please fill this in.", "Choose at least 1.", "Must be in the future"):
        assert words in answer.text


async def test_a_name_and_a_password_are_changed(stage: Stage):
    email = address()
    person = await stage.person(email)
    page = await browser(person)
    other = stage.client()
    await other.post("/sign-in", data={"email": email, "password": PASSWORD})
    chosen = await page.post("/account/notices", topics=["low_balance"])
    assert chosen.headers["hx-redirect"] == "/account?done=notices"
    assert 'value="low_balance" checked' in (await page.get("/account?done=notices")).text
    await page.post("/account/notices")
    assert 'value="low_balance">' in (await page.get("/account")).text
    assert (await page.post("/account/notices", topics=["horoscope"])).status_code == 422
    named = await page.post("/account/name", name="Ada Lovelace")
    wrong = await page.post("/account/password", current_password="not this one", new_password=NEWER)
    changed = await page.post("/account/password", current_password=PASSWORD, new_password=NEWER)

    assert named.headers["hx-redirect"] == "/account?done=name"
    assert "Ada Lovelace" in (await page.get("/account?done=password")).text
    assert "The password is wrong." in wrong.text
    assert changed.headers["hx-redirect"] == "/account?done=password"
    assert (await other.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_another_address_counts_once_its_link_is_followed(stage: Stage):
    person, wanted = await stage.person(), address()
    taken = address()
    await stage.person(taken)
    page = await browser(person)
    refused = await page.post("/account/email", email=taken, password=PASSWORD)
    asked = await page.post("/account/email", email=wanted, password=PASSWORD)
    before = (await page.get("/account")).text
    await stage.client().post(await letter_of(stage, wanted))

    assert refused.status_code == 409
    assert asked.headers["hx-redirect"] == "/account?done=email"
    assert wanted not in before
    assert wanted in (await page.get("/account")).text


async def test_other_devices_are_signed_out_one_and_all(stage: Stage):
    email = address()
    page = await browser(await stage.person(email))
    others = [stage.client(**{"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}) for _ in range(3)]
    for other in others:
        await other.post("/sign-in", data={"email": email, "password": PASSWORD})
    shown = (await page.get("/account")).text
    ids = re.findall(r"/account/sessions/([0-9a-f-]{36})", shown)
    one = await page.delete(f"/account/sessions/{ids[0]}")
    left = re.findall(r"/account/sessions/([0-9a-f-]{36})", (await page.get("/account")).text)
    await page.delete("/account/sessions")

    assert shown.count("Firefox on Linux") >= 3
    assert one.headers["hx-redirect"] == "/account?done=session"
    assert (len(ids), len(left)) == (3, 2)
    for other in others:
        assert (await other.get("/account")).status_code == 303


async def test_an_account_is_deleted_with_the_password_only(stage: Stage):
    page = await browser(await stage.person())
    kept = await page.post("/account/delete", password="not this one")
    gone = await page.post("/account/delete", password=PASSWORD)

    assert kept.status_code == 403
    assert gone.headers["hx-redirect"] == "/sign-in"
    assert (await page.get("/account")).status_code == 303


@pytest.mark.parametrize(
    "path",
    ["/team", "/teams", "/team/invitations", "/team/close", "/api-keys", "/account/name", "/account/password",
     "/account/email", "/account/delete", "/account/letter"],
)  # fmt: skip
async def test_nothing_is_changed_without_the_token_of_the_page(stage: Stage, path: str):
    person = await stage.person()
    answer = await person.client.post(path, data={"name": "x", "password": PASSWORD}, headers=IN_PLACE)

    assert answer.status_code == 403
    assert "out of date" in answer.text


@pytest.mark.parametrize("path", ["/reset/x", "/verify/x", "/invitations/x", "/reset", "/sign-out"])
async def test_a_form_at_the_door_comes_from_our_own_pages(stage: Stage, path: str):
    answer = await stage.client(Origin="https://elsewhere.example").post(path, data={"password": NEWER})

    assert answer.status_code == 403
