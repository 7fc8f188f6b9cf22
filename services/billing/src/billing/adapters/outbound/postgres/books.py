from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from billing.domain.claiming import Claim
from billing.domain.granting import Grant
from chassis.connection import Connection
from chassis.statement import text
from contracts.billing import PeriodOpened

GRANT = text(
    """
    insert into billing.grants (source_ref, team_id, paid_by, kind, credits, plan, period_start, period_end)
    values (:source_ref, :team_id, :paid_by, :kind, :credits, :plan, :period_start, :period_end)
    on conflict do nothing returning source_ref
    """
)
GRANTED = text(
    "select paid_by, source_ref from billing.grants where team_id = :team_id order by said_at, source_ref"
)
CLAIM = text(
    """
    insert into billing.claims (source_ref, state, team_id, grant_ref, share)
    values (:source_ref, :state, :team_id, :grant_ref, :share)
    on conflict do nothing returning source_ref
    """
)


@dataclass(frozen=True, slots=True)
class PostgresBooks:
    """Everything said about credits, in the schema `billing`."""

    connection: Connection

    async def grant(self, team_id: UUID, grants: Sequence[Grant]) -> list[Grant]:
        """Note grants; return those that are new."""
        known = {source_ref for _, source_ref in await self.granted(team_id)}
        candidates = {grant.fact.source_ref: grant for grant in grants if grant.fact.source_ref not in known}
        return [grant for grant in candidates.values() if await self._is_new(GRANT, _grant(grant))]

    async def granted(self, team_id: UUID) -> list[tuple[str, str]]:
        """List a team's grants as (what paid for it, its `source_ref`)."""
        rows = await self.connection.execute(GRANTED, {"team_id": team_id})
        return [(row.paid_by, row.source_ref) for row in rows]

    async def claim(self, claims: Sequence[Claim]) -> list[Claim]:
        """Note refunds and disputes; return those that are new."""
        return [claim for claim in claims if await self._is_new(CLAIM, _claim(claim))]

    async def _is_new(self, statement: Any, row: dict[str, object]) -> bool:  # noqa: ANN401 - SQL
        return (await self.connection.execute(statement, row)).first() is not None


def _grant(grant: Grant) -> dict[str, object]:
    fact = grant.fact
    row: dict[str, object] = {
        "source_ref": fact.source_ref,
        "team_id": fact.team_id,
        "paid_by": grant.paid_by,
        "credits": fact.credits,
        "kind": "top_up",
        "plan": None,
        "period_start": None,
        "period_end": None,
    }
    if isinstance(fact, PeriodOpened):
        row |= fact.model_dump(include={"kind", "plan", "period_start", "period_end"})
    return row


def _claim(claim: Claim) -> dict[str, object]:
    return claim.model_dump(include={"source_ref", "team_id", "grant_ref", "share", "state"})
