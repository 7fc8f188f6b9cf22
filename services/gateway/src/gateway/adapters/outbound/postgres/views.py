"""The views, as they are read: single documents, each by one indexed read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.database import Database
from chassis.gathering import Gathering
from chassis.statement import Statement, text
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import AccountChanged, CreditsQuoted, PricingChanged
from contracts.message import Message
from gateway.application.reading import JobView, Standing
from gateway.domain.plans import FREE

_JOB = text("""
    select cast(document as text) as document, cast(cost as text) as cost from gateway.view_jobs
    where id = :id and team_id = :team_id
""")
_JOB_ALONE = """
    select cast(document as text) as document, cast(cost as text) as cost from gateway.view_jobs
    where id = $1 and team_id = $2
"""
_JOBS_ALONE = """
    select asked.request, cast(j.document as text) as document, cast(j.cost as text) as cost
    from unnest($1::int[], $2::uuid[], $3::uuid[]) with ordinality as asked (request, id, team_id, place)
    join gateway.view_jobs j on j.id = asked.id and j.team_id = asked.team_id order by asked.place
"""
_JOBS = text("""
    select cast(document as text) as document, cast(cost as text) as cost from gateway.view_jobs
    where id = any(:ids) and team_id = :team_id order by array_position(:ids, id)
""")
_BUSY_WITH = text("""
    select exists (select from gateway.view_jobs where model_id = :model_id and team_id = :team_id
        and status in ('accepted', 'queued', 'processing', 'cancelling'))
""")
_MODEL = text("""
    select cast(document as text) as document from gateway.view_models
    where id = :id and team_id = :team_id and status <> 'deleted'
""")
_REFERENCE_MODEL = text("""
    select cast(document as text) as document from gateway.view_reference_models where id = :id
""")
STANDING = """
    (select cast(document as text) from gateway.view_accounts where team_id = :team_id) as account,
        (select cast(document as text) from gateway.view_plans where team_id = :team_id) as plan,
        (select count(*) from gateway.view_jobs
            where team_id = :team_id and status in ('processing', 'cancelling')) as running,
        s.open, s.allowed
    from (select 1) as one left join gateway.team_slots s on s.team_id = :team_id
"""
_STANDING = text(f"select {STANDING}")
_QUOTE = text("""
    select cast(document as text) as document from gateway.view_quotes
    where request_id = :request_id and team_id = :team_id
""")
_PRICING = text("""
    select cast(document as text) as document from gateway.view_pricing
    where effective_at <= :now order by version desc limit 1
""")
_PREVIEW = text("""
    select p.sha256, p.content_type, p.data
    from gateway.view_reference_models r join gateway.previews p on p.sha256 = r.preview where r.id = :id
""")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class ViewsOn:
    """The views, on one connection."""

    connection: Connection

    async def job(self, team_id: UUID, id_: UUID) -> JobView | None:
        """Find a job."""
        row = (await self.connection.execute(_JOB, {"id": id_, "team_id": team_id})).first()
        return JobView(row.document, row.cost) if row else None

    async def jobs(self, team_id: UUID, ids: Sequence[UUID]) -> list[JobView]:
        """Find the jobs of one request, in this order, as far as they are there."""
        rows = await self.connection.execute(_JOBS, {"ids": list(ids), "team_id": team_id})
        return [JobView(row.document, row.cost) for row in rows]

    async def busy_with(self, team_id: UUID, model_id: UUID) -> bool:
        """Tell whether a job that trains a model, or draws with it, is open."""
        values = {"model_id": model_id, "team_id": team_id}
        return bool((await self.connection.execute(_BUSY_WITH, values)).scalar())

    async def model(self, team_id: UUID, id_: UUID) -> ModelChanged | None:
        """Find a model that is not deleted."""
        return await self._find(ModelChanged, _MODEL, id=id_, team_id=team_id)

    async def reference_model(self, id_: UUID) -> ReferenceModelChanged | None:
        """Find a reference model."""
        return await self._find(ReferenceModelChanged, _REFERENCE_MODEL, id=id_)

    async def standing(self, team_id: UUID) -> Standing:
        """Find a team's balance and limits."""
        return read_standing((await self.connection.execute(_STANDING, {"team_id": team_id})).one())

    async def quote(self, team_id: UUID, request_id: UUID) -> CreditsQuoted | None:
        """Find the offer that answered a request."""
        return await self._find(CreditsQuoted, _QUOTE, request_id=request_id, team_id=team_id)

    async def pricing(self, now: datetime) -> PricingChanged | None:
        """Find the price list in force."""
        return await self._find(PricingChanged, _PRICING, now=now)

    async def preview(self, reference_model_id: UUID) -> tuple[str, str, bytes] | None:
        """Find the name (SHA-256), content type and bytes of a picture."""
        row = (await self.connection.execute(_PREVIEW, {"id": reference_model_id})).first()
        return (row.sha256, row.content_type, bytes(row.data)) if row else None

    async def _find(self, kind: type[M], statement: Statement, **values: object) -> M | None:
        found = (await self.connection.execute(statement, values)).scalar()
        return kind.model_validate_json(found) if found else None


def read_standing(row: Row) -> Standing:
    """Read a row with a team's account, plan and use."""
    return Standing(
        account=AccountChanged.model_validate_json(row.account) if row.account else None,
        plan=PlanChanged.model_validate_json(row.plan) if row.plan else None,
        running=row.running,
        open=row.open or 0,
        open_allowed=FREE.open if row.allowed is None else row.allowed,
    )


class StoredViews:
    """The views, each read on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._requested = Gathering(self._jobs_of_all)

    async def job(self, team_id: UUID, id_: UUID) -> JobView | None:
        """Find a job."""
        rows = await self.database.read(_JOB_ALONE, id_, team_id)
        return JobView(*rows[0]) if rows else None

    async def jobs(self, team_id: UUID, ids: Sequence[UUID]) -> list[JobView]:
        """Find the jobs of one request, in this order, as far as they are there."""
        return await self._requested.ask((team_id, ids))

    async def _jobs_of_all(self, asked: Sequence[tuple[UUID, Sequence[UUID]]]) -> list[list[JobView]]:
        """Find the jobs of several requests at once."""
        wanted = [(n, id_, team_id) for n, (team_id, ids) in enumerate(asked) for id_ in ids]
        found: list[list[JobView]] = [[] for _ in asked]
        for row in await self.database.read(_JOBS_ALONE, *zip(*wanted, strict=True)):
            found[row["request"]].append(JobView(row["document"], row["cost"]))
        return found

    async def busy_with(self, team_id: UUID, model_id: UUID) -> bool:
        """Tell whether a job that trains a model, or draws with it, is open."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).busy_with(team_id, model_id)

    async def model(self, team_id: UUID, id_: UUID) -> ModelChanged | None:
        """Find a model that is not deleted."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).model(team_id, id_)

    async def reference_model(self, id_: UUID) -> ReferenceModelChanged | None:
        """Find a reference model."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).reference_model(id_)

    async def standing(self, team_id: UUID) -> Standing:
        """Find a team's balance and limits."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).standing(team_id)

    async def quote(self, team_id: UUID, request_id: UUID) -> CreditsQuoted | None:
        """Find the offer that answered a request."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).quote(team_id, request_id)

    async def pricing(self, now: datetime) -> PricingChanged | None:
        """Find the price list in force."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).pricing(now)

    async def preview(self, reference_model_id: UUID) -> tuple[str, str, bytes] | None:
        """Find the name (SHA-256), content type and bytes of a picture."""
        async with self.database.reading() as connection:
            return await ViewsOn(connection).preview(reference_model_id)
