"""What fal answers, in our words. Sources: https://docs.fal.ai, pages on the queue, webhooks and errors."""

import json
import re
from collections.abc import Mapping
from typing import Any

from jobs.domain.calls import Failed, Outcome, ProviderImage, ProviderStatus, Succeeded

Body = dict[str, Any]

# Types of failure that are not the input's fault, with what we call them; any other type is `invalid_input`.
_CODES = {
    "content_policy_violation": "content_policy",
    "file_download_error": "file_download_error",
    "image_load_error": "file_download_error",
    "no_media_generated": "provider_error",
    "generation_timeout": "provider_timeout",
    "request_timeout": "provider_timeout",
    "startup_timeout": "provider_timeout",
    "client_cancelled": "provider_cancelled",
    "client_disconnected": "provider_cancelled",
}
_RETRYABLE = frozenset(
    {
        "downstream_service_error",
        "downstream_service_unavailable",
        "generation_timeout",
        "internal_error",
        "internal_server_error",
        "request_timeout",
        "startup_timeout",
    }
)
_PROVIDERS_FAULT = ("runner_", "internal_", "downstream_")
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3})(?:\.\d+)?\s*%")
_STEP = re.compile(r"(?<![\d/])(\d+)\s*/\s*(\d+)(?![\d/])")
_LINK = re.compile(r"https?://\S+")
_LONGEST_DETAIL = 300


def failure(body: object, headers: Mapping[str, str] | None = None) -> Failed | None:
    """Read a failure in either of fal's two shapes; None when it is not fal's model speaking."""
    headers = headers or {}
    shape = body if isinstance(body, dict) else {}
    kind, detail = _typed(shape)
    kind = kind or shape.get("error_type") or headers.get("x-fal-error-type")
    if not isinstance(kind, str):
        return None
    told = headers.get("x-fal-retryable", "").lower()
    retryable = told == "true" if told in {"true", "false"} else _retryable(kind)
    # Teams read the detail: a signed link of ours has no place in it.
    return Failed(_code(kind), _LINK.sub("(a link)", detail)[:_LONGEST_DETAIL], retryable)


def output(body: object) -> Succeeded | None:
    """Read the images or the weights of a result; None when it holds neither."""
    if not isinstance(body, dict):
        return None
    if isinstance(images := body.get("images"), list):
        return Succeeded(images=_images(body, images))
    if weights := _address(body.get("diffusers_lora_file")):
        return Succeeded(weights_url=weights, config_url=_address(body.get("config_file")))
    return None


def callback(text: str) -> Outcome | None:
    """Read the outcome a webhook carries; None when only the result tells. Raises ValueError if malformed."""
    body = json.loads(text)
    if not isinstance(body, dict) or body.get("status") not in {"OK", "ERROR"}:
        raise ValueError("not a webhook of fal's queue")
    return output(body.get("payload")) if body["status"] == "OK" else failure(body.get("payload"))


def status(body: object) -> ProviderStatus:
    """Read how far a request is. Raises ValueError for what is not an answer of the queue."""
    shape = body if isinstance(body, dict) else {}
    match shape.get("status"):
        case "IN_QUEUE":
            position = shape.get("queue_position")
            return ProviderStatus("queued", position=position if isinstance(position, int) else None)
        case "IN_PROGRESS":
            return ProviderStatus("running", percent=percent(shape.get("logs")))
        case "COMPLETED":
            return ProviderStatus("completed")
        case unknown:
            raise ValueError(f"unknown status {unknown!r}")


def percent(logs: object) -> int | None:
    """Read how much is done from the last line of a log that says so: `30%` or `step 300/1000`."""
    lines = logs if isinstance(logs, list) else []
    messages = (str(line.get("message")) for line in reversed(lines) if isinstance(line, dict))
    return next((found for found in map(_percent_of, messages) if found is not None), None)


def _percent_of(message: str) -> int | None:
    if told := _PERCENT.findall(message):
        return min(100, int(told[-1]))
    if steps := _STEP.findall(message):
        done, of = int(steps[-1][0]), int(steps[-1][1])
        return 100 * done // of if of > 0 and done <= of else None
    return None


def _images(body: Body, images: list[Any]) -> tuple[ProviderImage, ...]:
    flags = body.get("has_nsfw_concepts")
    unsafe = flags if isinstance(flags, list) else []
    seed = str(body["seed"]) if body.get("seed") is not None else None
    return tuple(
        ProviderImage(
            url=address,
            width=_size(image.get("width")),
            height=_size(image.get("height")),
            seed=seed,
            withheld=n < len(unsafe) and bool(unsafe[n]),
        )
        for n, image in enumerate(images)
        if (address := _address(image))
    )


def _size(value: object) -> int:
    return value if isinstance(value, int) else 0


def _address(file: object) -> str | None:
    url = file.get("url") if isinstance(file, dict) else None
    return url if isinstance(url, str) and url else None


def _typed(body: Body) -> tuple[str | None, str]:
    """Type and words of a failure: `detail` is a list of typed details, or one line."""
    detail = body.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        place = detail[0].get("loc")
        where = ".".join(str(part) for part in place[1:]) if isinstance(place, list) else ""
        words = str(detail[0].get("msg", ""))
        return detail[0].get("type"), f"{where}: {words}" if where else words
    return None, detail if isinstance(detail, str) else ""


def _code(kind: str) -> str:
    if kind.startswith(_PROVIDERS_FAULT):
        return _CODES.get(kind, "provider_error")
    return _CODES.get(kind, "invalid_input")


def _retryable(kind: str) -> bool:
    return kind in _RETRYABLE or kind.startswith("runner_")
