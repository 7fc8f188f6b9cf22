from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.domain.models import Model, Origin
from catalog.domain.trainings import Training
from chassis.connection import Connection, RowMapping
from chassis.lifting import floor
from chassis.statement import Statement, text
from contracts.orders import Operation

# The ids are locked, not the rows: a model not heard of yet must have one writer at a time as well.
LOCK = text(
    """
    select pg_advisory_xact_lock(hashtextextended('catalog.models ' || id, 0))
    from (select unnest(cast(:ids as uuid[])) as id order by 1) as wanted
    """
)
MODELS = text("select * from catalog.models where id = any(cast(:ids as uuid[]))")
# Those who lift versions know the rows alone.
LOCK_ROWS = text(f"{MODELS.text} order by id for no key update")
TRAININGS = text("select * from catalog.trainings where model_id = any(cast(:ids as uuid[]))")
PAGE = text(
    """
    select id from catalog.models where id > coalesce(:after, cast(:least as uuid)) order by id limit :limit
    """
)
# Shared by those who store models of a team, alone for who closes it: none is stored unseen in between.
FENCE = """
    select {lock}(hashtextextended('catalog.teams ' || id, 0))
    from (select unnest(cast(:ids as uuid[])) as id order by 1) as wanted
"""
ENTER, CLOSE = (
    text(FENCE.format(lock="pg_advisory_xact_lock_shared")),
    text(FENCE.format(lock="pg_advisory_xact_lock")),
)
NOTE_CLOSED = text(
    """
    insert into catalog.closed_teams (team_id, closed_at)
    select unnest(cast(:ids as uuid[])), :at on conflict do nothing
    """
)
CLOSED = text("select team_id from catalog.closed_teams where team_id = any(cast(:ids as uuid[]))")
OF_TEAMS = text("select id from catalog.models where team_id = any(cast(:ids as uuid[]))")
SAVE_TRAINING = text(
    """
    insert into catalog.trainings (job_id, model_id, operation, instructions, seen, started, progress, code,
        failure, finished_at, number, samples)
    values (:job_id, :model_id, :operation, :instructions, :seen, :started, :progress, :code,
        :failure, :finished_at, :number, cast(:samples as text[]))
    on conflict (job_id) do update set instructions = excluded.instructions,
        seen = excluded.seen, started = excluded.started,
        progress = excluded.progress, code = excluded.code, failure = excluded.failure,
        finished_at = excluded.finished_at, number = excluded.number, samples = excluded.samples
    """
)
SAVE_MODEL = text(
    """
    insert into catalog.models (id, team_id, user_id, name, description, reference_model_id, category,
        status, version, active_version, created_at, updated_at)
    values (:id, :team_id, :user_id, :name, :description, :reference_model_id, :category,
        :status, :version, :active_version, :created_at, :updated_at)
    on conflict (id) do update set user_id = excluded.user_id, name = excluded.name,
        description = excluded.description,
        status = excluded.status, version = excluded.version, active_version = excluded.active_version,
        updated_at = excluded.updated_at
    """
)
COLUMNS = {"id", "team_id", "user_id", "name", "description", "reference_model_id", "category", "status"}
COLUMNS |= {"version", "active_version", "created_at", "updated_at"}


@dataclass(frozen=True, slots=True)
class PostgresModels:
    """The teams' own models in the schema `catalog`."""

    connection: Connection

    async def lock(self, ids: Collection[UUID]) -> dict[UUID, Model]:
        """Lock and load each model; one not heard of yet comes as a new one, and is locked as well."""
        if not ids:
            return {}
        await self.connection.execute(LOCK, {"ids": list(ids)})
        models = await self._load(ids, LOCK_ROWS)
        unheard = [model for model in models.values() if not model.version]
        if unheard:
            begins = await floor(self.connection, "catalog")
            for model in unheard:
                model.version = begins  # a backup may have forgotten it, and others have not
        return models

    async def page(self, after: UUID | None, limit: int) -> list[Model]:
        """Load the announced models that follow an id."""
        wanted = {"after": after, "least": UUID(int=0), "limit": limit}
        ids = list((await self.connection.execute(PAGE, wanted)).scalars())
        return list((await self._load(ids)).values())

    async def close(self, team_ids: Collection[UUID], at: datetime) -> None:
        """Remember for good that teams are closed, and let nobody else store models of theirs meanwhile."""
        await self.connection.execute(CLOSE, {"ids": list(team_ids)})
        await self.connection.execute(NOTE_CLOSED, {"ids": sorted(team_ids), "at": at})

    async def closed(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed; the others stay open until the transaction ends."""
        if not team_ids:
            return set()
        await self.connection.execute(ENTER, {"ids": list(team_ids)})
        return set((await self.connection.execute(CLOSED, {"ids": list(team_ids)})).scalars())

    async def of_teams(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Find the models of these teams."""
        return set((await self.connection.execute(OF_TEAMS, {"ids": list(team_ids)})).scalars())

    async def _load(self, ids: Collection[UUID], read: Statement = MODELS) -> dict[UUID, Model]:
        wanted = {"ids": list(ids)}
        models = {id_: Model(id_) for id_ in ids}
        for row in (await self.connection.execute(read, wanted)).mappings():
            models[row["id"]] = _model(row)
        for row in (await self.connection.execute(TRAININGS, wanted)).mappings():
            models[row["model_id"]].trainings[row["job_id"]] = _training(row)
        return models

    async def save(self, models: Iterable[Model]) -> None:
        """Store the models and the trainings that were touched."""
        touched = [model for model in models if model.touched or model.changed]
        trainings = [_training_row(model, job_id) for model in touched for job_id in model.touched]
        documents = [document for model in touched if (document := model.document())]
        if trainings:
            await self.connection.execute(SAVE_TRAINING, trainings)
        if documents:
            rows = [document.model_dump(include=COLUMNS) for document in documents]
            await self.connection.execute(SAVE_MODEL, rows)


def _model(row: RowMapping) -> Model:
    origin = Origin(
        row["team_id"],
        row["user_id"],
        row["name"],
        row["description"],
        row["reference_model_id"],
        row["category"],
        row["created_at"],
    )
    return Model(
        row["id"],
        origin,
        version=row["version"],
        active_version=row["active_version"],
        updated_at=row["updated_at"],
        deleted=row["status"] == "deleted",
    )


def _training(row: RowMapping) -> Training:
    columns = {name: value for name, value in row.items() if name != "model_id"}
    columns |= {"operation": Operation(row["operation"]), "samples": tuple(row["samples"])}
    return Training(**columns)


def _training_row(model: Model, job_id: UUID) -> dict[str, Any]:
    row = asdict(model.trainings[job_id])
    return row | {"model_id": model.id, "samples": list(row["samples"])}
