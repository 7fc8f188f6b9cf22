import asyncio
import json
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import fal_client
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contracts.orders import Size
from jobs.adapters.outbound.fal import Fal
from jobs.adapters.outbound.images import PillowImages
from jobs.application.ports import (
    CallForgotten,
    NotAccepted,
    ProviderUnavailable,
    SubmitInDoubt,
    SubmitRefused,
)
from jobs.domain.calls import Failed, ProviderCall, ProviderStatus, StepKind, Submitted, Succeeded

HUGE_SEED = "15860307465884635512"


def picture(**changes) -> ProviderCall:
    usual = {"kind": StepKind.GENERATE, "start_timeout": 60, "prompt": "a red chair"}
    return ProviderCall(**usual | changes)


def training(**changes) -> ProviderCall:
    return ProviderCall(kind=StepKind.TRAIN, start_timeout=600, trigger_word="ATLR", **changes)


async def submit(
    fal: Fal, call: ProviderCall | None = None, callback="https://127.0.0.1:9/none"
) -> Submitted:
    return await fal.submit(call or picture(), uuid4(), callback)


async def finished(fal: Fal, submitted: Submitted) -> None:
    async with asyncio.timeout(10):
        async for status in statuses(fal, submitted):
            if status.state == "completed":
                return


async def statuses(fal: Fal, submitted: Submitted) -> AsyncIterator[ProviderStatus]:
    while True:
        yield await fal.status(submitted)
        await asyncio.sleep(0.02)


async def outcome(fal: Fal, call: ProviderCall | None = None):
    submitted = await submit(fal, call)
    await finished(fal, submitted)
    return await fal.fetch(submitted)


# What is sent


async def test_images_are_asked_for_in_fals_words(fal, sandbox):
    submitted = await submit(
        fal,
        picture(quantity=3, seed=HUGE_SEED, size=Size(width=768, height=1024), quality="high", format="png"),
    )
    (seen,) = await sandbox.requests()
    assert seen["endpoint"] == fal.endpoint(picture()) == "fal-ai/flux/dev"
    assert seen["start_timeout"] == 60
    assert (await sandbox.request(submitted.request_id))["input"] == {
        "prompt": "a red chair",
        "num_images": 3,
        "image_size": {"width": 768, "height": 1024},
        "num_inference_steps": 40,
        "output_format": "png",
        "enable_safety_checker": True,
        "sync_mode": False,
        "seed": 15860307465884635512,
    }


async def test_weights_and_a_reference_choose_the_model(fal, sandbox):
    with_weights = picture(weights_url="https://x.test/w.safetensors")
    with_both = picture(weights_url="https://x.test/w.safetensors", reference_url="https://x.test/r.jpg")
    from_picture = picture(reference_url="https://x.test/r.jpg")
    assert fal.endpoint(with_weights) == "fal-ai/flux-lora"
    assert fal.endpoint(with_both) == fal.endpoint(from_picture) == "fal-ai/flux-lora/image-to-image"
    asked = (await sandbox.request((await submit(fal, with_both)).request_id))["input"]
    assert asked["loras"] == [{"path": "https://x.test/w.safetensors", "scale": 1.0}]
    assert asked["image_url"] == "https://x.test/r.jpg"


async def test_a_seed_that_is_no_number_is_refused_before_anything_is_sent(fal, sandbox):
    with pytest.raises(SubmitRefused) as refused:
        await submit(fal, picture(seed="lucky"))
    assert (refused.value.code, refused.value.retryable) == ("invalid_input", False)
    assert await sandbox.requests() == []


@pytest.fixture
def headers_sent(fal):
    """Header fields of each POST, noted by one more hook on fal-client's HTTP client."""
    sent: list[httpx.Headers] = []

    async def note(request: httpx.Request) -> None:
        if request.method == "POST":
            sent.append(request.headers)

    async def noting() -> list[httpx.Headers]:
        http = await fal._http()
        http.event_hooks = {**http.event_hooks, "request": [*http.event_hooks["request"], note]}
        return sent

    return noting


async def test_pictures_are_kept_for_a_day_weights_for_ever_and_inputs_are_never_hidden(
    fal, sandbox, headers_sent
):
    sent = await headers_sent()
    await submit(fal)
    await submit(fal, training(archive_url="https://x.test/a.zip"))
    kept = [json.loads(headers["X-Fal-Object-Lifecycle-Preference"]) for headers in sent]
    assert kept == [{"expiration_duration_seconds": 86_400}, {"expiration_duration_seconds": None}]
    # Without stored payloads fal keeps a result of 10 KB or more for minutes only.
    assert not any("x-fal-store-io" in headers for headers in sent)


async def test_the_trace_goes_on_at_the_provider_and_shows_no_secret(fal, sandbox):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    fal._tracer = provider.get_tracer("test")
    submitted = await submit(fal, callback="https://127.0.0.1:9/none?mac=secret")
    await fal.status(submitted)
    (seen,) = await sandbox.requests()
    first, second = spans.get_finished_spans()
    assert seen["traceparent"].split("-")[1] == f"{first.context.trace_id:032x}"
    assert (first.name, second.name) == ("fal submit", "fal status")
    assert first.attributes["fal.endpoint"] == "fal-ai/flux/dev"
    assert first.attributes["fal.request_id"] == second.attributes["fal.request_id"] == submitted.request_id
    assert "secret" not in first.to_json() + second.to_json()


