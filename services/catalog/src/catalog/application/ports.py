"""What the use cases need."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from catalog.domain.models import Model
from contracts.catalog import Category, PreviewPublished, ReferenceModelChanged
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message


@dataclass(frozen=True, slots=True)
class Use:
    """A completed job: it counts for its reference model, or else for that of its custom model."""

    job_id: UUID
    reference_model_id: UUID | None
    model_id: UUID | None


class Models(Protocol):
    """The teams' own models."""

    async def lock(self, ids: Collection[UUID]) -> dict[UUID, Model]:
        """Lock and load each model; one not heard of yet comes as a new one, and is locked as well."""

    async def page(self, after: UUID | None, limit: int) -> list[Model]:
        """Load the announced models that follow an id, in the order of their ids, without locking them."""

    async def save(self, models: Iterable[Model]) -> None:
        """Store the models and the trainings that were touched."""

    async def close(self, team_ids: Collection[UUID], at: datetime) -> None:
        """Remember for good that teams are closed, and let nobody else store models of theirs meanwhile."""

    async def closed(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed; the others stay open until the transaction ends."""

    async def of_teams(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Find the models of these teams."""


class References(Protocol):
    """The curated models, each as its newest document."""

    async def lock_all(self) -> dict[UUID, ReferenceModelChanged]:
        """Lock the whole collection against other writers and load it."""

    async def lock_untold(self, before: datetime) -> list[ReferenceModelChanged]:
        """Lock and load those whose uses have changed and were last told before then; skip locked ones."""

    async def page(self, after: UUID | None, limit: int) -> list[ReferenceModelChanged]:
        """Load those that follow an id, in the order of their ids, with the uses last told."""

    async def save(self, documents: Sequence[ReferenceModelChanged], told_at: datetime) -> None:
        """Store the documents; their uses count as told."""

    async def categories(self, ids: Collection[UUID]) -> dict[UUID, Category]:
        """Look up the category of each curated model that is known."""

    async def count(self, uses: Sequence[Use]) -> None:
        """Count each completed job once, however often it comes."""


class Pictures(Protocol):
    """The pictures of curated models, each named by its bytes; retired models keep theirs."""

    async def keep(self, pictures: Sequence[PreviewPublished]) -> None:
        """Keep each picture, once."""

    async def named(self, names: Collection[str]) -> dict[str, PreviewPublished]:
        """Load the pictures that are kept under these names."""


class Outbox(Protocol):
    """What is said once the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say the message, in answer to its cause."""

    def announce(self, fact: Fact) -> None:
        """Say a document once more, to those who repair what they keep of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction on everything catalog owns."""

    models: Models
    references: References
    pictures: Pictures
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]
