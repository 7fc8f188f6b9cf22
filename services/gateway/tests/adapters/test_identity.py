import asyncio
from datetime import timedelta
from uuid import uuid4

from services.gateway.tests.stage import Stage, model, reference_model

from chassis.clock import utc_now
from chassis.statement import text
from contracts.credits import HoldCredits
from contracts.gateway import TeamOpened
from gateway.adapters.outbound.passwords import Argon2Passwords

PASSWORD = "correct horse battery"


def wish(**changes: object) -> dict[str, object]:
    return {"name": "Ada", "email": f"{uuid4().hex[:8]}@Example.com", "password": PASSWORD} | changes


async def test_signing_up_answers_with_the_first_credits(stage: Stage):
    async with stage.client() as client:
        body = wish(team_name="Harbour studio")
        answer = await client.post("/api/auth/sign-up", json=body)
        me = await client.get("/api/me")

    assert answer.status_code == 201
    assert answer.json()["balance"]["available"] == 200
    assert answer.json()["team"]["name"] == "Harbour studio"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert me.json()["user"]["email"] == str(body["email"]).lower()
    assert (me.json()["team"]["role"], me.json()["via"]) == ("owner", "session")
    [opened] = [message for message in stage.said if isinstance(message, TeamOpened)]
    assert opened.owner_email == str(body["email"]).lower()


async def test_the_password_and_the_session_are_not_stored(stage: Stage):
    person = await stage.person()
    token = person.client.cookies["atelier_session"]
    found = await stage.rows(
        "select cast(u as text), cast(s as text) from gateway.users u, gateway.sessions s"
    )

    assert PASSWORD not in str(found)
    assert token not in str(found)
    assert "$argon2id$" in str(found)


async def test_a_password_is_hashed_as_owasp_asks_and_takes_none_that_differs():
    passwords = Argon2Passwords()
    kept = await passwords.hash(PASSWORD)

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    guesses = [(kept, PASSWORD), (kept, PASSWORD + " "), (None, PASSWORD)]
    assert [await passwords.matches(*guess) for guess in guesses] == [True, False, False]


async def test_an_address_signs_up_once(stage: Stage):
    person, other = await stage.person("ada@example.com"), stage.client()
    again = await other.post("/api/auth/sign-up", json=wish(email="ADA@example.com"))

    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert again.headers["content-type"] == "application/problem+json"
    await person.client.aclose()


async def test_a_repeated_sign_up_makes_one_account(stage: Stage):
    body, key = wish(), {"Idempotency-Key": uuid4().hex}
    async with stage.client() as client:
        answers = await asyncio.gather(
            *(client.post("/api/auth/sign-up", json=body, headers=key) for _ in range(5))
        )
        stolen = await client.post(
            "/api/auth/sign-up", json=body | {"password": "some other password"}, headers=key
        )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["team"]["id"] for answer in answers}) == 1
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == [""] + ["true"] * 4
    assert (stolen.status_code, stolen.json()["code"]) == (422, "idempotency_key_reused")
    assert len([message for message in stage.said if isinstance(message, TeamOpened)]) == 1


async def test_a_sign_up_that_nobody_answers_is_still_a_sign_up(stage: Stage):
    stage.silent = True
    api = stage.app.state.api
    object.__setattr__(api.asking, "patience", 0.2)
    async with stage.client() as client:
        answer = await client.post("/api/auth/sign-up", json=wish())

    assert (answer.status_code, answer.json()["balance"]) == (202, None)


async def test_signing_in_and_out(stage: Stage):
    await stage.person("ada@example.com")
    async with stage.client() as client:
        signed = await client.post(
            "/api/auth/sign-in", json={"email": "Ada@example.com", "password": PASSWORD}
        )
        assert signed.status_code == 200
        token = client.cookies["atelier_session"]
        assert (await client.get("/api/me")).status_code == 200
        assert (await client.post("/api/auth/sign-out")).status_code == 204
        client.cookies.set("atelier_session", token)
        assert (await client.get("/api/me")).status_code == 401


