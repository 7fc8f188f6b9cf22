"""A team's own model: what is true of it follows from what its team asks and what its trainings tell."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from catalog.domain.trainings import Training
from contracts.catalog import Category, ModelChanged, ModelStatus, ModelVersion
from contracts.catalog import Training as InTraining
from contracts.jobs import JobChanged
from contracts.orders import Operation, Order, Recipe


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose model it is and what it was asked to be."""

    team_id: UUID
    user_id: UUID | None
    name: str
    description: str
    reference_model_id: UUID | None
    category: Category | None
    created_at: datetime


@dataclass(slots=True)
class Model:
    """A custom model and its trainings.

    `origin` is empty until its creation is heard of: a later training may be heard of before.
    `touched` names the trainings that differ from what is stored, `changed` tells whether its face does.
    A deleted model stays one, whatever is heard of its trainings.
    """

    id: UUID
    origin: Origin | None = None
    trainings: dict[UUID, Training] = field(default_factory=dict)
    version: int = 0
    active_version: int | None = None
    updated_at: datetime | None = None
    deleted: bool = False
    touched: set[UUID] = field(default_factory=set)
    changed: bool = False

    def held(
        self, order: Order, team_id: UUID, category: Category | None, at: datetime
    ) -> ModelChanged | None:
        """Take in that a training is paid for; return the model's new document if its face changed."""
        before = self.document()
        self._originate(order.operation, order.recipe, (team_id, order.user_id, category), at)
        if self._owned_by(team_id):
            self._training(order.job_id, order.operation, order.recipe)
        return self._changed(before, at)

    def job_changed(self, job: JobChanged, category: Category | None, at: datetime) -> ModelChanged | None:
        """Take in how a training stands; return the model's new document if its face changed."""
        before = self.document()
        self._originate(job.operation, job.recipe, (job.team_id, job.user_id, category), job.created_at)
        if self._owned_by(job.team_id):
            self._follow(self._training(job.id, job.operation, job.recipe), job)
        return self._changed(before, at)

    def describe(self, name: str | None, description: str | None, at: datetime) -> ModelChanged:
        """Give a model another name or description (None: as it is)."""
        before, origin = self._known()
        self.origin = replace(
            origin,
            name=origin.name if name is None else name,
            description=origin.description if description is None else description,
        )
        return self._changed(before, at) or before

    def activate(self, number: int, at: datetime) -> ModelChanged:
        """Make images with this version from now on; it must exist."""
        (before, _), self.active_version = self._known(), number
        return self._changed(before, at) or before

    def delete(self, at: datetime) -> ModelChanged:
        """Take a model away for good; what was made with it stays."""
        (before, _), self.deleted = self._known(), True
        return self._changed(before, at) or before

    def erase(self, at: datetime) -> ModelChanged | None:
        """Take a model away with all its words; return its new document if its face changed."""
        before = self.document()
        for training in self.trainings.values():
            if training.instructions or training.samples:
                training.instructions, training.samples = "", ()
                self.touched.add(training.job_id)
        if self.origin is not None:
            self.origin, self.deleted = replace(self.origin, user_id=None, name="", description=""), True
        return self._changed(before, at)

    @property
    def in_training(self) -> bool:
        """Whether a version is being trained, or waits to be."""
        return bool(self._open())

    @property
    def versions(self) -> list[Training]:
        """The trainings that became versions, oldest number first."""
        trained = (training for training in self.trainings.values() if training.number)
        return sorted(trained, key=lambda training: training.number or 0)

    def document(self) -> ModelChanged | None:
        """Describe the model as its team may see it, or None while its creation is not heard of."""
        if self.origin is None:
            return None
        origin = self.origin
        return ModelChanged(
            id=self.id,
            team_id=origin.team_id,
            user_id=origin.user_id,
            version=self.version,
            name=origin.name,
            description=origin.description,
            reference_model_id=origin.reference_model_id,
            category=origin.category,
            status=self._status(),
            reason="" if self.deleted else self._reason(),
            versions=() if self.deleted else tuple(_version(training) for training in self.versions),
            active_version=None if self.deleted else self.active_version,
            training=None if self.deleted else self._in_training(),
            created_at=origin.created_at,
            updated_at=self.updated_at or origin.created_at,
        )

    def _known(self) -> tuple[ModelChanged, Origin]:
        document = self.document()
        if document is None or self.origin is None:
            raise ValueError(f"model {self.id} is not known yet")
        return document, self.origin

    def _originate(
        self,
        operation: Operation,
        recipe: Recipe,
        owner: tuple[UUID, UUID | None, Category | None],
        at: datetime,
    ) -> None:
        if self.origin is None and operation is Operation.CREATE_MODEL:
            team_id, user_id, category = owner
            self.origin = Origin(
                team_id, user_id, recipe.name, recipe.description, recipe.reference_model_id, category, at
            )
            newest = self._newest()  # a refinement may have been heard of first
            self.active_version = newest.number if newest else None

    def _owned_by(self, team_id: UUID) -> bool:
        return self.origin is None or self.origin.team_id == team_id

    def _training(self, job_id: UUID, operation: Operation, recipe: Recipe) -> Training:
        if job_id not in self.trainings:
            self.trainings[job_id] = Training(job_id, operation, recipe.instructions)
            self.touched.add(job_id)
        return self.trainings[job_id]

    def _follow(self, training: Training, job: JobChanged) -> None:
        if not training.follow(job):
            return
        self.touched.add(training.job_id)
        if training.trained:
            training.number = self._next_number()
            if training is self._newest():
                self.active_version = training.number

    def _newest(self) -> Training | None:
        """Return the version trained last; its number is not the highest when the facts came out of order."""
        told = [(version.finished_at, version.job_id) for version in self.versions if version.finished_at]
        return self.trainings[max(told)[1]] if told else None

    def _next_number(self) -> int:
        return max((training.number or 0 for training in self.trainings.values()), default=0) + 1

    def _open(self) -> list[Training]:
        """Return what trains or waits to, in the order it was asked for: ids of jobs sort by their time."""
        return sorted((t for t in self.trainings.values() if t.shown), key=lambda t: t.job_id)

    def _status(self) -> ModelStatus:
        if self.deleted:
            return "deleted"
        if self.versions:
            return "ready"
        running = self._open()
        if any(training.started for training in running):
            return "training"
        return "pending" if running or not self._finished() else "failed"

    def _finished(self) -> list[Training]:
        told = (t for t in self.trainings.values() if t.finished_at and not t.refused_as_busy)
        return sorted(told, key=lambda t: (t.finished_at, t.job_id))

    def _reason(self) -> str:
        finished = self._finished()
        return finished[-1].failure if finished else ""

    def _in_training(self) -> InTraining | None:
        for training in self._open():
            return InTraining(
                job_id=training.job_id,
                number=self._next_number(),
                instructions=training.instructions,
                progress=training.progress,
            )
        return None

    def _changed(self, before: ModelChanged | None, at: datetime) -> ModelChanged | None:
        if self.origin is None or self.document() == before:
            return None
        self.version += 1
        self.updated_at, self.changed = at, True
        return self.document()


def _version(training: Training) -> ModelVersion:
    if training.number is None or training.finished_at is None:
        raise ValueError(f"job {training.job_id} has trained no version")
    return ModelVersion(
        number=training.number,
        job_id=training.job_id,
        instructions=training.instructions,
        samples=training.samples,
        trained_at=training.finished_at,
    )
