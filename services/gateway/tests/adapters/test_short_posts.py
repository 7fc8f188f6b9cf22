"""A generation or a webhook is taken the short way when that is plain, and the long way otherwise, alike."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from services.gateway.tests.adapters.test_asking import open_slots, plan, ready
from services.gateway.tests.adapters.test_shortcut import ODD, PLAIN, key_of, without_counts
from services.gateway.tests.adapters.test_webhooks import BODY
from services.gateway.tests.stage import Person, Stage, model

from chassis.statement import text
from contracts.credits import HoldCredits
from contracts.jobs import ProviderCallback
from gateway.adapters.inbound.http import short_posts


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is answered the short way, refusals too."""
    answered: list[str] = []

    def noting(path: str, way: Any) -> Any:
        async def take(scope: Any, *given: Any) -> Any:
            try:
                answer = await way(scope, *given)
            except Exception:
                answered.append(path)
                raise
            if answer is not None:
                answered.append(path)
            return answer

        return take

    ways = {path: noting(path, way) for path, way in short_posts._WAYS.items()}
    monkeypatch.setattr(short_posts, "_WAYS", ways)
    return answered


async def asked(
    stage: Stage, secret: str, body: dict[str, Any] | bytes, scheme: str = PLAIN, **headers: str
) -> httpx.Response:
    given = {"authorization": f"{scheme} {secret}", **headers}
    async with stage.client(**given) as client:
        if isinstance(body, bytes):
            plain = {"content-type": "application/json"}
            return await client.post("/api/generate", content=body, headers=plain)
        return await client.post("/api/generate", json=body)


def wanted(reference: str, **changes: Any) -> dict[str, Any]:
    return {"reference_model_id": reference, "prompt": "at dawn", "count": 2} | changes


async def test_both_ways_lead_to_the_same_answer(stage: Stage, short: list[str]):
    ada, reference = await ready(stage)
    _, secret = await key_of(ada, "generate")
    key = {"Idempotency-Key": "k"}
    made = await asked(stage, secret, wanted(reference, seed=7), **key)
    near = await asked(stage, secret, wanted(reference, seed=7), **key)
    far = await asked(stage, secret, wanted(reference, seed=7), ODD, **key)

    assert made.status_code == 202, made.text
    [job] = made.json()["jobs"]
    assert (job["status"], job["quantity"], job["recipe"]["seed"]) == ("queued", 2, "7")
    assert made.headers["location"] == f"/api/generate/{job['id']}"
    assert without_counts(near) == without_counts(far)
    assert (near.content, near.headers["idempotency-replayed"]) == (made.content, "true")
    assert made.headers.keys() | {"idempotency-replayed"} == near.headers.keys()
    assert len(short) == 2
    [command] = [message for message in stage.said if isinstance(message, HoldCredits)]
    assert str(command.request_id) == made.json()["request_id"]
    assert command.terms.api_key is not None


async def test_a_batch_with_a_model_of_ones_own_is_taken(stage: Stage, short: list[str]):
    ada, _ = await ready(stage)
    own, prompts = model(ada.team_id), ["one", "two", "three"]
    await stage.hear(own)
    _, secret = await key_of(ada, "generate")
    answer = await asked(stage, secret, {"model_id": str(own.id), "version": 1, "prompts": prompts})
    assert answer.status_code == 202, answer.text
    assert [job["recipe"]["prompt"] for job in answer.json()["jobs"]] == prompts
    assert len(short) == 1


async def test_what_is_refused_is_told_alike(stage: Stage, short: list[str]):
    ada, reference = await ready(stage)
    eve = await stage.person()
    foreign = model(eve.team_id)
    await stage.hear(foreign)
    (_, secret), (_, reading) = await key_of(ada, "generate"), await key_of(ada, "read")
    await asked(stage, secret, wanted(reference), **{"Idempotency-Key": "used"})
    stage.balance[ada.team_id] = 1
    for body, who, headers, status, code in [
        (wanted(str(uuid4())), secret, {}, 404, "reference_model_not_found"),
        ({"model_id": str(foreign.id), "prompt": "x"}, secret, {}, 404, "model_not_found"),
        (wanted(reference), secret, {"Idempotency-Key": "used", "x": "1"}, 202, None),
        (wanted(reference, count=1), secret, {"Idempotency-Key": "used"}, 422, "idempotency_key_reused"),
        (wanted(reference), secret, {}, 402, "insufficient_credits"),
        (wanted(reference, prompt=""), secret, {}, 422, "invalid_request"),
        (wanted(reference, more=1), secret, {}, 422, "invalid_request"),
        (wanted(reference), secret, {"Idempotency-Key": "a b"}, 422, "invalid_request"),
        (b"{", secret, {}, 422, "invalid_request"),
        (b"", secret, {}, 422, "invalid_request"),
        (b" " * 70_000, secret, {}, 413, "body_too_large"),
        (wanted(reference), reading, {}, 403, "not_permitted"),
        (wanted(reference), "atl_" + "x" * 43, {}, 401, "not_authenticated"),
    ]:
        near = await asked(stage, who, body, **headers)
        far = await asked(stage, who, body, ODD, **headers)
        assert (near.status_code, near.json().get("code")) == (status, code), near.text
        assert near.json() | {"request_id": 0} == far.json() | {"request_id": 0}
        assert near.headers.keys() == far.headers.keys()
    assert len(short) == 6  # the first, and of the others those whose form and key are right


