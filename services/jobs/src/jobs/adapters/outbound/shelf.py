"""What orders refer to, and the cancels that came too early, in Postgres."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import Statement, text
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.envelope import Cause, Delivery
from contracts.jobs import CancelJob
from contracts.message import Document
from contracts.orders import Operation
from jobs.adapters.outbound.rows import arrays, unnest
from jobs.domain.job import Job
from jobs.domain.material import Material, Weights

_PLANS = {"team_id": "uuid", "version": "integer", "running": "integer", "pin": "boolean"}
_REFERENCES = {"id": "uuid", "version": "integer", "prompt_recipe": "text", "negative_prompt": "text"}
_MODELS = {
    "id": "uuid",
    "team_id": "uuid",
    "version": "integer",
    "status": "text",
    "active_version": "integer",
}
_VERSIONS = {"model_id": "uuid", "number": "integer", "job_id": "uuid"}
_WEIGHTS = {
    "job_id": "uuid",
    "team_id": "uuid",
    "model_id": "uuid",
    "key": "text",
    "provider_url": "text",
    "stored_at": "timestamptz",
    "config_url": "text",
}
_NEEDS = {"job_id": "uuid", "team_id": "uuid", "model_id": "uuid", "number": "integer"}


def _upsert(table: str, columns: dict[str, str]) -> Statement:
    key, *others = columns
    return text(
        f"insert into jobs.{table} ({', '.join(columns)}) select * from {unnest(columns)} order by {key}"  # noqa: S608 - names of ours
        f" on conflict ({key}) do update set {', '.join(f'{name} = excluded.{name}' for name in others)}"
        f" where {table}.version < excluded.version"
    )


def _insert(table: str, columns: dict[str, str]) -> Statement:
    return text(
        f"insert into jobs.{table} ({', '.join(columns)}) select * from {unnest(columns)}"  # noqa: S608 - names of ours
        " on conflict do nothing"
    )


_LEARN_PLANS = _upsert("plans", _PLANS)
_LEARN_REFERENCES = _upsert("reference_models", _REFERENCES)
_LEARN_MODELS = _upsert("models", _MODELS)
_LEARN_VERSIONS = _insert("model_versions", _VERSIONS)
_KEEP_WEIGHTS = _insert("weights", _WEIGHTS)
_FIND_REFERENCES = text(
    "select id, prompt_recipe, negative_prompt from jobs.reference_models"
    " where id = any(cast(:ids as uuid[]))"
)
_FIND_MODELS = text(
    f"""
    select new.job_id as for_job, versions.number, weights.*
    from {unnest(_NEEDS)}
    join jobs.models on models.id = new.model_id and models.team_id = new.team_id and status <> 'deleted'
    join jobs.model_versions as versions on versions.model_id = models.id
        and versions.number = coalesce(new.number, models.active_version)
    join jobs.weights on weights.job_id = versions.job_id
    """  # noqa: S608 - names of ours
)
_MAY_PIN = text("select pin from jobs.plans where team_id = :team_id")
_FENCE = text(
    "select pg_advisory_xact_lock(hashtextextended(cast(id as text), 0))"
    " from (select unnest(cast(:ids as uuid[])) as id order by 1) as sorted"
)
_REMEMBER = text(
    "insert into jobs.tombstones (message_id, job_id, correlation_id, traceparent, cancel)"
    " values (:message_id, :job_id, :correlation_id, :traceparent, cast(:cancel as jsonb))"
    " on conflict do nothing"
)
_TAKE = text("delete from jobs.tombstones where job_id = any(cast(:ids as uuid[])) returning *")
_FORGET = text("delete from jobs.tombstones where noted_at < :before returning *")


def _newest(documents: Iterable[Any], key: str) -> list[Any]:
    ordered: list[Document] = sorted(documents, key=lambda document: document.version)
    return list({getattr(document, key): document for document in ordered}.values())


class PostgresShelf:
    """What this service remembers of the documents of others, and the weights it trained itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def materials(self, jobs: Sequence[Job]) -> dict[UUID, Material]:
        """Find what these jobs are made of, in two reads."""
        drawn = {job.id: job for job in jobs if _needs_weights(job)}
        plain = [job for job in jobs if job.id not in drawn]
        return await self._with_weights(list(drawn.values())) | await self._with_recipe(plain)

    async def keep_weights(self, weights: Weights) -> None:
        """Remember the weights a training made, once."""
        values = asdict(weights)
        await self._write(_KEEP_WEIGHTS, _WEIGHTS, [[values[name] for name in _WEIGHTS]])

    async def may_pin(self, team_id: UUID) -> bool:
        """Tell whether a team's plan lets it keep images beyond their time."""
        return bool((await self._connection.execute(_MAY_PIN, {"team_id": team_id})).scalar())

    async def learn_models(self, models: Sequence[ModelChanged]) -> None:
        """Remember the newest of each model; what a version was trained by never changes."""
        newest = [(m.id, m.team_id, m.version, m.status, m.active_version) for m in _newest(models, "id")]
        await self._write(_LEARN_MODELS, _MODELS, newest)
        versions = {(m.id, each.number, each.job_id) for m in models for each in m.versions}
        await self._write(_LEARN_VERSIONS, _VERSIONS, sorted(versions))

    async def learn_reference_models(self, models: Sequence[ReferenceModelChanged]) -> None:
        """Remember the newest of each reference model."""
        rows = [(m.id, m.version, m.prompt_recipe, m.negative_prompt) for m in _newest(models, "id")]
        await self._write(_LEARN_REFERENCES, _REFERENCES, rows)

    async def learn_plans(self, plans: Sequence[PlanChanged]) -> None:
        """Remember the newest of each team's plan."""
        rows = [
            (plan.team_id, plan.version, plan.limits.running, plan.limits.pin)
            for plan in _newest(plans, "team_id")
        ]
        await self._write(_LEARN_PLANS, _PLANS, rows)

    async def _with_weights(self, jobs: Sequence[Job]) -> dict[UUID, Material]:
        if not jobs:
            return {}
        needs = [(job.id, job.team_id, job.recipe.model_id, job.recipe.version) for job in jobs]
        rows = await self._connection.execute(_FIND_MODELS, arrays(_NEEDS, needs))
        return {row.for_job: Material(weights=_weights(row), version=row.number) for row in rows}

    async def _with_recipe(self, jobs: Sequence[Job]) -> dict[UUID, Material]:
        ids = [job.recipe.reference_model_id for job in jobs if job.recipe.reference_model_id]
        rows = await self._connection.execute(_FIND_REFERENCES, {"ids": ids}) if ids else ()
        known: dict[UUID | None, Material] = {
            row.id: Material(row.prompt_recipe, row.negative_prompt) for row in rows
        }
        known[None] = Material()  # an order without a reference model says everything itself
        found = {job.id: known.get(job.recipe.reference_model_id) for job in jobs}
        return {job_id: material for job_id, material in found.items() if material}

    async def _write(
        self, statement: Statement, columns: dict[str, str], rows: Sequence[Sequence[Any]]
    ) -> None:
        if rows:
            await self._connection.execute(statement, arrays(columns, rows))


