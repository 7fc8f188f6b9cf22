"""The messages of the gateway: teams come and go, and what it tells them itself."""

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


class WebhookEndpointDisabled(Fact):
    """Nothing is sent to an endpoint of a team any more, until the team enables it again."""

    type: ClassVar[str] = "gateway.webhook-endpoint-disabled.v1"
    public: ClassVar[bool] = True

    team_id: UUID
    endpoint_id: UUID
    url: str
    reason: str
    at: datetime

    @property
    def subject(self) -> str:
        """The endpoint."""
        return str(self.endpoint_id)
