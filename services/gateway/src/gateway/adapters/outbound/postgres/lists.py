"""The views, as they are listed: one page by one indexed read, from where the last page ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.connection import Row
from chassis.database import Database
from chassis.statement import text
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import Entry
from gateway.application.reading import JobView, Lines, Page
from gateway.domain.cursor import first_id

_JOBS = """
    select cast(document as text) as document, cast(cost as text) as cost from gateway.view_jobs
    where team_id = :team_id
"""
_MODELS = """
    select cast(document as text) as document from gateway.view_models
    where team_id = :team_id and status <> 'deleted'
"""
_REFERENCE_MODELS = """
    select cast(document as text) as document from gateway.view_reference_models where not retired
"""
_ENTRIES = """
    select version, position, cast(document as text) as document from gateway.view_credit_entries
    where team_id = :team_id
"""
_SLOWEST_BIRTH, _TICK = timedelta(hours=1), timedelta(milliseconds=1)
_SPENT = text("""
    select cast(at at time zone 'UTC' as date) as day, sum(charged) as charged
    from gateway.view_credit_entries where team_id = :team_id and at >= :since
    group by 1 having sum(charged) <> 0
""")
_SORTS = {
    "popular": ("uses", "<", "desc"),
    "newest": ("created_at", "<", "desc"),
    "name": ("name", ">", "asc"),
}


@dataclass(frozen=True, slots=True)
class StoredLists:
    """Lists of documents, each page read on a connection of its own."""

    database: Database

    async def jobs(
        self,
        team_id: UUID,
        page: Page,
        *,
        status: str | None,
        operation: str | None,
        model_id: UUID | None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[JobView]:
        """List jobs, newest first; from `since` on, and before `before`."""
        filters = {
            "status": status,
            "operation": operation,
            "model_id": model_id,
            "made_since": since,
            "made_before": before,
            # Ids sort by time, and a job is made within minutes of its id: so a page is read by its index.
            "least": since and first_id(since - _SLOWEST_BIRTH),
            "most": before and first_id(before + _TICK),
        }
        rows = await self._page(_JOBS, {"team_id": team_id}, filters, "id desc", "id < :a0", page)
        return [JobView(row.document, row.cost) for row in rows]

    async def models(
        self, team_id: UUID, page: Page, *, status: str | None, category: str | None, search: str | None
    ) -> list[ModelChanged]:
        """List models, newest first."""
        filters = {"status": status, "category": category, "search": search}
        rows = await self._page(_MODELS, {"team_id": team_id}, filters, "id desc", "id < :a0", page)
        return [ModelChanged.model_validate_json(row.document) for row in rows]

    async def reference_models(
        self, page: Page, *, sort: str, category: str | None, search: str | None, tag: str | None
    ) -> list[ReferenceModelChanged]:
        """List reference models by `sort`."""
        column, beyond, direction = _SORTS[sort]
        order, after = f"{column} {direction}, id {direction}", f"({column}, id) {beyond} (:a0, :a1)"
        filters = {"category": category, "search": search, "tag": tag}
        rows = await self._page(_REFERENCE_MODELS, {}, filters, order, after, page)
        return [ReferenceModelChanged.model_validate_json(row.document) for row in rows]

    async def entries(self, team_id: UUID, page: Page, lines: Lines) -> list[tuple[int, int, Entry]]:
        """List history lines, newest first."""
        filters = asdict(lines)
        order, after = "version desc, position desc", "(version, position) < (:a0, cast(:a1 as bigint))"
        rows = await self._page(_ENTRIES, {"team_id": team_id}, filters, order, after, page)
        return [(row.version, row.position, Entry.model_validate_json(row.document)) for row in rows]

    async def spent(self, team_id: UUID, since: datetime) -> dict[date, int]:
        """Add up what was charged on each day since then."""
        async with self.database.reading() as connection:
            rows = await connection.execute(_SPENT, {"team_id": team_id, "since": since})
            return {row.day: int(row.charged) for row in rows}

    async def _page(
        self,
        select: str,
        values: Mapping[str, object],
        filters: Mapping[str, object],
        order: str,
        after: str,
        page: Page,
    ) -> list[Row]:
        wanted = {name: value for name, value in filters.items() if value is not None}
        conditions = [_condition(name) for name in wanted] + ([after] if page.after else [])
        statement = select + "".join(f" and {condition}" for condition in conditions)
        statement += f" order by {order} limit :limit"
        if "search" in wanted:
            wanted["search"] = _pattern(str(wanted["search"]))
        parts = {f"a{n}": part for n, part in enumerate(page.after or ())}
        async with self.database.reading() as connection:
            found = await connection.execute(
                text(statement), {**values, **wanted, **parts, "limit": page.limit + 1}
            )
            return list(found)


_CONDITIONS = {
    "search": "words like :search",
    "tag": "jsonb_exists(document -> 'tags', :tag)",
    "made_since": "created_at >= :made_since",
    "made_before": "created_at < :made_before",
    "least": "id >= :least",
    "most": "id < :most",
    "since": "at >= :since",
    "before": "at < :before",
}


def _condition(name: str) -> str:
    return _CONDITIONS.get(name, f"{name} = :{name}")


def _pattern(search: str) -> str:
    escaped = search.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
