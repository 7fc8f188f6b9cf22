"""The messages of catalog: curated reference models and the teams' own models."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.message import Command, Document, Fact, Value

Category = Literal["fashion", "fitness", "beauty", "lifestyle", "business"]
ModelStatus = Literal["accepted", "pending", "training", "ready", "failed", "deleted"]


class ReferenceModelChanged(Document):
    """A curated model anyone may start from.

    `prompt_recipe` is a template with one `{prompt}`; `preview` names the picture (the SHA-256 of its bytes);
    `uses` counts completed jobs and is told at most once a minute.
    """

    type: ClassVar[str] = "catalog.reference-model-changed.v1"

    id: UUID
    slug: str
    name: str
    category: Category
    description: str
    tags: tuple[str, ...]
    prompt_recipe: str
    negative_prompt: str = ""
    preview: str
    uses: int = 0
    created_at: datetime
    retired: bool = False

    @property
    def subject(self) -> str:
        """The reference model."""
        return str(self.id)


class PreviewPublished(Fact):
    """The picture of a reference model, named by the SHA-256 of its bytes; `data` is base64."""

    type: ClassVar[str] = "catalog.preview-published.v1"

    sha256: str
    content_type: str
    data: str

    @property
    def subject(self) -> str:
        """The picture's name."""
        return self.sha256


class ModelVersion(Value):
    """One trained state of a custom model: how it came to be, and image keys of what it makes."""

    number: int
    job_id: UUID
    instructions: str = ""
    samples: tuple[str, ...] = ()
    trained_at: datetime


class Training(Value):
    """The version being trained."""

    job_id: UUID
    number: int
    instructions: str = ""
    progress: int = 0


class ModelChanged(Document):
    """A team's own model. Ready as soon as one version is, and it stays so while another trains."""

    type: ClassVar[str] = "catalog.model-changed.v1"

    id: UUID
    team_id: UUID
    user_id: UUID | None = None
    name: str
    description: str
    reference_model_id: UUID | None = None
    category: Category | None = None
    status: ModelStatus
    reason: str = ""
    versions: tuple[ModelVersion, ...] = ()
    active_version: int | None = None
    training: Training | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def subject(self) -> str:
        """The model."""
        return str(self.id)


class UpdateModel(Command):
    """Asks catalog to rename or describe a model anew (None: as it is).

    Answered by the model's document or `catalog.refused`.
    """

    type: ClassVar[str] = "catalog.update-model.v1"

    request_id: UUID
    team_id: UUID
    model_id: UUID
    name: str | None = None
    description: str | None = None

    @property
    def subject(self) -> str:
        """The model."""
        return str(self.model_id)


class DeleteModel(Command):
    """Asks catalog to delete a model; what was made with it stays.

    While a version trains it is refused (`model_busy`), or with `cancel_jobs` the training is cancelled.
    """

    type: ClassVar[str] = "catalog.delete-model.v1"

    request_id: UUID
    team_id: UUID
    model_id: UUID
    cancel_jobs: bool = False

    @property
    def subject(self) -> str:
        """The model."""
        return str(self.model_id)


class ActivateVersion(Command):
    """Asks catalog to make images with this version from now on, unless another is named."""

    type: ClassVar[str] = "catalog.activate-version.v1"

    request_id: UUID
    team_id: UUID
    model_id: UUID
    version: int

    @property
    def subject(self) -> str:
        """The model."""
        return str(self.model_id)


class CatalogRefused(Fact):
    """Catalog will not do what a request asked."""

    type: ClassVar[str] = "catalog.refused.v1"

    request_id: UUID
    about: UUID
    code: str
    detail: str

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)
