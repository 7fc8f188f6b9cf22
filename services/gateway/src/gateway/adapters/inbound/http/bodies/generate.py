"""What a client sends to have images made."""

from typing import Annotated, Self
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
)
from gateway.adapters.inbound.http.bodies.jobs import Job

Side = Annotated[int, Field(ge=64, le=2048, strict=True)]
SeedNumber = Annotated[int, Field(ge=0, lt=2**64, strict=True)]
SeedText = Annotated[str, Field(pattern=r"^[0-9]{1,20}$", description="Seeds exceed 53 bits: text is safer")]
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


class GenerateBody(Strict):
    """A prompt, and what to make of it: exactly one of `model_id` and `reference_model_id` is given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_id": "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f",
                    "prompt": "at the harbour at dawn, soft light",
                    "count": 4,
                    "max_credits": 8,
                }
            ]
        }
    )

    model_id: UUID | None = None
    version: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    reference_model_id: UUID | None = None
    prompt: Prompt
    negative_prompt: LongText = ""
    count: Annotated[int, Field(ge=1, le=16, strict=True)] = 1
    size: SizeWanted = SizeWanted()
    quality: Quality = "standard"
    format: ImageFormat = "jpeg"
    seed: SeedText | SeedNumber | None = None
    reference_upload_key: UploadKey | None = None
    max_credits: MaxCredits | None = None
    quote_id: QuoteId | None = None

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.model_id is None) == (self.reference_model_id is None):
            raise ValueError("give exactly one of model_id and reference_model_id")
        if self.version is not None and self.model_id is None:
            raise ValueError("only a model of your own has versions")
        return self

    def recipe(self) -> Recipe:
        """Write down what is to be made."""
        return Recipe(
            model_id=self.model_id,
            version=self.version,
            reference_model_id=self.reference_model_id,
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            seed=None if self.seed is None else str(self.seed),
            size=Size(width=self.size.width, height=self.size.height),
            quality=self.quality,
            format=self.format,
            reference_key=self.reference_upload_key,
        )


class Generating(Body):
    """The jobs that were asked for; `request_id` follows them through logs and traces."""

    request_id: UUID
    jobs: list[Job]