async def test_a_full_queue_is_told_with_its_numbers(stage: Stage, short: list[str]):
    ada, reference = await ready(stage)
    await stage.hear(plan(ada, open_=1))
    _, secret = await key_of(ada, "generate")
    answers = await asyncio.gather(*(asked(stage, secret, wanted(reference, count=1)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202] + [429] * 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], refused.json()["allowed"]) == ("queue_full", 1)
    assert refused.headers["retry-after"] == "5"
    assert (await open_slots(stage, ada), len(short)) == (1, 5)


async def test_a_revoked_key_is_refused_at_once(stage: Stage, short: list[str]):
    ada, reference = await ready(stage)
    key_id, secret = await key_of(ada, "generate")
    assert (await asked(stage, secret, wanted(reference))).status_code == 202
    assert (await ada.client.delete(f"/api/api-keys/{key_id}")).status_code == 204
    assert (await asked(stage, secret, wanted(reference))).status_code == 401
    assert len(short) == 1


async def test_it_is_counted_once_and_refused_beyond_what_the_plan_allows(stage: Stage, short: list[str]):
    ada, reference = await ready(stage)
    _, secret = await key_of(ada, "generate")
    async with stage.database.transaction() as session:
        await session.connection.execute(text("update gateway.view_plans set per_minute = 3"))
    answers = [await asked(stage, secret, wanted(reference)) for _ in range(5)]
    left = [answer.headers["ratelimit-remaining"] for answer in answers if answer.status_code == 202]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == len(left)
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "rate_limited")
    assert "retry-after" in answers[-1].headers


async def test_everybody_gets_what_they_asked_for_when_many_ask_at_once(stage: Stage, short: list[str]):
    people: list[tuple[Person, str, str]] = []
    for n in range(3):
        person = await stage.person()
        own = model(person.team_id, id=UUID(int=n + 1))
        await stage.hear(own)
        people.append((person, (await key_of(person, "generate"))[1], str(own.id)))
    answers = await asyncio.gather(
        *(asked(stage, secret, {"model_id": id_, "prompt": id_}) for _, secret, id_ in people * 4)
    )
    shown = [answer.json()["jobs"][0] for answer in answers]
    assert [(job["model_id"], job["recipe"]["prompt"]) for job in shown] == [
        (id_, id_) for *_, id_ in people * 4
    ]
    assert len(short) == 12


async def called(stage: Stage, query: str, **changes: str) -> httpx.Response:
    async with stage.client() as client:
        path = f"/api/webhooks/fal?{query}"
        return await client.post(path, content=BODY, headers=stage.signer.headers(BODY) | changes)


async def test_a_webhook_is_taken_alike_on_both_ways(stage: Stage, short: list[str]):
    attempt = uuid4()
    near = await called(stage, f"attempt={attempt}&mac=a%2Bb")
    far = await called(stage, f"attempt={attempt}&mac=a%2Bb&more=1")
    assert (near.status_code, near.json(), len(short)) == (200, {"status": "taken"}, 1)
    assert without_counts(near) == without_counts(far)
    await asyncio.sleep(0.05)
    first, second = [message for message in stage.said if isinstance(message, ProviderCallback)]
    same = {"received_at": first.received_at}
    assert first == second.model_copy(update=same)
    assert (first.attempt_id, first.mac, first.body) == (attempt, "a+b", BODY.decode())


@pytest.mark.parametrize(
    ("query", "changes", "status", "short_ways"),
    [
        ("attempt={}&mac=a", {"X-Fal-Webhook-Signature": "00" * 64}, 401, 1),
        ("attempt={}&mac=a", {"X-Fal-Webhook-Signature": ""}, 401, 1),
        ("attempt={}&mac=a", {"X-Fal-Webhook-Timestamp": "1"}, 401, 1),
        ("attempt={}&mac=", {}, 422, 0),
        ("attempt=x&mac=a", {}, 422, 0),
        ("attempt={}", {}, 422, 0),
        ("attempt={}&mac=a&trace=x", {}, 422, 0),
        ("attempt={}&mac=a&mac=b", {}, 200, 0),
    ],
)
async def test_a_webhook_that_is_odd_or_forged_is_told_as_ever(
    stage: Stage, short: list[str], query: str, changes: dict[str, str], status: int, short_ways: int
):
    answer = await called(stage, query.format(uuid4()), **changes)
    assert (answer.status_code, len(short)) == (status, short_ways), answer.text
