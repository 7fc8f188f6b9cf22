"""The messages of the gateway: teams come and go."""

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
