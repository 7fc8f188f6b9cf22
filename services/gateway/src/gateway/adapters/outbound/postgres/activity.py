"""What people did."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.clock import utc_now
from chassis.connection import Connection
from chassis.ids import new_id
from chassis.statement import text
from gateway.adapters.outbound.postgres.event_log import CHANNEL
from gateway.application.reading import Page
from gateway.domain.activity import SEEN_BY_THE_TEAM, Act, Event
from gateway.domain.people import Membership
from gateway.domain.permissions import Caller

_NOTE = text("""
    insert into gateway.activity (id, team_id, user_id, key_id, act, subject, detail, address, at)
    values (:id, :team_id, :user_id, :key_id, :act, :subject, :detail, :address, :at)
""")
_OF_TEAM = text("""
    select a.id, a.team_id, a.act, a.at, a.address, a.user_id, a.key_id, a.subject, a.detail, u.name, u.email
    from gateway.activity a left join gateway.users u on u.id = a.user_id and u.deleted_at is null
    where a.team_id = :team_id and (cast(:before as uuid) is null or a.id < :before)
    order by a.id desc limit :limit
""")
# After the commit, whoever looks at the team hears of it; who was not listening then looks anew anyway.
_TELL = text(f"select pg_notify('{CHANNEL}', :team)")
_FORGET = text("delete from gateway.activity where at < :before")


@dataclass(frozen=True, slots=True)
class StoredActivity:
    """The activity log, within one transaction."""

    connection: Connection

    async def note(self, act: Act, by: Caller, subject: object = "", detail: str = "") -> None:
        """Note what a caller did to whom or what."""
        key_id = by.key.id if by.key else None
        await self._add(by.team_id, by.user_id, key_id, act, f"{subject}", detail, by.address)

    async def note_person(
        self, act: Act, who: Membership, address: str, subject: object = "", detail: str = ""
    ) -> None:
        """Note what somebody did who was no caller yet."""
        await self._add(who.team.id, who.user.id, None, act, f"{subject}", detail, address)

    async def of_team(self, team_id: UUID, page: Page) -> list[Event]:
        """List what was done in a team, newest first; one more than the page shows."""
        before = page.after[0] if page.after else None
        values = {"team_id": team_id, "before": before, "limit": page.limit + 1}
        rows = (await self.connection.execute(_OF_TEAM, values)).mappings()
        return [Event(**{**row, "act": Act(row["act"])}) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Drop what happened before then."""
        await self.connection.execute(_FORGET, {"before": before})

    async def _add(
        self,
        team_id: UUID,
        user_id: UUID,
        key_id: UUID | None,
        act: Act,
        subject: str,
        detail: str,
        address: str,
    ) -> None:
        values = {
            "id": new_id(),
            "team_id": team_id,
            "user_id": user_id,
            "key_id": key_id,
            "act": act.value,
            "subject": subject,
            "detail": detail,
            "address": address,
            "at": utc_now(),
        }
        await self.connection.execute(_NOTE, values)
        if act in SEEN_BY_THE_TEAM:
            await self.connection.execute(_TELL, {"team": f"{team_id}"})