# What comes back


async def test_an_image_is_made_and_can_be_fetched(fal, sandbox):
    made = await outcome(fal, picture(quantity=2, seed=HUGE_SEED))
    assert isinstance(made, Succeeded)
    assert [(image.width, image.height, image.withheld) for image in made.images] == [(64, 64, False)] * 2
    assert {image.seed for image in made.images} == {HUGE_SEED}
    images = PillowImages()
    found = await images.inspect(await fal.download(made.images[0].url, 1_000_000))
    images.close()
    assert (found.format, found.width) == ("jpeg", 64)


async def test_weights_are_trained_resumed_and_used(fal, sandbox, archive):
    first = await outcome(fal, training(archive_url=archive))
    assert isinstance(first, Succeeded)
    assert first.weights_url
    assert first.config_url
    resumed = await outcome(fal, training(archive_url=archive, checkpoint_url=first.weights_url))
    assert isinstance(resumed, Succeeded)
    assert resumed.weights_url != first.weights_url
    drawn = await outcome(fal, picture(weights_url=resumed.weights_url))
    assert isinstance(drawn, Succeeded)


async def test_a_training_tells_how_far_it_is(fal, sandbox, archive):
    await sandbox.timing(training_seconds=1.0)
    submitted = await submit(fal, training(archive_url=archive))
    seen = set()
    while (status := await fal.status(submitted)).state != "completed":
        seen.add(status.percent)
        await asyncio.sleep(0.05)
    assert {10, 50, 90} <= seen


async def test_a_waiting_request_tells_its_position(fal, sandbox):
    await sandbox.timing(concurrency=0)
    await submit(fal)
    second = await submit(fal)
    assert await fal.status(second) == ProviderStatus("queued", position=1)
    with pytest.raises(ProviderUnavailable, match="400"):
        await fal.fetch(second)


async def test_an_unsafe_image_is_withheld_and_the_others_are_not(fal, sandbox):
    await sandbox.faults({"fault": "unsafe", "params": {"images": [1]}})
    made = await outcome(fal, picture(quantity=3))
    assert isinstance(made, Succeeded)
    assert [image.withheld for image in made.images] == [False, True, False]


async def test_fewer_images_than_asked_are_no_failure(fal, sandbox):
    await sandbox.faults({"fault": "fewer_images", "params": {"count": 1}})
    made = await outcome(fal, picture(quantity=4))
    assert isinstance(made, Succeeded)
    assert len(made.images) == 1


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        ("content_policy_violation", "content_policy", False),
        ("file_download_error", "file_download_error", False),
        ("greater_than", "invalid_input", False),
        ("face_detection_error", "invalid_input", False),
        ("no_media_generated", "provider_error", False),
        ("generation_timeout", "provider_timeout", True),
        ("internal_server_error", "provider_error", True),
        ("downstream_service_error", "provider_error", True),
        ("startup_timeout", "provider_timeout", True),
        ("runner_disconnected", "provider_error", True),
        ("runner_server_error", "provider_error", True),
        ("internal_error", "provider_error", True),
    ],
)
async def test_a_failure_has_one_of_our_codes(fal, sandbox, kind, code, retryable):
    params = {"type": kind} if kind != "startup_timeout" else {"type": kind, "retryable": True}
    await sandbox.faults({"fault": "error", "params": params})
    failed = await outcome(fal)
    assert isinstance(failed, Failed)
    assert failed.code == code
    if kind != "startup_timeout":  # the stand-in's header decides, as fal's would
        assert failed.retryable is retryable


async def test_fals_word_on_trying_again_beats_our_table(fal, sandbox):
    params = {"type": "image_too_small", "retryable": True}
    await sandbox.faults({"fault": "error", "params": params})
    failed = await outcome(fal)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("invalid_input", True)


async def test_a_start_timeout_is_told_as_such(fal, sandbox):
    await sandbox.timing(concurrency=0)
    failed = await outcome(fal, picture(start_timeout=2))
    assert isinstance(failed, Failed)
    assert failed.code == "provider_timeout"


async def test_a_waiting_request_is_cancelled_and_a_completed_one_is_not(fal, sandbox):
    await sandbox.timing(concurrency=0)
    submitted = await submit(fal)
    assert await fal.cancel(submitted) is True
    await finished(fal, submitted)
    assert await fal.cancel(submitted) is False
    failed = await fal.fetch(submitted)
    assert isinstance(failed, Failed)
    assert failed.code == "provider_cancelled"
    assert await fal.cancel(fal.locate("fal-ai/flux/dev", "nobody-knows")) is False


async def test_a_request_whose_answer_was_lost_is_found_by_its_id(fal, sandbox):
    submitted = await submit(fal)
    assert fal.locate("fal-ai/flux/dev", submitted.request_id) == submitted
    with pytest.raises(ValueError, match="request id"):
        fal.locate("fal-ai/flux/dev", "../../other/app")


# One attempt is one POST

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


# Asking, when fal does not answer well


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
