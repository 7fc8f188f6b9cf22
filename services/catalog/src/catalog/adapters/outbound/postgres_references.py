from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.application.ports import Use
from chassis.connection import Connection, RowMapping
from chassis.statement import text
from contracts.catalog import Category, ReferenceModelChanged

# Two migrations at once must not both find the same models missing; reading goes on.
LOCK_ALL = text("lock table catalog.reference_models in share row exclusive mode")
ALL = text("select * from catalog.reference_models order by created_at, slug")
UNTOLD = text(
    """
    select * from catalog.reference_models where uses <> uses_told and told_at <= :before
    order by id for no key update skip locked
    """
)
# The uses last told belong to the version; those since then come with the next one.
PAGE = text(
    """
    select id, version, slug, name, category, description, tags, prompt_recipe, negative_prompt, preview,
        created_at, retired, uses_told as uses
    from catalog.reference_models where id > coalesce(:after, cast(:least as uuid))
    order by id limit :limit
    """
)
CATEGORIES = text("select id, category from catalog.reference_models where id = any(cast(:ids as uuid[]))")
SAVE = text(
    """
    insert into catalog.reference_models (id, version, slug, name, category, description, tags, prompt_recipe,
        negative_prompt, preview, created_at, retired, uses, uses_told, told_at)
    values (:id, :version, :slug, :name, :category, :description, cast(:tags as text[]), :prompt_recipe,
        :negative_prompt, :preview, :created_at, :retired, :uses, :uses, :told_at)
    on conflict (id) do update set version = excluded.version, slug = excluded.slug, name = excluded.name,
        category = excluded.category, description = excluded.description, tags = excluded.tags,
        prompt_recipe = excluded.prompt_recipe, negative_prompt = excluded.negative_prompt,
        preview = excluded.preview, created_at = excluded.created_at, retired = excluded.retired,
        uses_told = excluded.uses, told_at = excluded.told_at
    """
)
# The row of the job is what makes it count once; jobs that name no known reference model count for nobody.
COUNT = text(
    """
    with completed as (
        select * from unnest(cast(:jobs as uuid[]), cast(:given as uuid[]), cast(:models as uuid[]))
            as completed (job_id, reference_model_id, model_id)
    ), counted as (
        insert into catalog.uses (job_id, reference_model_id)
        select distinct on (completed.job_id) completed.job_id, reference_models.id
        from completed
            left join catalog.models on models.id = completed.model_id
            join catalog.reference_models
                on reference_models.id = coalesce(completed.reference_model_id, models.reference_model_id)
        order by completed.job_id
        on conflict do nothing
        returning reference_model_id
    ), sums as (
        select reference_model_id, count(*) as n from counted group by reference_model_id
    )
    update catalog.reference_models set uses = uses + sums.n
    from sums where sums.reference_model_id = reference_models.id
    """
)


@dataclass(frozen=True, slots=True)
class PostgresReferences:
    """The curated models in the schema `catalog`."""

    connection: Connection

    async def lock_all(self) -> dict[UUID, ReferenceModelChanged]:
        """Lock the whole collection against other writers and load it."""
        await self.connection.execute(LOCK_ALL)
        rows = (await self.connection.execute(ALL)).mappings()
        return {row["id"]: _document(row) for row in rows}

    async def lock_untold(self, before: datetime) -> list[ReferenceModelChanged]:
        """Lock and load those whose uses have changed and were last told before then; skip locked ones."""
        rows = (await self.connection.execute(UNTOLD, {"before": before})).mappings()
        return [_document(row) for row in rows]

    async def page(self, after: UUID | None, limit: int) -> list[ReferenceModelChanged]:
        """Load those that follow an id, with the uses last told."""
        wanted = {"after": after, "least": UUID(int=0), "limit": limit}
        return [_document(row) for row in (await self.connection.execute(PAGE, wanted)).mappings()]

    async def save(self, documents: Sequence[ReferenceModelChanged], told_at: datetime) -> None:
        """Store the documents; their uses count as told."""
        if documents:
            told = {"told_at": told_at}
            rows = [document.model_dump() | {"tags": list(document.tags)} | told for document in documents]
            await self.connection.execute(SAVE, rows)

    async def categories(self, ids: Collection[UUID]) -> dict[UUID, Category]:
        """Look up the category of each curated model that is known."""
        if not ids:
            return {}
        rows = await self.connection.execute(CATEGORIES, {"ids": list(ids)})
        return {row.id: row.category for row in rows}

    async def count(self, uses: Sequence[Use]) -> None:
        """Count each completed job once, however often it comes."""
        if uses:
            columns = {
                "jobs": [use.job_id for use in uses],
                "given": [use.reference_model_id for use in uses],
                "models": [use.model_id for use in uses],
            }
            await self.connection.execute(COUNT, columns)


def _document(row: RowMapping) -> ReferenceModelChanged:
    return ReferenceModelChanged.model_validate(dict(row) | {"tags": tuple(row["tags"])})
