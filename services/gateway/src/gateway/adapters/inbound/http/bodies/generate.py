"""What a client sends to have images made."""

import secrets
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from contracts.orders import ImageFormat, Quality, Recipe, Size
from gateway.adapters.inbound.http.bodies.common import (
    Body,
    LongText,
    MaxCredits,
    Prompt,
    QuoteId,
    Strict,
    UploadKey,
    Whole,
)
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.rules import UNIQUE, any_of, given, left_out, one_of, ruled

Side = Annotated[int, Field(ge=64, le=2048, strict=True), Whole]
SeedNumber = Annotated[int, Field(ge=0, lt=2**53, strict=True), Whole]
SeedText = Annotated[
    str, Field(pattern=r"^[0-9]{1,20}$", description="Seeds of more than 53 bits are exact as text only")
]
VersionNumber = Annotated[int, Field(ge=1, le=100_000, strict=True), Whole]
_MOST_PIXELS = 2 * 1024 * 1024


class SizeWanted(Strict):
    """Width and height in pixels; at most 2 megapixels (2 x 1024 x 1024)."""

    width: Side = 1024
    height: Side = 1024

    @model_validator(mode="after")
    def _not_too_large(self) -> Self:
        if self.width * self.height > _MOST_PIXELS:
            raise ValueError("an image has at most 2 megapixels")
        return self


class Picture(Strict):
    """How images are to be made, whatever they show."""

    negative_prompt: LongText = ""
    count: Annotated[int, Field(ge=1, le=16, strict=True, description="Images of each prompt"), Whole] = 1
    size: SizeWanted = SizeWanted()
    quality: Quality = "standard"
    format: ImageFormat = "jpeg"
    seed: SeedText | SeedNumber | None = None
    reference_upload_key: UploadKey | None = None
    max_credits: MaxCredits | None = None
    quote_id: QuoteId | None = None

    def of(self, prompt: str, **source: Any) -> Recipe:  # noqa: ANN401 - fields of a recipe
        """Write down what is to be made of one prompt."""
        return Recipe(
            **source,
            prompt=prompt,
            negative_prompt=self.negative_prompt,
            seed=None if self.seed is None else str(self.seed),
            size=Size(width=self.size.width, height=self.size.height),
            quality=self.quality,
            format=self.format,
            reference_key=self.reference_upload_key,
        )


class GenerateBody(Picture):
    """What to make: exactly one of `model_id` and `reference_model_id`, and of `prompt` and `prompts`.

    Several prompts are a batch: each becomes a job of its own, and all are paid for or none.
    """

    model_config = ruled(
        one_of(given("model_id"), given("reference_model_id")),
        any_of(given("model_id"), left_out("version")),
        one_of(given("prompt"), given("prompts", minItems=1)),
        examples=[
            {
                "model_id": "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f",
                "prompt": "at the harbour at dawn, soft light",
                "count": 4,
                "max_credits": 8,
            },
            {
                "reference_model_id": "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f",
                "prompts": ["on a bridge in the rain", "in a greenhouse at noon"],
                "count": 2,
                "max_credits": 8,
            },
        ],
    )

    model_id: UUID | None = None
    version: VersionNumber | None = None
    reference_model_id: UUID | None = None
    prompt: Prompt | None = None
    prompts: Annotated[tuple[Prompt, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.model_id is None) == (self.reference_model_id is None):
            raise ValueError("give exactly one of model_id and reference_model_id")
        if self.version is not None and self.model_id is None:
            raise ValueError("only a model of your own has versions")
        return self

    @model_validator(mode="after")
    def _prompted(self) -> Self:
        if (self.prompt is None) == (not self.prompts):
            raise ValueError("give exactly one of prompt and prompts")
        return self

    def recipes(self) -> list[Recipe]:
        """Write down what each job is to make."""
        prompts = self.prompts if self.prompt is None else (self.prompt,)
        source = {
            "model_id": self.model_id,
            "version": self.version,
            "reference_model_id": self.reference_model_id,
        }
        return [self.of(prompt, **source) for prompt in prompts]


class CompareBody(Picture):
    """One prompt and one seed for 2 to 4 versions of a model; without a seed one is drawn for all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"versions": [1, 2], "prompt": "at the harbour at dawn", "max_credits": 4}]
        }
    )

    versions: Annotated[
        tuple[VersionNumber, ...], Field(min_length=2, max_length=4, json_schema_extra=UNIQUE)
    ]
    prompt: Prompt

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("give each version once")
        return self

    def recipes(self, model_id: UUID) -> list[Recipe]:
        """Write down what each version is to make, all with the same seed."""
        seed = str(secrets.randbits(63)) if self.seed is None else str(self.seed)
        recipes = (self.of(self.prompt, model_id=model_id, version=version) for version in self.versions)
        return [recipe.model_copy(update={"seed": seed}) for recipe in recipes]


class Generating(Body):
    """The jobs that were asked for, in that order; `request_id` follows them through logs and traces."""

    request_id: UUID
    jobs: list[Job]
