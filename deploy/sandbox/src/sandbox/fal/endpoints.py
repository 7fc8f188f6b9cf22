"""Which models the account can call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.fal.generation import generate
from sandbox.fal.inputs import (
    FastTraining,
    LoraImageToImage,
    LoraTextToImage,
    PortraitTraining,
    TextToImage,
    parse,
)
from sandbox.fal.outcomes import Outcome
from sandbox.fal.records import Submit
from sandbox.fal.studio import Studio
from sandbox.fal.training import train


@dataclass(frozen=True)
class Endpoint:
    """One model: how long it takes, how many steps it shows, and what it does."""

    run: Callable[[Submit, Studio], Awaitable[Outcome]]
    trains: bool = False

    def seconds(self, studio: Studio) -> float:
        """How long a run takes."""
        return studio.timing.training_seconds if self.trains else studio.timing.image_seconds

    def steps(self, arguments: dict[str, Any]) -> int:
        """How many steps the log counts; the input is not yet checked."""
        steps = arguments.get("steps" if self.trains else "num_inference_steps")
        usual = 1000 if self.trains else 28
        return steps if isinstance(steps, int) and steps > 0 else usual


def _pictures(model: type[TextToImage]) -> Endpoint:
    async def run(submit: Submit, studio: Studio) -> Outcome:
        return await generate(submit, parse(model, submit.input), studio)

    return Endpoint(run)


def _trainer(model: type[FastTraining] | type[PortraitTraining]) -> Endpoint:
    async def run(submit: Submit, studio: Studio) -> Outcome:
        return await train(submit, parse(model, submit.input), studio)

    return Endpoint(run, trains=True)


ENDPOINTS = {
    "fal-ai/flux/dev": _pictures(TextToImage),
    "fal-ai/flux-lora": _pictures(LoraTextToImage),
    "fal-ai/flux-lora/image-to-image": _pictures(LoraImageToImage),
    "fal-ai/flux-lora-fast-training": _trainer(FastTraining),
    "fal-ai/flux-lora-portrait-trainer": _trainer(PortraitTraining),
}
APPS = {"/".join(endpoint.split("/")[:2]) for endpoint in ENDPOINTS}
