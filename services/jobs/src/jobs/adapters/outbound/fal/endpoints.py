"""Which of fal's models does which of our calls, and how our words are called there.

Sources: the models' own schemas, https://fal.ai/models/<endpoint>/api. None of them takes a negative prompt.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.orders import Size
from jobs.domain.calls import ProviderCall, StepKind

Arguments = dict[str, Any]

_STEPS = {"draft": 12, "standard": 28, "high": 40}
_USUAL_SIZE = Size(width=1024, height=1024)
_TRAINING_STEPS = 1000
_REFERENCE_STRENGTH = 0.85
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of fal's models; its files are kept for `keep_seconds`, for ever when that is None."""

    id: str
    arguments: Callable[[ProviderCall], Arguments]
    keep_seconds: int | None

    def headers(self) -> dict[str, str]:
        """Tell fal how long to keep the files it makes."""
        lifecycle = json.dumps({"expiration_duration_seconds": self.keep_seconds})
        return {"X-Fal-Object-Lifecycle-Preference": lifecycle}


def endpoint_for(call: ProviderCall) -> Endpoint:
    """Choose the model that does a call."""
    if call.kind is StepKind.TRAIN:
        return _TRAIN
    if call.reference_url:
        return _FROM_PICTURE
    return _WITH_WEIGHTS if call.weights_url else _PLAIN


def _picture(call: ProviderCall) -> Arguments:
    size = call.size or _USUAL_SIZE
    arguments: Arguments = {
        "prompt": call.prompt,
        "num_images": call.quantity,
        "image_size": {"width": size.width, "height": size.height},
        "num_inference_steps": _STEPS[call.quality],
        "output_format": call.format,
        "enable_safety_checker": True,
        "sync_mode": False,
    }
    if call.seed is not None:
        arguments["seed"] = int(call.seed)
    return arguments


def _with_weights(call: ProviderCall) -> Arguments:
    loras = [{"path": call.weights_url, "scale": 1.0}] if call.weights_url else []
    return _picture(call) | {"loras": loras}


def _from_picture(call: ProviderCall) -> Arguments:
    return _with_weights(call) | {"image_url": call.reference_url, "strength": _REFERENCE_STRENGTH}


def _training(call: ProviderCall) -> Arguments:
    arguments: Arguments = {
        "images_data_url": call.archive_url,
        "trigger_phrase": call.trigger_word,
        "steps": _TRAINING_STEPS,
    }
    if call.checkpoint_url:
        arguments["resume_from_checkpoint"] = call.checkpoint_url
    return arguments


# Pictures are on our own storage within minutes. Weights stay: a stable address keeps them in fal's cache.
_PLAIN = Endpoint("fal-ai/flux/dev", _picture, _DAY)
_WITH_WEIGHTS = Endpoint("fal-ai/flux-lora", _with_weights, _DAY)
_FROM_PICTURE = Endpoint("fal-ai/flux-lora/image-to-image", _from_picture, _DAY)
_TRAIN = Endpoint("fal-ai/flux-lora-portrait-trainer", _training, None)
