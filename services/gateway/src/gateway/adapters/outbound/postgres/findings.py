"""What the audit found, a row for each thing that is or was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.connection import Connection
from chassis.database import Database
from chassis.statement import text
from gateway.application.checking import StoredFinding
from gateway.domain.books import Finding, FindingKind

_BEGIN = "select looked_at from gateway.audit_head for no key update"
_WAIT, _TRY = text(_BEGIN), text(f"{_BEGIN} skip locked")
_LOOKED = text("update gateway.audit_head set looked_at = now()")
_SEEN = text("""
    insert into gateway.findings as f (kind, subject, team_id, job_id, what, first_seen_at, last_seen_at)
    select kind, subject, team_id, job_id, what, :now, :now
    from unnest(cast(:kinds as text[]), cast(:subjects as uuid[]), cast(:teams as uuid[]),
        cast(:jobs as uuid[]), cast(:whats as text[])) as t (kind, subject, team_id, job_id, what)
    order by kind, subject
    on conflict (kind, subject) do update set what = excluded.what, last_seen_at = excluded.last_seen_at,
        first_seen_at = case when f.resolved_at is null then f.first_seen_at else excluded.first_seen_at end,
        counts_since = case when f.resolved_at is null then f.counts_since end, resolved_at = null
""")
_COUNT = text("""
    update gateway.findings f set counts_since = :now
    from unnest(cast(:kinds as text[]), cast(:subjects as uuid[]), cast(:before as timestamptz[]))
        as t (kind, subject, seen_before)
    where f.kind = t.kind and f.subject = t.subject and counts_since is null and first_seen_at <= seen_before
""")
_FORGET = text("""
    delete from gateway.findings
    where last_seen_at < :now and resolved_at is null and counts_since is null and healed_at is null
""")
_RESOLVE = text(
    "update gateway.findings set resolved_at = :now where last_seen_at < :now and resolved_at is null"
)
_STANDING = text("""
    select kind, team_id, job_id, what, first_seen_at, healed_at from gateway.findings
    where counts_since is not null and resolved_at is null order by first_seen_at, kind, subject
""")
_HEALED = text("""
    update gateway.findings set healed_at = :now where kind = any(:kinds) and subject = any(:subjects)
""")
_NUMBERS = text("""
    select kind, count(*) as n from gateway.findings
    where counts_since is not null and resolved_at is null group by kind
""")


@dataclass(frozen=True, slots=True)
class StoredFindings:
    """Findings, within one transaction."""

    connection: Connection

    async def begin(self, *, wait: bool) -> datetime | None:
        """Become the one who looks, until the transaction ends; tells when one last looked."""
        looked_at: datetime | None = (await self.connection.execute(_WAIT if wait else _TRY)).scalar()
        return looked_at

    async def note(self, found: Sequence[Finding], now: datetime, grace: timedelta) -> None:
        """Note all that is wrong now: what lasts beyond its grace counts, what is not found any more ends."""
        if found:
            known = {
                "kinds": [finding.kind.value for finding in found],
                "subjects": [finding.subject for finding in found],
            }
            about = {
                "teams": [finding.team_id for finding in found],
                "jobs": [finding.job_id for finding in found],
                "whats": [finding.what for finding in found],
            }
            await self.connection.execute(_SEEN, known | about | {"now": now})
            before = [now - finding.grace(grace) for finding in found]
            await self.connection.execute(_COUNT, known | {"before": before, "now": now})
        await self.connection.execute(_FORGET, {"now": now})
        await self.connection.execute(_RESOLVE, {"now": now})
        await self.connection.execute(_LOOKED)

    async def standing(self) -> list[StoredFinding]:
        """List what counts and lasts, the oldest first."""
        return [
            StoredFinding(
                Finding(FindingKind(row.kind), row.team_id, row.job_id, row.what),
                row.first_seen_at,
                row.healed_at,
            )
            for row in await self.connection.execute(_STANDING)
        ]

    async def healed(self, findings: Sequence[Finding], now: datetime) -> None:
        """Note that a remedy was asked for."""
        subjects: list[UUID] = [finding.subject for finding in findings]
        kinds = [finding.kind.value for finding in findings]
        await self.connection.execute(_HEALED, {"kinds": kinds, "subjects": subjects, "now": now})


async def numbers(database: Database) -> dict[FindingKind, int]:
    """Count the findings of each kind that stand."""
    async with database.reading() as connection:
        found = {row.kind: row.n for row in await connection.execute(_NUMBERS)}
    return {kind: found.get(kind.value, 0) for kind in FindingKind}
