"""Images and exports in Postgres: lines kept as their jobs are described, read as a gallery."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import orjson

from chassis.connection import Connection, Row
from chassis.database import Database
from chassis.statement import text
from contracts.jobs import ExportChanged, JobChanged, Result
from contracts.orders import Operation
from gateway.application.gallery import GalleryImage, Shown
from gateway.application.reading import Page
from gateway.domain.images import ends_at

# Where the view of a job shows the same version: a description that comes late changes no image.
_DROP = text("""
    delete from gateway.view_images i using gateway.view_jobs j,
        unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as d (id, version)
    where i.job_id = d.id and j.id = d.id and j.version = d.version
""")
_SHOW = text("""
    insert into gateway.view_images (job_id, n, team_id, model_id, pinned, expires_at, document)
    select i.job_id, i.n, i.team_id, i.model_id, i.pinned, i.expires_at, i.document
    from unnest(cast(:jobs as uuid[]), cast(:numbers as int[]), cast(:teams as uuid[]),
        cast(:models as uuid[]), cast(:pins as boolean[]), cast(:times as timestamptz[]),
        cast(:documents as jsonb[]), cast(:versions as bigint[]))
        as i (job_id, n, team_id, model_id, pinned, expires_at, document, version)
    join gateway.view_jobs j on j.id = i.job_id and j.version = i.version
    order by i.job_id, i.n
    on conflict (job_id, n) do update set pinned = excluded.pinned, expires_at = excluded.expires_at,
        document = excluded.document
""")
_LINE = ("jobs", "numbers", "teams", "models", "pins", "times", "documents", "versions")
_KNOWN = text("""
    select id from gateway.view_jobs
    where id = any(cast(:ids as uuid[])) and team_id = :team_id and operation = 'generate_images'
""")
_WITHDRAW = text("delete from gateway.view_exports where id = any(cast(:ids as uuid[])) and version = 0")
_IMAGES = """
    select job_id, cast(document as text) as document from gateway.view_images
    where team_id = :team_id and (expires_at is null or expires_at > :now)
"""
_EXPORTS = "select cast(document as text) as document from gateway.view_exports where team_id = :team_id"
_CONDITIONS = {
    "model_id": " and model_id = :model_id",
    "job_id": " and job_id = :job_id",
    "pinned": " and pinned = :pinned",
    "expiring": " and expires_at <= :expiring",
}


@dataclass(frozen=True, slots=True)
class StoredImages:
    """The lines of the gallery, within one transaction."""

    connection: Connection

    async def keep(self, jobs: Sequence[JobChanged]) -> None:
        """Show the images of these jobs as they are now."""
        ended = sorted((job for job in jobs if _has_images(job)), key=lambda job: job.id)
        if not ended:
            return
        dropped = {"ids": [job.id for job in ended], "versions": [job.version for job in ended]}
        await self.connection.execute(_DROP, dropped)
        if lines := [_line(job, result) for job in ended for result in job.results if result.key]:
            columns = (list(column) for column in zip(*lines, strict=True))
            await self.connection.execute(_SHOW, dict(zip(_LINE, columns, strict=True)))

    async def known(self, team_id: UUID, job_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these jobs are the team's and make images."""
        values = {"ids": list(job_ids), "team_id": team_id}
        return set((await self.connection.execute(_KNOWN, values)).scalars())

    async def withdraw_exports(self, ids: Collection[UUID]) -> None:
        """Take exports of version 0 back."""
        if ids:
            await self.connection.execute(_WITHDRAW, {"ids": list(ids)})


@dataclass(frozen=True, slots=True)
class StoredGallery:
    """Images and exports, each page read on a connection of its own."""

    database: Database

    async def images(self, team_id: UUID, page: Page, wanted: Shown, now: datetime) -> list[GalleryImage]:
        """List images that are there, newest first."""
        filters = {name: value for name, value in asdict(wanted).items() if value is not None}
        after = " and (job_id, n) < (:a0, cast(:a1 as int))" if page.after else ""
        conditions = "".join(_CONDITIONS[name] for name in filters) + after
        statement = f"{_IMAGES}{conditions} order by job_id desc, n desc limit :limit"
        rows = await self._read(statement, page, team_id=team_id, now=now, **filters)
        return [_image(row) for row in rows]

    async def exports(self, team_id: UUID, page: Page) -> list[ExportChanged]:
        """List exports, newest first."""
        after = " and id < :a0" if page.after else ""
        statement = f"{_EXPORTS}{after} order by id desc limit :limit"
        rows = await self._read(statement, page, team_id=team_id)
        return [ExportChanged.model_validate_json(row.document) for row in rows]

    async def export(self, team_id: UUID, id_: UUID) -> ExportChanged | None:
        """Find an export."""
        rows = await self._read(f"{_EXPORTS} and id = :id limit :limit", Page(1), team_id=team_id, id=id_)
        return ExportChanged.model_validate_json(rows[0].document) if rows else None

    async def _read(self, statement: str, page: Page, **values: object) -> list[Row]:
        parts = {f"a{n}": part for n, part in enumerate(page.after or ())}
        async with self.database.reading() as connection:
            found = await connection.execute(text(statement), {**values, **parts, "limit": page.limit + 1})
            return list(found)


def _has_images(job: JobChanged) -> bool:
    return job.operation is Operation.GENERATE_IMAGES and job.status in ("completed", "expired")


def _line(job: JobChanged, result: Result) -> tuple[object, ...]:
    until = ends_at(result, job.expires_at)
    document = {
        "result": result.model_copy(update={"expires_at": until}).model_dump(mode="json"),
        "prompt": job.recipe.prompt,
        "model_id": job.recipe.model_id,
        "version": job.recipe.version,
        "reference_model_id": job.recipe.reference_model_id,
        "created_at": job.created_at,
    }
    written = orjson.dumps(document).decode()
    return job.id, result.n, job.team_id, job.recipe.model_id, result.pinned, until, written, job.version


def _image(row: Row) -> GalleryImage:
    shown = orjson.loads(row.document)
    return GalleryImage(
        job_id=row.job_id,
        result=Result.model_validate(shown["result"]),
        prompt=shown["prompt"],
        model_id=_id(shown["model_id"]),
        version=shown["version"],
        reference_model_id=_id(shown["reference_model_id"]),
        created_at=datetime.fromisoformat(shown["created_at"]),
    )


def _id(written: str | None) -> UUID | None:
    return UUID(written) if written else None
