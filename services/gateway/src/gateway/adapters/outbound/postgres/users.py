"""Accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from chassis.connection import Connection, Row
from chassis.statement import text
from gateway.domain.people import EmailTaken, User

_ADD = text("""
    insert into gateway.users (id, email, name, password_hash, created_at, email_verified_at)
    values (:id, :email, :name, :password_hash, :now, :verified_at)
    on conflict (email) do nothing returning id
""")
_COLUMNS = "id, email, name, password_hash, email_verified_at is not null as verified"
_BY_EMAIL = text(f"select {_COLUMNS} from gateway.users where email = :email")  # noqa: S608 - names of ours
_BY_ID = text(f"select {_COLUMNS} from gateway.users where id = :id and deleted_at is null")  # noqa: S608
_CHANGE = text("""
    update gateway.users set email = :email, name = :name, password_hash = :password_hash,
        email_verified_at = case when cast(:verified as boolean) then coalesce(email_verified_at, :now) end
    where id = :id
""")
_ERASE = text("""
    update gateway.users set email = 'deleted-' || id || '@account.invalid', name = '', password_hash = '',
        email_verified_at = null, deleted_at = :now
    where id = :id returning id
""")
# What else says who it was: letters to the address, open links and invitations, network addresses.
_TRACES = (
    text("delete from gateway.letters where recipient = (select email from gateway.users where id = :id)"),
    text("delete from gateway.invitations where email = (select email from gateway.users where id = :id)"),
    text("delete from gateway.invitations where invited_by = :id"),
    text("delete from gateway.proofs where user_id = :id"),
    text("delete from gateway.sessions where user_id = :id"),
    text("""
        update gateway.activity set subject = ''
        where subject = (select email from gateway.users where id = :id)
    """),
    text("update gateway.activity set address = '', subject = '', detail = '' where user_id = :id"),
)


@dataclass(frozen=True, slots=True)
class StoredUsers:
    """Accounts, within one transaction."""

    connection: Connection

    async def add(self, user: User, now: datetime) -> None:
        """Add an account. Raises EmailTaken."""
        values = {"verified_at": now if user.verified else None, "now": now, **_values(user)}
        if (await self.connection.execute(_ADD, values)).first() is None:
            raise EmailTaken

    async def by_email(self, email: str) -> User | None:
        """Find an account by its address."""
        return _read((await self.connection.execute(_BY_EMAIL, {"email": email})).first())

    async def by_id(self, user_id: UUID) -> User | None:
        """Find an account; a deleted one is none."""
        return _read((await self.connection.execute(_BY_ID, {"id": user_id})).first())

    async def change(self, user: User, now: datetime) -> None:
        """Keep an account's new name, address and password. Raises EmailTaken."""
        values = _values(user) | {"verified": user.verified, "now": now}
        try:
            async with self.connection.begin_nested():
                await self.connection.execute(_CHANGE, values)
        except UniqueViolationError as error:
            raise EmailTaken from error

    async def erase(self, user_id: UUID, now: datetime) -> None:
        """Delete an account and all that says who it was; its address is free again."""
        for trace in _TRACES:
            await self.connection.execute(trace, {"id": user_id})
        await self.connection.execute(_ERASE, {"id": user_id, "now": now})


def _values(user: User) -> dict[str, object]:
    return {"id": user.id, "email": user.email, "name": user.name, "password_hash": user.password_hash}


def _read(row: Row | None) -> User | None:
    return None if row is None else User(row.id, row.email, row.name, row.password_hash, row.verified)
