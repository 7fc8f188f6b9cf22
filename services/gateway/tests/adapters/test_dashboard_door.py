"""The pages through which people come in: forgotten passwords, addresses to verify."""

from services.gateway.tests.pages import NEWER, address, browser, letter_of
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import Person, Stage, make_stage

from chassis.database import Database


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
