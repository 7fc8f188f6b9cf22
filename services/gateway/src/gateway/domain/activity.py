"""What is worth knowing later: who did what to the people, the keys and the team, when and from where."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

ACTIVITY_LIVES = timedelta(days=365)


class Act(StrEnum):
    """What somebody did."""

    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    OTHER_SESSIONS_ENDED = "other_sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    PASSWORD_RESET_ASKED = "password_reset_asked"  # noqa: S105 - no password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_VERIFIED = "email_verified"
    ACCOUNT_RENAMED = "account_renamed"
    TEAM_OPENED = "team_opened"
    TEAM_RENAMED = "team_renamed"
    MEMBER_INVITED = "member_invited"
    INVITATION_REVOKED = "invitation_revoked"
    INVITATION_ACCEPTED = "invitation_accepted"
    ROLE_CHANGED = "role_changed"
    MEMBER_REMOVED = "member_removed"
    MEMBER_LEFT = "member_left"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"


SEEN_BY_THE_TEAM = frozenset(
    {
        Act.EMAIL_VERIFIED,
        Act.ACCOUNT_RENAMED,
        Act.TEAM_RENAMED,
        Act.MEMBER_INVITED,
        Act.INVITATION_REVOKED,
        Act.INVITATION_ACCEPTED,
        Act.ROLE_CHANGED,
        Act.MEMBER_REMOVED,
        Act.MEMBER_LEFT,
    }
)
"""What changes who is in a team, as what, what they may do, and what everything is called."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a team's activity log.

    `subject` is whom or what it was done to, as an id or an address; `detail` what became of it. The name
    and the address of the person are those of today.
    """

    id: UUID
    team_id: UUID
    act: Act
    at: datetime
    address: str
    user_id: UUID | None = None
    key_id: UUID | None = None
    subject: str = ""
    detail: str = ""
    name: str | None = None
    email: str | None = None
