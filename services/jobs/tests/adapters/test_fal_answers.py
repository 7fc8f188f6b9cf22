import json

import pytest

from jobs.adapters.outbound.fal import answers
from jobs.domain.calls import Failed, ProviderImage, ProviderStatus, Succeeded


def webhook(**fields) -> str:
    return json.dumps({"request_id": "r", "gateway_request_id": "r", **fields})


def test_a_webhook_carries_images_and_which_are_withheld():
    images = [{"url": "https://f/1.jpg", "width": 64, "height": 48}, {"url": "https://f/2.jpg"}]
    payload = {"images": images, "seed": 15860307465884635512, "has_nsfw_concepts": [False, True]}
    assert answers.callback(webhook(status="OK", payload=payload)) == Succeeded(
        images=(
            ProviderImage("https://f/1.jpg", 64, 48, "15860307465884635512", withheld=False),
            ProviderImage("https://f/2.jpg", 0, 0, "15860307465884635512", withheld=True),
        )
    )


def test_a_webhook_carries_weights():
    payload = {"diffusers_lora_file": {"url": "https://f/w"}, "config_file": {"url": "https://f/c"}}
    made = answers.callback(webhook(status="OK", payload=payload))
    assert made == Succeeded(weights_url="https://f/w", config_url="https://f/c")


def test_a_webhook_carries_what_was_wrong_with_the_input():
    detail = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    failed = answers.callback(webhook(status="ERROR", error="422", payload={"detail": detail}))
    assert failed == Failed("content_policy", "prompt: flagged", retryable=False)


@pytest.mark.parametrize("loc", [None, "body", 3, {}])
def test_a_fault_without_a_place_is_told_all_the_same(loc):
    detail = [{"loc": loc, "msg": "too dark", "type": "image_too_small"}]
    assert answers.failure({"detail": detail}) == Failed("invalid_input", "too dark")


def test_a_webhook_carries_a_failure_of_the_machinery():
    payload = {"detail": "runner gone", "error_type": "runner_disconnected"}
    failed = answers.callback(webhook(status="ERROR", error="503", payload=payload))
    assert failed == Failed("provider_error", "runner gone", retryable=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "OK", "payload": None, "payload_error": "not serializable"},
        {"status": "OK", "payload": {"something": "else"}},
        {"status": "ERROR", "payload": None, "error": "Unexpected status code: 500"},
        {"status": "ERROR", "payload": {"detail": "words only"}, "error": "500"},
    ],
)
def test_a_webhook_that_does_not_say_it_all_sends_us_to_the_result(fields):
    assert answers.callback(webhook(**fields)) is None


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"status": "MAYBE"}', '{"status": "OK", "payl', "12"]
)
def test_a_malformed_webhook_is_no_answer(body):
    with pytest.raises(ValueError):  # noqa: PT011 (whatever the parser says)
        answers.callback(body)


@pytest.mark.parametrize(
    "payload",
    [
        {"images": [None, 7, {"url": None}, {"url": 7}, {}]},
        {"images": [], "has_nsfw_concepts": "yes"},
        {"images": [{"url": "", "width": "wide"}], "seed": None},
    ],
)
def test_images_without_an_address_are_none(payload):
    assert answers.output(payload) == Succeeded(images=())


def test_a_failure_does_not_show_our_signed_links():
    detail = [
        {"loc": ["body"], "msg": "cannot load https://s3/x?X-Amz-Signature=abc !", "type": "image_load_error"}
    ]
    assert answers.failure({"detail": detail}) == Failed("file_download_error", "cannot load (a link) !")


@pytest.mark.parametrize("detail", [[], [7], ["x"], {}, None, [{"type": 7}]])
def test_a_failure_that_names_no_type_is_not_the_models(detail):
    assert answers.failure({"detail": detail}) is None


@pytest.mark.parametrize(
    ("lines", "percent"),
    [
        ([], None),
        (["Loading"], None),
        (["step 300/1000"], 30),
        (["step 10/1000", "step 999/1000"], 99),
        (["30%", "saving"], 30),
        (["  7%|####      | 70/1000 [00:02<00:10]"], 7),
        (["55.5 %"], 55),
        (["250%"], 100),
        (["2026/11/22 began"], None),
        (["5/0"], None),
    ],
)
def test_progress_is_read_from_the_log(lines, percent):
    assert answers.percent([{"message": line} for line in lines]) == percent


def test_a_log_of_any_shape_is_survived():
    assert answers.percent(None) is None
    assert answers.percent([None, {"text": "30%"}, 7]) is None


def test_an_unknown_status_is_no_answer():
    assert answers.status({"status": "COMPLETED"}) == ProviderStatus("completed")
    with pytest.raises(ValueError, match="unknown status"):
        answers.status({"status": "PONDERING"})
