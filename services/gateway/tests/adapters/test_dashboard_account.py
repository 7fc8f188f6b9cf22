"""The pages of an account: keys, passwords, devices, and forms that nobody else sends."""

import re
from uuid import uuid4

import pytest
from services.gateway.tests.pages import IN_PLACE, NEWER, address, browser, letter_of
from services.gateway.tests.stage import PASSWORD, Stage


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
