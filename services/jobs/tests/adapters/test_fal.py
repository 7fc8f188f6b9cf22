"""What fal is asked for and answers, against the sandbox."""

import asyncio
import json

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from services.jobs.tests.calls import finished, picture, submit

from contracts.orders import Size
from jobs.adapters.outbound.fal import Fal
from jobs.adapters.outbound.images import PillowImages
from jobs.application.ports import ProviderUnavailable, SubmitRefused
from jobs.domain.calls import Failed, ProviderCall, ProviderStatus, StepKind, Succeeded

HUGE_SEED = "15860307465884635512"


def training(**changes) -> ProviderCall:
    return ProviderCall(kind=StepKind.TRAIN, start_timeout=600, trigger_word="ATLR", **changes)


async def outcome(fal: Fal, call: ProviderCall | None = None):
    submitted = await submit(fal, call)
    await finished(fal, submitted)
    return await fal.fetch(submitted)


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
