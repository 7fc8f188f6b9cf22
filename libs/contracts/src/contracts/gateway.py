"""The messages of the gateway: teams come and go."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.message import Fact


class TeamOpened(Fact):
    """A team exists; its plan and first credits follow."""

    type: ClassVar[str] = "gateway.team-opened.v1"

    team_id: UUID
    name: str
    owner_email: str

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class TeamClosed(Fact):
    """A team is closed for good: each service ends what it does for it and deletes what it keeps of it.

    Only credits keeps its ledger, which holds no personal data.
    """

    type: ClassVar[str] = "gateway.team-closed.v1"

    team_id: UUID
    closed_at: datetime

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)
