"""Views of what teams pay for and of what is on offer."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Database
from chassis.statement import text
from contracts.billing import BillingChanged, PlansChanged

_BILLING = text("""
    select cast(b.document as text) as document,
        p.document ->> 'plan' as plan, p.document ->> 'status' as status
    from gateway.view_plans p left join gateway.view_billing b using (team_id) where team_id = :team_id
""")
_OFFERS = text("select cast(document as text) from gateway.view_offers")


@dataclass(frozen=True, slots=True)
class StoredPayments:
    """What the views tell of payments, each by one indexed read."""

    database: Database

    async def billing(self, team_id: UUID) -> BillingChanged | None:
        """Find what a team pays for; of one that never paid its plan is all there is."""
        async with self.database.reading() as connection:
            row = (await connection.execute(_BILLING, {"team_id": team_id})).first()
        if row is None:
            return None
        if row.document is None:
            return BillingChanged(team_id=team_id, version=0, plan=row.plan, status=row.status)
        return BillingChanged.model_validate_json(row.document)

    async def offers(self) -> PlansChanged | None:
        """Find what is on offer."""
        async with self.database.reading() as connection:
            found = (await connection.execute(_OFFERS)).scalar()
        return PlansChanged.model_validate_json(found) if found else None
