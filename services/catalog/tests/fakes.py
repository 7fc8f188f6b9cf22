"""Catalog's stores in memory: copied in and out, so that what is not saved is not there."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.application.ports import Use, Work
from catalog.domain.models import Model
from contracts.catalog import Category, PreviewPublished, ReferenceModelChanged
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message


@dataclass
class State:
    models: dict[UUID, Model] = field(default_factory=dict)
    closed: dict[UUID, datetime] = field(default_factory=dict)
    references: dict[UUID, ReferenceModelChanged] = field(default_factory=dict)
    told_at: dict[UUID, datetime] = field(default_factory=dict)
    pictures: dict[str, PreviewPublished] = field(default_factory=dict)
    counted: dict[UUID, UUID] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)


@dataclass
class MemoryModels:
    state: State

    async def lock(self, ids: Collection[UUID]) -> dict[UUID, Model]:
        return {id_: deepcopy(self.state.models.get(id_, Model(id_))) for id_ in ids}

    async def page(self, after: UUID | None, limit: int) -> list[Model]:
        stored = sorted(self.state.models.values(), key=lambda model: model.id)
        return [deepcopy(model) for model in stored if after is None or model.id > after][:limit]

    async def save(self, models: Iterable[Model]) -> None:
        for model in models:
            if model.touched or model.changed:
                model.touched.clear()
                model.changed = False
                self.state.models[model.id] = deepcopy(model)

    async def close(self, team_ids: Collection[UUID], at: datetime) -> None:
        self.state.closed |= dict.fromkeys(team_ids, at)

    async def closed(self, team_ids: Collection[UUID]) -> set[UUID]:
        return self.state.closed.keys() & set(team_ids)

    async def of_teams(self, team_ids: Collection[UUID]) -> set[UUID]:
        stored = self.state.models.values()
        return {model.id for model in stored if model.origin and model.origin.team_id in team_ids}


@dataclass
class MemoryReferences:
    state: State

    async def lock_all(self) -> dict[UUID, ReferenceModelChanged]:
        return {id_: self._live(document) for id_, document in self.state.references.items()}

    async def lock_untold(self, before: datetime) -> list[ReferenceModelChanged]:
        stored = self.state.references.values()
        due = [document for document in stored if self.state.told_at[document.id] <= before]
        return [self._live(document) for document in due if self._live(document) != document]

    async def page(self, after: UUID | None, limit: int) -> list[ReferenceModelChanged]:
        stored = sorted(self.state.references.values(), key=lambda document: document.id)
        return [document for document in stored if after is None or document.id > after][:limit]

    async def save(self, documents: Sequence[ReferenceModelChanged], told_at: datetime) -> None:
        for document in documents:
            self.state.references[document.id] = document
            self.state.told_at[document.id] = told_at

    async def categories(self, ids: Collection[UUID]) -> dict[UUID, Category]:
        stored = self.state.references
        return {id_: stored[id_].category for id_ in ids if id_ in stored}

    async def count(self, uses: Sequence[Use]) -> None:
        for use in uses:
            reference = use.reference_model_id or self._reference_of(use.model_id)
            if reference in self.state.references:
                self.state.counted.setdefault(use.job_id, reference)

    def _live(self, document: ReferenceModelChanged) -> ReferenceModelChanged:
        return document.model_copy(update={"uses": Counter(self.state.counted.values())[document.id]})

    def _reference_of(self, model_id: UUID | None) -> UUID | None:
        model = self.state.models.get(model_id) if model_id else None
        return model.origin.reference_model_id if model and model.origin else None


@dataclass
class MemoryPictures:
    state: State

    async def keep(self, pictures: Sequence[PreviewPublished]) -> None:
        self.state.pictures |= {picture.sha256: picture for picture in pictures}

    async def named(self, names: Collection[str]) -> dict[str, PreviewPublished]:
        return {name: picture for name, picture in self.state.pictures.items() if name in names}


@dataclass
class MemoryOutbox:
    state: State

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        assert cause is None or cause.correlation_id
        self.state.said.append(message)

    def announce(self, fact: Fact) -> None:
        self.state.said.append(fact)


@dataclass
class Memory:
    state: State = field(default_factory=State)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        state = deepcopy(self.state)
        yield Work(MemoryModels(state), MemoryReferences(state), MemoryPictures(state), MemoryOutbox(state))
        self.state = state

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        said, self.state.said = self.state.said, []
        return said
