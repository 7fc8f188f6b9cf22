import asyncio
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from services.gateway.tests.stage import Stage

from contracts.jobs import ProviderCallback
from contracts.message import Message

BODY = b'{"request_id": "req-1", "status": "OK", "payload": {"images": []}}'


async def call(stage: Stage, body: bytes = BODY, attempt: str | None = None, **headers: str):
    signed = stage.signer.headers(BODY) | headers
    async with stage.client() as client:
        path = f"/api/webhooks/fal?attempt={attempt or uuid4()}&mac=abc"
        return await client.post(path, content=body, headers=signed)


async def forwarded(stage: Stage) -> list[Message]:
    await asyncio.sleep(0.05)
    return [message for message in stage.said if isinstance(message, ProviderCallback)]


async def test_a_signed_call_is_passed_on_as_it_came(stage: Stage):
    attempt = uuid4()
    answer = await call(stage, attempt=str(attempt))

    assert answer.status_code == 200
    [callback] = await forwarded(stage)
    assert (callback.attempt_id, callback.mac) == (attempt, "abc")
    assert (callback.provider_request_id, callback.body) == ("req-1", BODY.decode())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", {}),
        (BODY, {"X-Fal-Webhook-Request-Id": "req-2"}),
        (BODY, {"X-Fal-Webhook-User-Id": "user-2"}),
        (BODY, {"X-Fal-Webhook-Signature": "00" * 64}),
        (BODY, {"X-Fal-Webhook-Signature": "no hex"}),
        (BODY, {"X-Fal-Webhook-Signature": ""}),
        (BODY, {"X-Fal-Webhook-Timestamp": "1"}),
    ],
)
async def test_a_forged_call_changes_nothing(stage: Stage, body: bytes, headers: dict[str, str]):
    answer = await call(stage, body, **headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert await forwarded(stage) == []


async def test_a_call_signed_too_long_ago_is_refused(stage: Stage):
    answer = await call(stage, **stage.signer.headers(BODY, age=301))

    assert answer.status_code == 401


async def test_a_new_key_of_the_provider_is_found_and_forgers_do_not_make_us_ask(stage: Stage):
    old = stage.signer.key
    assert (await call(stage)).status_code == 200
    stage.signer.key = Ed25519PrivateKey.generate()
    for _ in range(5):
        assert (await call(stage)).status_code == 401
    assert stage.signer.fetched == 1  # at most once a minute

    stage.signer.published.append(stage.signer.key)
    stage.app.state.api.signatures._tried -= 61
    assert (await call(stage)).status_code == 200
    stage.signer.key = old
    assert (await call(stage)).status_code == 200
    assert stage.signer.fetched == 2


async def test_while_the_providers_keys_are_unknown_it_shall_call_again(stage: Stage):
    stage.signer.broken = True
    answer = await call(stage)
    stage.signer.broken = False
    later = await call(stage)

    assert (answer.status_code, answer.json()["code"]) == (503, "keys_unavailable")
    assert later.status_code == 200


async def test_a_flood_of_calls_does_not_ask_for_unknown_keys_one_by_one(stage: Stage):
    stage.signer.broken = True
    answers = await asyncio.gather(*(call(stage) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {503}
    assert stage.signer.fetched <= 3


async def test_an_answer_without_keys_does_not_replace_those_known(stage: Stage):
    assert (await call(stage)).status_code == 200
    stage.signer.published.clear()
    stage.app.state.api.signatures._tried -= 61
    forged = await call(stage, **stage.signer.headers(b"another body"))

    assert forged.status_code == 401
    assert (await call(stage)).status_code == 200


async def test_keys_older_than_a_day_are_not_trusted(stage: Stage):
    assert (await call(stage)).status_code == 200
    signatures = stage.app.state.api.signatures
    signatures._fetched -= 24 * 3600 + 1
    signatures._tried -= 61
    stage.signer.broken = True

    assert (await call(stage)).status_code == 503


async def test_a_call_about_no_attempt_is_refused(stage: Stage):
    assert (await call(stage, attempt="1")).status_code == 422
    assert await forwarded(stage) == []
