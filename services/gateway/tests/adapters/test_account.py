"""One's own account: its address, its password, its sessions, its end."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.stage import PASSWORD, Person, Stage, make_stage, reference_model

from chassis.statement import text

NEW = "another long password"


async def sign_in(stage: Stage, email: str, password: str = PASSWORD, **headers: str) -> httpx.AsyncClient:
    client = stage.client(**headers)
    answer = await client.post("/api/auth/sign-in", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return client


async def acts(person: Person) -> list[str]:
    listed = (await person.client.get("/api/team/activity?limit=100")).json()["data"]
    return [one["action"] for one in reversed(listed)]


@pytest.fixture
async def strict(database, gateway_url, signer):
    """A stage on which credits are spent only by who has verified their address."""
    stage = make_stage(database, gateway_url, signer, require_verified_email=True)
    async with stage.news.running():
        playing = asyncio.create_task(stage.play())
        yield stage
        playing.cancel()


async def test_credits_are_spent_once_the_address_is_verified(strict: Stage):
    person, reference = await strict.person("ada@example.com"), reference_model()
    await strict.hear(reference)
    key = (await person.client.post("/api/api-keys", json={"name": "x"})).json()["secret"]
    early = await person.generate(reference_model_id=str(reference.id))
    async with strict.client(authorization=f"Bearer {key}") as bearer:
        by_key = await bearer.post(
            "/api/generate", json={"prompt": "x", "reference_model_id": str(reference.id)}
        )
    another = await person.client.post("/api/teams", json={"name": "Another"})
    token = await strict.token("ada@example.com")
    wrong = await person.client.post("/api/auth/verify", json={"token": "x" * 43})
    await strict.verified("ada@example.com")
    again = await person.client.post("/api/auth/verify", json={"token": token})
    spent = await person.generate(reference_model_id=str(reference.id))

    assert [one.status_code for one in (early, by_key, another)] == [403, 403, 403]
    assert {one.json()["code"] for one in (early, by_key, another)} == {"email_not_verified"}
    assert (wrong.status_code, wrong.json()["code"]) == (400, "link_invalid")
    assert (again.status_code, again.json()["code"]) == (400, "link_invalid")
    assert spent.status_code == 202
    assert (await person.client.get("/api/me")).json()["user"]["email_verified"] is True


async def test_a_letter_can_be_asked_for_again_and_makes_the_one_before_worthless(stage: Stage):
    person = await stage.person("ada@example.com")
    first = await stage.token("ada@example.com")
    again = await person.client.post("/api/auth/verify/resend")
    old = await person.client.post("/api/auth/verify", json={"token": first})
    await stage.verified("ada@example.com")
    more = [(await person.client.post("/api/auth/verify/resend")).status_code for _ in range(5)]

    assert (again.status_code, old.status_code) == (202, 400)
    assert more == [202] * 4 + [429]


async def test_a_changed_password_ends_the_other_sessions(stage: Stage):
    person = await stage.person("ada@example.com")
    other = await sign_in(stage, "ada@example.com")
    change = {"current_password": "not this one", "new_password": NEW}
    wrong = await person.client.post("/api/auth/password", json=change)
    changed = await person.client.post("/api/auth/password", json=change | {"current_password": PASSWORD})

    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert changed.status_code == 204
    assert (await person.client.get("/api/me")).status_code == 200
    assert (await other.get("/api/me")).status_code == 401
    async with stage.client() as client:
        old = await client.post("/api/auth/sign-in", json={"email": "ada@example.com", "password": PASSWORD})
    await sign_in(stage, "ada@example.com", NEW)
    letters = await stage.rows("select subject from gateway.letters order by id")

    assert old.status_code == 401
    assert [letter.subject for letter in letters] == [
        "Verify your e-mail address",
        "Your password was changed",
    ]
    assert await acts(person) == [
        "signed_up",
        "signed_in",
        "password_changed",
        "sign_in_failed",
        "signed_in",
    ]


async def test_a_forgotten_password_is_replaced_by_mail_and_all_sessions_end(stage: Stage):
    person = await stage.person("ada@example.com")
    async with stage.client() as client:
        known = await client.post("/api/auth/reset", json={"email": "ADA@example.com"})
        unknown = await client.post("/api/auth/reset", json={"email": "nobody@example.com"})
        token = await stage.token("ada@example.com")
        body = {"token": token, "password": NEW}
        short = await client.post("/api/auth/reset/confirm", json=body | {"password": "short"})
        done = await client.post("/api/auth/reset/confirm", json=body)
        again = await client.post("/api/auth/reset/confirm", json=body)

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    assert await stage.rows("select 1 from gateway.letters where recipient = 'nobody@example.com'") == []
    assert [one.status_code for one in (short, done, again)] == [422, 204, 400]
    assert (await person.client.get("/api/me")).status_code == 401
    signed = await sign_in(stage, "ada@example.com", NEW)
    assert (await signed.get("/api/me")).json()["user"]["email_verified"] is True
    assert token not in str(await stage.rows("select * from gateway.proofs"))


async def test_asking_for_resets_is_throttled(stage: Stage):
    async with stage.client() as client:
        answers = [await client.post("/api/auth/reset", json={"email": "a@example.com"}) for _ in range(6)]

    assert [one.status_code for one in answers] == [202] * 5 + [429]


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(stage: Stage):
    person = await stage.person("ada@example.com")
    phone = await sign_in(stage, "ada@example.com", **{"User-Agent": "Phone"})
    tablet = await sign_in(stage, "ada@example.com", **{"User-Agent": "Tablet"})
    stranger = await stage.person("eve@example.com")
    listed = (await person.client.get("/api/me/sessions")).json()["data"]
    by_agent = {one["agent"]: one for one in listed}
    foreign = await stranger.client.delete(f"/api/me/sessions/{by_agent['Phone']['id']}")
    ended = await person.client.delete(f"/api/me/sessions/{by_agent['Phone']['id']}")
    statuses = [(await one.get("/api/me")).status_code for one in (person.client, phone, tablet)]
    others = await person.client.delete("/api/me/sessions")
    rest = [(await one.get("/api/me")).status_code for one in (person.client, phone, tablet)]

    assert len(listed) == 3
    assert [one["agent"] for one in listed if one["current"]] == ["python-httpx/" + httpx.__version__]
    assert by_agent["Phone"]["address"] == "127.0.0.1"
    assert (foreign.status_code, ended.status_code, others.status_code) == (404, 204, 204)
    assert statuses == [200, 401, 200]
    assert rest == [200, 401, 401]


async def test_a_session_ends_when_it_is_not_used_or_too_old(stage: Stage):
    idle, old = await stage.person(), await stage.person()
    async with stage.database.transaction() as session:
        for column, days, person in (("last_seen_at", 7, idle), ("expires_at", 0, old)):
            await session.connection.execute(
                text(
                    f"update gateway.sessions set {column} = now() - interval '{days} days'"
                    f" where user_id = '{person.user_id}'"
                )
            )

    assert (await idle.client.get("/api/me")).status_code == 401
    assert (await old.client.get("/api/me")).status_code == 401


async def test_another_address_counts_once_its_letter_was_read(stage: Stage):
    person = await stage.person("ada@example.com")
    await stage.person("taken@example.com")
    body = {"email": "New@example.com", "password": PASSWORD}
    wrong = await person.client.patch("/api/me", json=body | {"password": "not this one"})
    taken = await person.client.patch("/api/me", json=body | {"email": "taken@example.com"})
    alone = await person.client.patch("/api/me", json={"email": "new@example.com"})
    asked = await person.client.patch("/api/me", json=body | {"name": "Ada Lovelace"})
    await stage.verified("new@example.com")
    told = await stage.rows("select body from gateway.letters where recipient = 'ada@example.com'")
    user = (await person.client.get("/api/me")).json()["user"]

    assert [one.status_code for one in (wrong, taken, alone, asked)] == [403, 409, 422, 200]
    assert (asked.json()["user"]["email"], asked.json()["user"]["name"]) == (
        "ada@example.com",
        "Ada Lovelace",
    )
    assert (user["email"], user["email_verified"]) == ("new@example.com", True)
    assert any("new@example.com" in letter.body for letter in told)
    await sign_in(stage, "new@example.com")


async def test_a_deleted_account_leaves_no_name_and_its_address_can_sign_up_again(stage: Stage):
    person = await stage.person("ada@example.com")
    wrong = await person.client.request("DELETE", "/api/me", json={"password": "not this one"})
    gone = await person.client.request("DELETE", "/api/me", json={"password": PASSWORD})
    tables = ("users", "teams", "sessions", "memberships", "letters", "proofs", "invitations")
    left = [await stage.rows(f"select cast(t as text) from gateway.{table} t") for table in tables]

    assert (wrong.status_code, gone.status_code) == (403, 204)
    assert "ada@" not in str(left)
    assert (await person.client.get("/api/me")).status_code == 401
    await stage.person("ada@example.com")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://atelier"}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({}, 204),
    ],
)
async def test_no_other_site_acts_with_somebodys_cookie(stage: Stage, headers: dict[str, str], status: int):
    person = await stage.person()
    answer = await person.client.delete("/api/me/sessions", headers=headers)

    assert answer.status_code == status


async def test_no_other_site_signs_somebody_in(stage: Stage):
    await stage.person("ada@example.com")
    async with stage.client(origin="https://evil.example") as client:
        answer = await client.post(
            "/api/auth/sign-in", json={"email": "ada@example.com", "password": PASSWORD}
        )

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")


async def test_a_form_must_be_made_for_its_session(stage: Stage):
    person, other = await stage.person(), await stage.person()
    token = (await person.client.get("/api/me")).json()["csrf_token"]
    foreign = (await other.client.get("/api/me")).json()["csrf_token"]
    forms = [{"name": "x"}, {"name": "x", "csrf_token": foreign}, {"name": "x", "csrf_token": token}]
    answers = [await person.client.post("/api/api-keys", data=form) for form in forms]
    header = await person.client.post("/api/api-keys", data={"name": "x"}, headers={"X-CSRF-Token": token})
    plain = await person.client.post("/api/api-keys", content="{}", headers={"Content-Type": "text/plain"})

    # What is made for the session gets as far as being no JSON.
    assert [answer.json()["code"] for answer in answers] == [
        "csrf_token_invalid",
        "csrf_token_invalid",
        "invalid_request",
    ]
    assert header.json()["code"] == "invalid_request"
    assert plain.json()["code"] == "csrf_token_invalid"


async def test_guesses_from_one_place_do_not_lock_the_owner_out_elsewhere(stage: Stage):
    await stage.person("ada@example.com")
    guess = {"email": "ada@example.com", "password": "a wrong password"}
    transport = httpx.ASGITransport(stage.app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://atelier") as robber:
        guesses = [(await robber.post("/api/auth/sign-in", json=guess)).status_code for _ in range(11)]
        right = await robber.post("/api/auth/sign-in", json=guess | {"password": PASSWORD})
        async with stage.database.transaction() as session:
            await session.connection.execute(
                text("update gateway.throttles set window_start = window_start - interval '15 minutes'")
            )
        later = await robber.post("/api/auth/sign-in", json=guess | {"password": PASSWORD})
    owner = await sign_in(stage, "ada@example.com")

    assert guesses == [401] * 10 + [429]
    assert right.status_code == 429
    assert later.status_code == 200
    assert (await owner.get("/api/me")).status_code == 200


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "a\x00b", " ", "a" * 81])
async def test_a_name_is_one_line_of_plain_text(stage: Stage, name: str):
    person = await stage.person()
    answer = await person.client.patch("/api/me", json={"name": name})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_names_and_passwords_are_the_same_however_they_are_typed(stage: Stage):
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    email = f"{uuid4().hex[:8]}@example.com"
    async with stage.client() as client:
        body = {"name": decomposed, "email": email, "password": f"{decomposed} long password"}
        signed = await client.post("/api/auth/sign-up", json=body)
    await sign_in(stage, email, f"{composed} long password")

    assert signed.json()["user"]["name"] == composed
