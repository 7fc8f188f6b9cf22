"""A job is read the short way when that is plain, and the long way otherwise, with the same answer."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.adapters.test_images import job, result
from services.gateway.tests.stage import Person, Stage

from chassis.statement import text
from contracts.orders import Operation
from gateway.adapters.inbound.http.shortcut import Shortcut

PLACES = ["/api/jobs", "/api/generate"]
PLAIN, ODD = "Bearer", "bearer"  # the scheme may be written either way; only the usual one is plain


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is answered the short way."""
    read, answered = Shortcut._read, []

    async def noting(self: Shortcut, scope: Any, *words: Any) -> bytes | None:
        if (body := await read(self, scope, *words)) is not None:
            answered.append(scope["path"])
        return body

    monkeypatch.setattr(Shortcut, "_read", noting)
    return answered


async def key_of(person: Person, *scopes: str) -> tuple[str, str]:
    made = await person.client.post("/api/api-keys", json={"name": "k", "scopes": scopes or ["read"]})
    assert made.status_code == 201, made.text
    return made.json()["id"], made.json()["secret"]


async def done(stage: Stage, person: Person, **changes: Any) -> str:
    one = job(person, result(1), result(2), **changes)
    await stage.hear(one)
    return str(one.id)


async def told(stage: Stage, secret: str, path: str, scheme: str = PLAIN, **headers: str) -> httpx.Response:
    async with stage.client(authorization=f"{scheme} {secret}") as client:
        return await client.get(path, headers=headers)


def without_counts(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    own = {"x-request-id", "ratelimit-remaining", "ratelimit-reset"}
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in own}


@pytest.mark.parametrize("place", PLACES)
async def test_both_ways_lead_to_the_same_answer(stage: Stage, short: list[str], place: str):
    ada = await stage.person()
    path, (_, secret) = f"{place}/{await done(stage, ada)}", await key_of(ada)
    near, far = await told(stage, secret, path), await told(stage, secret, path, ODD)
    assert (short, near.status_code) == ([path], 200)
    assert without_counts(near) == without_counts(far)
    assert len(near.json()["results"]) == 2

    known = {"If-None-Match": f'"other", W/{near.headers["etag"]}'}
    near, far = await told(stage, secret, path, **known), await told(stage, secret, path, ODD, **known)
    assert (len(short), near.status_code, near.content) == (2, 304, b"")
    assert without_counts(near) == without_counts(far)


async def test_what_is_refused_is_told_as_ever(stage: Stage, short: list[str]):
    ada, eve = await stage.person(), await stage.person()
    mine, training = await done(stage, ada), str(uuid4())
    await stage.hear(job(ada, id=training, operation=Operation.CREATE_MODEL, quantity=1))
    keys = {"read": await key_of(ada), "foreign": await key_of(eve), "other": await key_of(ada, "generate")}
    for place, id_, who, status in [
        ("jobs", mine, "foreign", 404),
        ("jobs", mine, "other", 403),
        ("jobs", str(uuid4()), "read", 404),
        ("jobs", "nonsense", "read", 422),
        ("generate", training, "read", 404),
    ]:
        near = await told(stage, keys[who][1], f"/api/{place}/{id_}")
        assert near.status_code == status, near.text
    assert (await told(stage, "atl_" + "x" * 43, f"/api/jobs/{mine}")).status_code == 401
    assert short == []
    assert (await told(stage, keys["read"][1], f"/api/jobs/{training}")).status_code == 200


async def test_a_revoked_key_is_refused_at_once(stage: Stage, short: list[str]):
    ada = await stage.person()
    path, (key_id, secret) = f"/api/jobs/{await done(stage, ada)}", await key_of(ada)
    assert (await told(stage, secret, path)).status_code == 200
    assert (await ada.client.delete(f"/api/api-keys/{key_id}")).status_code == 204
    assert (await told(stage, secret, path)).status_code == 401
    assert len(short) == 1


async def test_a_key_that_has_expired_is_refused(stage: Stage, short: list[str]):
    ada = await stage.person()
    path, (_, secret) = f"/api/jobs/{await done(stage, ada)}", await key_of(ada)
    async with stage.database.transaction() as session:
        await session.connection.execute(text("update gateway.api_keys set expires_at = clock_timestamp()"))
    assert ((await told(stage, secret, path)).status_code, short) == (401, [])


async def test_it_is_noted_that_the_key_is_used(stage: Stage, short: list[str]):
    ada = await stage.person()
    path, (_, secret) = f"/api/jobs/{await done(stage, ada)}", await key_of(ada)
    assert (await told(stage, secret, path)).status_code == 200
    [key] = (await ada.client.get("/api/api-keys")).json()["data"]
    assert key["last_used_at"] is not None
    assert short == [path]


async def test_it_is_counted_and_refused_beyond_what_the_plan_allows(stage: Stage, short: list[str]):
    ada = await stage.person()
    path, (_, secret) = f"/api/jobs/{await done(stage, ada)}", await key_of(ada)
    async with stage.database.transaction() as session:
        await session.connection.execute(text("update gateway.view_plans set per_minute = 1"))
    answers = [await told(stage, secret, path) for _ in range(2)]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert {"retry-after", "ratelimit-limit", "x-request-id"} <= set(refused.headers)


async def test_everybody_gets_what_they_asked_for_when_many_ask_at_once(stage: Stage, short: list[str]):
    people = [await stage.person() for _ in range(3)]
    asked = []
    for n, person in enumerate(people):
        ids = [await done(stage, person, number=10 * n + i) for i in range(4)]
        asked += [(person, (await key_of(person))[1], id_) for id_ in ids]
    foreign = [(people[0], asked[0][1], asked[-1][2])]
    answers = await asyncio.gather(
        *(told(stage, key, f"/api/jobs/{id_}") for _, key, id_ in [*asked, *foreign])
    )
    assert [answer.json().get("id") for answer in answers] == [id_ for *_, id_ in asked] + [None]
    assert answers[-1].status_code == 404
    assert len(short) == len(asked)
