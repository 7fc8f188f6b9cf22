"""Reference models and custom models as clients see and make them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from contracts.catalog import (
    Category,
    ModelChanged,
    ModelStatus,
    ModelVersion,
    ReferenceModelChanged,
    Training,
)
from contracts.orders import Recipe
from gateway.adapters.inbound.http.bodies.common import (
    Body,
    LongText,
    MaxCredits,
    Name,
    QuoteId,
    Strict,
    UploadKey,
)
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.rules import UNIQUE, all_of, any_of, given, left_out, ruled
from gateway.application.ports import Links


class ReferenceModel(Body):
    """A curated model anyone may start from."""

    id: UUID
    slug: str
    name: str
    category: Category
    description: str
    tags: list[str]
    prompt_recipe: str
    negative_prompt: str
    uses: int
    preview_url: str
    created_at: datetime
    retired: bool

    @classmethod
    def of(cls, model: ReferenceModelChanged) -> Self:
        """Show a reference model."""
        known = model.model_dump(exclude={"version", "preview"})
        # The picture's own name makes the address change when the picture does, so it may be cached for ever.
        return cls(**known, preview_url=f"/api/reference-models/{model.id}/preview?v={model.preview[:16]}")


class Version(Body):
    """One trained state of a model; `samples` are links to what it makes."""

    number: int
    job_id: UUID
    instructions: str
    samples: list[str]
    trained_at: datetime

    @classmethod
    def of(cls, version: ModelVersion, links: Links) -> Self:
        """Show a version."""
        samples = [links.read(key) for key in version.samples]
        return cls(**version.model_dump(exclude={"samples"}), samples=samples)


class Model(Body):
    """A team's own model; ready as soon as one version is, also while another is trained."""

    id: UUID
    name: str
    description: str
    reference_model_id: UUID | None
    category: Category | None
    status: ModelStatus
    reason: str
    active_version: int | None
    versions: list[Version]
    training: Training | None
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Of this description, not of the model")

    @classmethod
    def of(cls, model: ModelChanged, links: Links) -> Self:
        """Show a model."""
        versions = [Version.of(version, links) for version in model.versions]
        return cls(**model.model_dump(exclude={"team_id", "user_id", "versions"}), versions=versions)


class CreateModelBody(Strict):
    """A model from a reference model and a description, or trained on 4 to 40 images of one's own."""

    model_config = ruled(
        any_of(
            all_of(given("reference_model_id"), given("description", pattern=r"\S"), left_out("upload_keys")),
            given("upload_keys", minItems=4),
        ),
        examples=[
            {
                "name": "Harbour portraits",
                "description": "a calm woman in her thirties with short red hair",
                "reference_model_id": "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f",
                "max_credits": 100,
            }
        ],
    )

    name: Name
    description: LongText = ""
    reference_model_id: UUID | None = None
    upload_keys: Annotated[tuple[UploadKey, ...], Field(max_length=40, json_schema_extra=UNIQUE)] = ()
    max_credits: MaxCredits | None = None
    quote_id: QuoteId | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if len(set(self.upload_keys)) != len(self.upload_keys):
            raise ValueError("each upload may be given once")
        if self.upload_keys and len(self.upload_keys) < 4:
            raise ValueError("training needs 4 to 40 images")
        if not self.upload_keys and (self.reference_model_id is None or not self.description):
            raise ValueError("give a reference_model_id and a description, or 4 to 40 upload_keys")
        return self

    def recipe(self, model_id: UUID) -> Recipe:
        """Write down what is to be made."""
        return Recipe(
            model_id=model_id,
            reference_model_id=self.reference_model_id,
            name=self.name,
            description=self.description,
            upload_keys=self.upload_keys,
        )


class RefineModelBody(Strict):
    """What the next version is to do better: instructions, further images, or both."""

    model_config = ruled(
        any_of(given("instructions", pattern=r"\S"), given("upload_keys", minItems=1)),
        examples=[{"instructions": "softer light, freckles", "max_credits": 50}],
    )

    instructions: LongText = ""
    upload_keys: Annotated[tuple[UploadKey, ...], Field(max_length=40)] = ()
    max_credits: MaxCredits | None = None
    quote_id: QuoteId | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.instructions and not self.upload_keys:
            raise ValueError("give instructions, upload_keys or both")
        return self

    def recipe(self, model_id: UUID) -> Recipe:
        """Write down what is to change."""
        return Recipe(model_id=model_id, instructions=self.instructions, upload_keys=self.upload_keys)


class UpdateModelBody(Strict):
    """Another name, another description, or both."""

    model_config = ruled(
        any_of(given("name"), given("description")), examples=[{"name": "Harbour portraits, winter"}]
    )

    name: Name | None = None
    description: LongText | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.name is None and self.description is None:
            raise ValueError("give a name, a description or both")
        return self


class Making(Body):
    """A model, and the job that trains it; `request_id` follows them through logs and traces."""

    request_id: UUID
    model: Model
    job: Job
