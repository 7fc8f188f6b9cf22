"""What stands on every page of the dashboard, read at once."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Database
from chassis.statement import text
from contracts.billing import BillingChanged
from gateway.adapters.outbound.postgres.teams import StoredTeams
from gateway.adapters.outbound.postgres.views import STANDING, read_standing
from gateway.application.reading import Frame

_FRAME = text(f"""
    select (select cast(document as text) from gateway.view_billing where team_id = :team_id) as billing,
        (select seq from gateway.log_head) as head, {STANDING}
""")  # noqa: S608 - names of ours


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """Frames, each read on one connection."""

    database: Database

    async def frame(self, user_id: UUID, team_id: UUID) -> Frame:
        """Find the teams somebody is in, how one of them stands, what it pays for, and the newest event."""
        async with self.database.reading() as connection:
            # The event comes first: what happens between the reads is told again, never left out.
            row = (await connection.execute(_FRAME, {"team_id": team_id})).one()
            teams = await StoredTeams(connection).of_user(user_id)
        standing = read_standing(row)
        billing = BillingChanged.model_validate_json(row.billing) if row.billing else None
        if billing is None and standing.plan:
            plan = standing.plan
            billing = BillingChanged(team_id=team_id, version=0, plan=plan.plan, status=plan.status)
        return Frame(tuple(teams), standing, billing, row.head)
