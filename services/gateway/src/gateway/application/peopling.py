"""What is kept of people: accounts, teams, sessions, invitations, what they did, and letters to them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.application.reading import Page
from gateway.domain.activity import Act, Event
from gateway.domain.letters import Content, Letter
from gateway.domain.people import Invitation, Membership, Session, Team, Topic, User
from gateway.domain.permissions import Caller, Role
from gateway.domain.proofs import Proof, Purpose


class Users(Protocol):
    """Accounts."""

    async def add(self, user: User, now: datetime) -> None:
        """Add an account. Raises EmailTaken."""

    async def by_email(self, email: str) -> User | None:
        """Find an account by its address."""

    async def by_id(self, user_id: UUID) -> User | None:
        """Find an account; a deleted one is none."""

    async def change(self, user: User, now: datetime) -> None:
        """Keep an account's new name, address and password. Raises EmailTaken."""

    async def erase(self, user_id: UUID, now: datetime) -> None:
        """Delete an account and all that says who it was; its address is free again."""


class Teams(Protocol):
    """Teams and who is in them."""

    async def open(self, team: Team, owner_id: UUID, now: datetime) -> None:
        """Add a team with its owner."""

    async def lock(self, team_id: UUID) -> Team | None:
        """Take a team for this transaction, so that two changes of its members follow one another."""

    async def rename(self, team_id: UUID, name: str) -> None:
        """Give a team another name."""

    async def join(self, team_id: UUID, user_id: UUID, role: Role, now: datetime) -> None:
        """Add a member; one who is in the team already stays as they are."""

    async def assign(self, team_id: UUID, user_id: UUID, role: Role) -> None:
        """Give a member another role."""

    async def want(self, team_id: UUID, user_id: UUID, topics: Collection[Topic]) -> None:
        """Note what a member wants letters about."""

    async def leave(self, team_id: UUID, user_id: UUID) -> None:
        """Take a member out of a team."""

    async def members(self, team_id: UUID) -> list[Membership]:
        """List who is in a team, who joined first at first."""

    async def of_user(self, user_id: UUID) -> list[Membership]:
        """List the teams somebody is in, the one used last at first."""

    async def membership(self, user_id: UUID, team_id: UUID) -> Membership | None:
        """Find somebody in a team."""

    async def use(self, team_id: UUID, user_id: UUID, now: datetime) -> None:
        """Note which of their teams somebody works in."""

    async def close(self, team_id: UUID, now: datetime) -> None:
        """End a team: nobody is in it any more, nothing says whose it was."""

    async def closed(self, now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
        """Take closed teams whose traces are due to be looked for, with the times they closed."""

    async def ended(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed."""

    async def forget(self, team_id: UUID, next_look: datetime | None) -> None:
        """Delete what the views and the log show of a team, except what it paid; look again then."""


class Sessions(Protocol):
    """What signed-in people have on their devices."""

    async def open(self, session: Session) -> None:
        """Let the holder of a token act as a person for a team."""

    async def switch(self, session_id: UUID, team_id: UUID) -> None:
        """Let a session look at another team."""

    async def of_user(self, user_id: UUID, now: datetime) -> list[Session]:
        """List somebody's sessions that work, the one seen last at first."""

    async def by_token(self, token_hash: bytes) -> Session | None:
        """Find a session."""

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        """End one of somebody's sessions; tells whether they had it."""

    async def end_all(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End somebody's sessions, except one; tells how many there were."""

    async def leave(self, team_id: UUID, user_id: UUID) -> None:
        """Let somebody's sessions look at another team of theirs, or end them when there is none."""

    async def forget(self, now: datetime) -> None:
        """Drop the sessions that have expired."""


class Invitations(Protocol):
    """Open invitations."""

    async def add(self, invitation: Invitation, token_hash: bytes) -> None:
        """Add an invitation, in place of an earlier one of this address into this team."""

    async def of_team(self, team_id: UUID, now: datetime) -> list[Invitation]:
        """List the invitations that can be accepted, newest first."""

    async def by_token(self, token_hash: bytes, now: datetime) -> tuple[Invitation, Team] | None:
        """Take the invitation that can be accepted with a token, and find its team."""

    async def remove(self, team_id: UUID, invitation_id: UUID) -> Invitation | None:
        """Remove an invitation; returns it when the team had it."""

    async def forget(self, now: datetime) -> None:
        """Drop the invitations that have expired."""


class Proofs(Protocol):
    """Links in letters that have not been followed."""

    async def add(self, proof: Proof, token_hash: bytes) -> None:
        """Add a proof, in place of an earlier one of this purpose for this person."""

    async def take(self, token_hash: bytes, purpose: Purpose, now: datetime) -> Proof | None:
        """Use a proof up."""

    async def forget(self, now: datetime) -> None:
        """Drop the proofs that have expired."""


class Activity(Protocol):
    """What people did."""

    async def note(self, act: Act, by: Caller, subject: object = "", detail: str = "") -> None:
        """Note what a caller did to whom or what."""

    async def note_person(
        self, act: Act, who: Membership, address: str, subject: object = "", detail: str = ""
    ) -> None:
        """Note what somebody did who was no caller yet."""

    async def of_team(self, team_id: UUID, page: Page) -> list[Event]:
        """List what was done in a team, newest first; one more than the page shows."""

    async def forget(self, before: datetime) -> None:
        """Drop what happened before then."""


class Post(Protocol):
    """Letters that are to be delivered."""

    async def write(self, recipient: str, content: Content, now: datetime) -> None:
        """Write a letter; it is delivered after the transaction has committed."""

    async def claim(self, now: datetime, limit: int) -> list[Letter]:
        """Begin the next attempt of letters that are due, so that nobody else begins the same one."""

    async def delivered(self, letter_id: UUID) -> None:
        """Forget a letter that was taken."""

    async def failed(self, letter_id: UUID, error: str, next_attempt: datetime | None) -> None:
        """Note why a letter was not taken, and when to try again; never: it is parked."""

    async def parked(self) -> Sequence[Letter]:
        """List the letters that are parked, the oldest first."""

    async def count_parked(self) -> int:
        """Count the letters that are parked."""

    async def unpark(self, letter_ids: Sequence[UUID], now: datetime) -> int:
        """Try parked letters anew; tells how many there were."""

    async def drop(self, letter_ids: Sequence[UUID]) -> int:
        """Forget parked letters; tells how many there were."""

    async def forget(self, parked_before: datetime) -> None:
        """Forget letters that have been parked since before then."""