async def test_guessing_a_password_ends_after_ten_tries_also_in_parallel(stage: Stage):
    await stage.person("ada@example.com")
    guess = {"email": "ada@example.com", "password": "a wrong password"}
    async with stage.client() as client:
        answers = await asyncio.gather(*(client.post("/api/auth/sign-in", json=guess) for _ in range(15)))
        right = await client.post("/api/auth/sign-in", json=guess | {"password": PASSWORD})

    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 5
    assert (right.status_code, right.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(right.headers["retry-after"]) <= 901


async def test_who_is_unknown_is_told_the_same_as_who_is_wrong(stage: Stage):
    await stage.person("ada@example.com")
    async with stage.client() as client:
        answers = [
            await client.post("/api/auth/sign-in", json={"email": email, "password": "a wrong password"})
            for email in ("ada@example.com", "bob@example.com")
        ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() | {"request_id": ""} == answers[1].json() | {"request_id": ""}


async def test_a_guess_at_nobody_writes_as_much_as_a_guess_at_somebody(stage: Stage):
    await stage.person("ada@example.com")
    written = []
    async with stage.client() as client:
        for email in ("ada@example.com", "bob@example.com"):
            before = await activity(stage)
            await client.post("/api/auth/sign-in", json={"email": email, "password": "a wrong password"})
            written.append((await activity(stage))[len(before) :])

    assert written == [["sign_in_failed"], ["sign_in_failed"]]


async def activity(stage: Stage) -> list[str]:
    return [row.act for row in await stage.rows("select act from gateway.activity order by id")]


async def test_a_key_is_shown_once_and_acts_until_it_is_revoked(stage: Stage):
    person = await stage.person()
    made = await person.client.post(
        "/api/api-keys",
        json={"name": "shop", "scopes": ["read"], "credit_budget": 50},
        headers={"Idempotency-Key": "one"},
    )
    again = await person.client.post(
        "/api/api-keys",
        json={"name": "shop", "scopes": ["read"], "credit_budget": 50},
        headers={"Idempotency-Key": "one"},
    )
    secret, id_ = made.json()["secret"], made.json()["id"]
    async with stage.client(authorization=f"Bearer {secret}") as key:
        me = await key.get("/api/me")
        generated = await key.post("/api/generate", json={"prompt": "x", "reference_model_id": str(uuid4())})
        keys = await key.get("/api/api-keys")
        listed = await person.client.get("/api/api-keys")
        ended = await person.client.delete(f"/api/api-keys/{id_}")
        after = await key.get("/api/me")

    assert made.status_code == 201
    assert secret.startswith("atl_")
    assert len(secret) == 47
    assert (again.json()["id"], again.json()["secret"]) == (id_, None)
    assert (me.json()["via"], me.json()["permissions"]) == ("api_key", ["read"])
    assert (generated.status_code, generated.json()["code"]) == (403, "not_permitted")
    assert keys.status_code == 403
    [shown] = listed.json()["data"]
    assert "secret" not in shown
    assert shown["prefix"] == secret[:10]
    assert shown["last_used_at"] is not None
    assert secret not in str(await stage.rows("select cast(k as text) from gateway.api_keys k"))
    assert (ended.status_code, after.status_code) == (204, 401)


async def test_a_stream_tells_nothing_more_once_its_key_is_revoked(stage: Stage):
    person = await stage.person()
    made = (await person.client.post("/api/api-keys", json={"name": "shop", "scopes": ["read"]})).json()
    key = {"Authorization": f"Bearer {made['secret']}", "Accept": "text/event-stream"}
    async with stage.client(**key) as client, asyncio.timeout(10):
        streaming = asyncio.create_task(client.get("/api/events"))
        while person.team_id not in stage.news._watching:
            await asyncio.sleep(0.01)
        await stage.hear(model(person.team_id, name="Before"))
        await asyncio.sleep(0.5)
        await person.client.delete(f"/api/api-keys/{made['id']}")
        await stage.hear(model(person.team_id, name="After"))
        told = (await streaming).text

    assert "Before" in told
    assert "After" not in told


async def test_a_key_that_has_expired_is_nobody(stage: Stage):
    person = await stage.person()
    past = await person.client.post("/api/api-keys", json={"name": "x", "expires_at": "2020-01-01T00:00:00Z"})
    made = await person.client.post("/api/api-keys", json={"name": "x", "expires_at": "2099-01-01T00:00:00Z"})
    async with stage.database.transaction() as session:
        await session.connection.execute(text("update gateway.api_keys set expires_at = now()"))
    async with stage.client(authorization=f"Bearer {made.json()['secret']}") as key:
        answer = await key.get("/api/me")

    assert (past.status_code, made.status_code, answer.status_code) == (422, 201, 401)


async def test_what_a_key_spends_is_asked_under_its_budget(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    secret = {}
    for period in ("total", "month"):
        body = {"name": period, "credit_budget": 50, "budget_period": period}
        secret[period] = (await person.client.post("/api/api-keys", json=body)).json()["secret"]
    for period in ("total", "month"):
        async with stage.client(authorization=f"Bearer {secret[period]}") as key:
            wish = {"prompt": "x", "reference_model_id": str(reference.id)}
            assert (await key.post("/api/generate", json=wish)).status_code == 202
    keys = [message.terms.api_key for message in stage.said if isinstance(message, HoldCredits)]
    starts = [key.window_start for key in keys if key and key.window_start]

    assert [key.budget for key in keys if key] == [50, 50]
    assert starts[0] > utc_now() - timedelta(minutes=1)
    assert (starts[1].day, starts[1].hour) == (1, 0)


async def test_a_cookie_does_not_work_from_another_site(stage: Stage):
    person = await stage.person()
    answer = await person.client.post(
        "/api/api-keys", json={"name": "x"}, headers={"Origin": "https://evil.example"}
    )
    own = await person.client.post("/api/api-keys", json={"name": "x"}, headers={"Origin": "http://atelier"})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert own.status_code == 201


async def test_a_key_for_models_uploads_and_stops_trainings_and_nothing_else(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    made = (await person.client.post("/api/api-keys", json={"name": "x", "scopes": ["models"]})).json()
    picture = (await person.generate(reference_model_id=str(reference.id), count=1)).json()["jobs"][0]
    wanted = {"name": "Harbour", "reference_model_id": str(reference.id), "description": "A calm woman"}
    async with stage.client(authorization=f"Bearer {made['secret']}") as key:
        upload = await key.post("/api/uploads", json={"content_type": "image/png", "size": 10})
        training = (await key.post("/api/models", json=wanted)).json()
        stopped = await key.delete(f"/api/jobs/{training['job']['id']}")
        other = await key.delete(f"/api/jobs/{picture['id']}")

    assert upload.status_code == 201
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    assert (other.status_code, other.json()["permissions"]) == (403, ["generate"])


async def test_a_key_can_be_made_for_billing_and_administration(stage: Stage):
    person = await stage.person()
    scopes = ["read", "generate", "models", "billing", "admin"]
    made = await person.client.post("/api/api-keys", json={"name": "all", "scopes": scopes})
    wrong = await person.client.post("/api/api-keys", json={"name": "x", "scopes": ["manage_keys"]})

    assert (made.status_code, made.json()["scopes"]) == (201, scopes)
    assert wrong.status_code == 422
