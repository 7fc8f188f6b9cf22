"""When fal refuses, does not answer, or is not who it should be: each call is made at most once."""

import asyncio
import time
from uuid import uuid4

import fal_client
import httpx
import pytest
from services.jobs.tests.calls import finished, picture, submit

from jobs.adapters.outbound.fal import Fal
from jobs.application.ports import (
    CallForgotten,
    NotAccepted,
    ProviderUnavailable,
    SubmitInDoubt,
    SubmitRefused,
)
from jobs.domain.calls import Submitted

IN_DOUBT = [
    {"fault": "accept_then_close"},
    {"fault": "accept_then_reset"},
    {"fault": "accept_then_hang"},
    {"fault": "http_502_nginx", "params": {"accepted": True}},
    {"fault": "http_502_nginx", "params": {"status": 504, "accepted": True}},
    {"fault": "http_500", "params": {"accepted": True}},
    {"fault": "http_503", "params": {"accepted": True}},
    {"fault": "http_503"},
]


@pytest.mark.parametrize("fault", IN_DOUBT, ids=lambda fault: f"{fault['fault']} {fault.get('params', '')}")
async def test_a_lost_answer_leaves_the_attempt_in_doubt_after_exactly_one_post(fal, sandbox, fault):
    await sandbox.faults(fault)
    with pytest.raises(SubmitInDoubt):
        await submit(fal)
    await asyncio.sleep(0.4)  # fal-client would have tried again by now
    assert [seen["posts"] for seen in await sandbox.requests()] == [1]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"fault": "locked"}, "provider_locked"),
        ({"fault": "rate_limited"}, "provider_busy"),
    ],
)
async def test_a_locked_account_or_too_many_requests_surely_did_not_take_it(fal, sandbox, fault, code):
    await sandbox.faults(fault)
    with pytest.raises(NotAccepted) as refused:
        await submit(fal)
    assert refused.value.code == code
    assert len(await sandbox.requests()) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [("content_policy_violation", "content_policy"), ("string_too_long", "invalid_input")],
)
async def test_a_refused_input_is_refused_for_good(fal, sandbox, kind, code):
    await sandbox.faults({"fault": "validation_422", "at": "submit", "params": {"type": kind}})
    with pytest.raises(SubmitRefused) as refused:
        await submit(fal)
    assert (refused.value.code, refused.value.retryable) == (code, False)
    assert len(await sandbox.requests()) == 1


async def test_a_wrong_key_was_not_accepted(running_sandbox, sandbox, media):
    stranger = Fal("not:ours", running_sandbox.fal_host, media.download)
    with pytest.raises(NotAccepted) as refused:
        await submit(stranger)
    assert refused.value.code == "provider_unauthorized"
    await stranger.close()


async def test_without_a_connection_nothing_was_accepted(media, monkeypatch, unused_tcp_port):
    host = f"localhost:{unused_tcp_port}"
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"https://{host}/")
    fal = Fal("key", host, media.download)
    began = time.monotonic()
    with pytest.raises(NotAccepted) as refused:
        await submit(fal)
    assert refused.value.code == "provider_unreachable"
    assert time.monotonic() - began < 2  # fal-client alone goes on for half a minute
    with pytest.raises(ProviderUnavailable):
        await fal.status(fal.locate("fal-ai/flux/dev", "some-id"))
    await fal.close()


async def test_a_proxy_named_in_the_environment_is_gone_through(running_sandbox, media, monkeypatch):
    heard: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        behind = Fal("key", running_sandbox.fal_host, media.download)
        with pytest.raises((SubmitInDoubt, NotAccepted)):
            await submit(behind)
        await behind.close()
    assert heard == [f"CONNECT {running_sandbox.fal_host} HTTP/1.1\r\n".encode()]


async def test_an_unknown_authority_is_no_connection(running_sandbox, sandbox, media, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    fal = Fal(running_sandbox.settings.fal_key, running_sandbox.fal_host, media.download)
    with pytest.raises(NotAccepted):
        await submit(fal)
    assert await sandbox.requests() == []
    await fal.close()


async def test_an_attempt_is_not_submitted_twice_at_once(fal, sandbox):
    await sandbox.faults({"fault": "slow", "params": {"seconds": 0.5}})
    attempt = uuid4()
    both = [fal.submit(picture(), attempt, "https://127.0.0.1:9/none") for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["SubmitInDoubt", "Submitted"]
    assert len(await sandbox.requests()) == 1


async def test_a_lost_answer_does_not_show_the_mac(fal, sandbox):
    await sandbox.faults({"fault": "http_502_nginx"})
    with pytest.raises(SubmitInDoubt) as lost:
        await submit(fal, callback="https://127.0.0.1:9/none?mac=secret")
    assert "secret" not in repr(lost.value)
    assert lost.value.__suppress_context__
    assert lost.value.__cause__ is None


def test_fal_client_is_the_one_whose_insides_we_know():
    # One POST rests on three of them: the private HTTP client, its hooks, and which errors are tried again.
    assert fal_client.__version__.startswith("1.0.")
    assert not fal_client.client._should_retry(SubmitInDoubt("ours"))
    assert fal_client.client._should_retry(httpx.ReadError("theirs"))


async def test_the_host_fal_client_was_loaded_for_must_be_the_configured_one(media):
    with pytest.raises(ValueError, match="loaded for"):
        Fal("key", "queue.elsewhere.test", media.download)


@pytest.mark.parametrize("place", ["status", "result", "cancel"])
@pytest.mark.parametrize("fault", ["http_500", "http_502_nginx", "accept_then_close", "accept_then_hang"])
async def test_a_question_without_answer_is_asked_again_later(fal, sandbox, place, fault):
    submitted = await submit(fal)
    await finished(fal, submitted)
    await sandbox.faults({"fault": fault, "at": place})
    ask = {"status": fal.status, "result": fal.fetch, "cancel": fal.cancel}[place]
    with pytest.raises(ProviderUnavailable):
        await ask(submitted)


async def test_a_status_is_answered_while_the_account_is_locked_for_submits(fal, sandbox):
    submitted = await submit(fal)
    await sandbox.faults({"fault": "locked"})
    await finished(fal, submitted)


@pytest.mark.parametrize("host", ["evil.test", "localhost:1", "localhost:1@evil.test"])
async def test_our_key_is_sent_to_fal_only(fal, host):
    elsewhere = f"https://{host}/fal-ai/flux/requests/1"
    submitted = Submitted("1", elsewhere, elsewhere, elsewhere)
    for ask in (fal.status, fal.fetch, fal.cancel):
        with pytest.raises(ProviderUnavailable, match="foreign"):
            await ask(submitted)


async def test_a_call_nobody_knows_is_told_from_a_provider_that_is_away(fal, sandbox):
    with pytest.raises(CallForgotten):
        await fal.status(fal.locate("fal-ai/flux/dev", str(uuid4())))