def _needs_weights(job: Job) -> bool:
    return job.operation is not Operation.CREATE_MODEL and job.recipe.model_id is not None


def _weights(row: Any) -> Weights:  # noqa: ANN401 - a row of SQLAlchemy has no type of its own
    return Weights(**{name: getattr(row, name) for name in _WEIGHTS})


class PostgresTombstones:
    """Cancels that wait for the job they are about."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fence(self, job_ids: Iterable[UUID]) -> None:
        """Let nobody else open these jobs, or cancel them unopened, until the transaction ends."""
        await self._connection.execute(_FENCE, {"ids": list(job_ids)})

    async def remember(self, delivery: Delivery[CancelJob]) -> None:
        """Keep a cancel for its job to find."""
        values = {
            "message_id": delivery.message_id,
            "job_id": delivery.message.job_id,
            "correlation_id": delivery.correlation_id,
            "traceparent": delivery.traceparent,
            "cancel": delivery.message.model_dump_json(),
        }
        await self._connection.execute(_REMEMBER, values)

    async def take(self, job_ids: Iterable[UUID]) -> dict[UUID, list[Cause]]:
        """Remove and return the cancels of these jobs."""
        found: dict[UUID, list[Cause]] = {}
        for row in await self._connection.execute(_TAKE, {"ids": list(job_ids)}):
            found.setdefault(row.job_id, []).append(_cause(row))
        return found

    async def forget(self, before: datetime) -> list[tuple[CancelJob, Cause]]:
        """Remove and return the cancels whose jobs never came."""
        rows = await self._connection.execute(_FORGET, {"before": before})
        return [(_cancel(row.cancel), _cause(row)) for row in rows]


def _cause(row: Any) -> Cause:  # noqa: ANN401 - a row of SQLAlchemy has no type of its own
    return Cause(row.correlation_id, row.message_id, row.traceparent)


def _cancel(stored: Mapping[str, Any]) -> CancelJob:
    return CancelJob.model_validate(stored)
