"""People: how they come in, work in teams, and leave nothing behind."""

import asyncio

import pytest
from e2e.person import PASSWORD, Person

GENERATE = {"prompt": "a harbour", "count": 1, "size": {"width": 256, "height": 256}}
SCHEMAS = ("gateway", "jobs", "catalog", "credits", "billing")


@pytest.fixture
async def stranger(house):
    met: list[Person] = []

    def meet() -> Person:
        met.append(Person(house.stack.url, house.stack.sandbox_url))
        return met[-1]

    yield meet
    for person in met:
        await person.close()


async def reference(person: Person) -> str:
    async with asyncio.timeout(30):
        while not (found := (await person.call("GET", "/reference-models?limit=1")).json()["data"]):
            await asyncio.sleep(0.3)
    return found[0]["id"]


async def generate(person: Person, **more: object) -> tuple[int, dict]:
    wish = GENERATE | {"reference_model_id": await reference(person)} | more
    answer = await person.call("POST", "/generate", wish)
    return answer.status_code, answer.json()


async def test_credits_are_spent_once_the_letter_was_read(house, stranger):
    ada = stranger()
    assert (await ada.sign_up())["balance"]["available"] == 200
    refused = await generate(ada)
    assert (refused[0], refused[1]["code"]) == (403, "email_not_verified")
    await ada.verify()
    status, answer = await generate(ada)
    assert status == 202
    async with asyncio.timeout(60):
        while (await ada.call("GET", f"/jobs/{answer['jobs'][0]['id']}")).json()["status"] != "completed":
            await asyncio.sleep(0.3)
    assert (await ada.call("GET", "/credits/balance")).json()["available"] == 198


async def test_somebody_is_invited_raised_and_removed_again(house, stranger):
    ada, grace = stranger(), stranger()
    await ada.sign_up()
    await ada.call("POST", "/team/invitations", {"email": grace.email}, 201)
    token = await grace.token("Join Studio")
    joined = await grace.call(
        "POST", f"/invitations/{token}/accept", {"name": "Grace", "password": PASSWORD}, 200
    )
    member = joined.json()["user"]["id"]
    await grace.call("GET", "/team/activity", status=403)
    await ada.call("PATCH", f"/team/members/{member}", {"role": "admin"}, 200)
    await grace.call("GET", "/team/activity", status=200)
    await ada.call("DELETE", f"/team/members/{member}", status=204)
    assert (await grace.me()).status_code == 401
    done = (await ada.call("GET", "/team/activity")).json()["data"]
    assert [one["action"] for one in reversed(done)] == [
        "signed_up", "member_invited", "invitation_accepted", "role_changed", "member_removed",
    ]  # fmt: skip
    assert done[0]["address"] == ada.address


async def test_a_reset_password_ends_every_session(house, stranger):
    ada = stranger()
    await ada.sign_up()
    await ada.call("POST", "/auth/reset", {"email": ada.email}, 202)
    token = await ada.token("Choose a new password")
    body = {"token": token, "password": "another long password"}
    await ada.call("POST", "/auth/reset/confirm", body, 204)
    assert (await ada.me()).status_code == 401
    assert (await ada.sign_in()).status_code == 401
    assert (await ada.sign_in("another long password")).status_code == 200


async def test_a_lost_device_is_signed_out(house, stranger):
    ada = stranger()
    await ada.sign_up()
    lost = ada.browser()
    await lost.post("/api/auth/sign-in", json={"email": ada.email, "password": PASSWORD})
    assert (await lost.get("/api/me")).status_code == 200
    await ada.call("DELETE", "/me/sessions", status=204)
    assert (await lost.get("/api/me")).status_code == 401
    assert (await ada.me()).status_code == 200


async def test_each_of_two_teams_has_credits_and_jobs_of_its_own(house, stranger):
    ada = stranger()
    first = (await ada.sign_up())["team"]["id"]
    await ada.verify()
    await generate(ada)
    second = (await ada.call("POST", "/teams", {"name": "Second"})).json()
    assert second["team"]["name"] == "Second"
    assert (await ada.call("GET", "/jobs")).json()["data"] == []
    assert (await ada.call("GET", "/credits/balance")).json()["available"] == 200
    await ada.call("POST", f"/teams/{first}/switch", status=200)
    assert len((await ada.call("GET", "/jobs")).json()["data"]) == 1


async def test_whoever_guesses_waits_and_the_owner_still_comes_in(house, stranger):
    ada, robber = stranger(), stranger()
    await ada.sign_up()
    robber.email = ada.email
    guesses = [(await robber.sign_in(f"guess number {n}")).status_code for n in range(12)]
    assert guesses == [401] * 10 + [429] * 2
    assert (await robber.sign_in()).status_code == 429
    assert (await ada.sign_in()).status_code == 200
    house.query("update gateway.throttles set window_start = window_start - interval '15 minutes'")
    assert (await robber.sign_in()).status_code == 200


async def test_of_a_closed_team_nothing_is_left_but_the_ledger(house, stranger):
    ada = stranger()
    team = (await ada.sign_up())["team"]["id"]
    await ada.verify()
    _, answer = await generate(ada, prompt="a very secret harbour")
    job = answer["jobs"][0]["id"]
    async with asyncio.timeout(60):
        while (await ada.call("GET", f"/jobs/{job}")).json()["status"] != "completed":
            await asyncio.sleep(0.3)
    assert await house.provider.objects(f"images/{team}/") != []
    await ada.call("DELETE", "/team", {"name": "Studio", "password": PASSWORD}, 204)
    await house.crash("jobs")
    assert (await ada.me()).status_code == 401
    async with asyncio.timeout(60):
        while secrets_left(house) or await objects(house, team):
            await asyncio.sleep(0.5)
    kept = house.query(f"select kind from credits.ledger_transactions where team_id = '{team}'")
    assert kept
    await house.is_settled()


async def objects(house, team: str) -> list[str]:
    return [key for key in await house.provider.objects("") if team in key]


def secrets_left(house) -> list[str]:
    """Find the tables of all services in which anything of the secret is left."""
    tables = house.query(
        "select schemaname || '.' || tablename from pg_tables"
        f" where schemaname in {SCHEMAS} and tablename <> 'alembic_version'"
    )
    found = " union all ".join(
        f"select '{table}' from {table} t where cast(t as text) like '%very secret harbour%'"
        for table in tables
    )
    return house.query(found)
