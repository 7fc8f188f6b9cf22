from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, RowMapping
from chassis.database import Database
from chassis.statement import Statement
from credits.adapters.outbound import reads
from credits.adapters.outbound.drifts import PostgresDrifts
from credits.adapters.outbound.found import read_account, read_bucket, read_hold, read_quote
from credits.adapters.outbound.history import PostgresHistory
from credits.adapters.outbound.price_lists import PostgresPriceLists
from credits.adapters.outbound.records import parameters
from credits.adapters.outbound.writes import SAVE
from credits.application.ports import Transaction, Wanted, Work
from credits.domain.account import Account
from credits.domain.books import Books, Claim, Grant, KeyWindow, Request
from credits.domain.limits import Limits


def transaction(database: Database, limits: Limits | None = None) -> Transaction:
    """Make the transactions of this database, under the limits an operator set."""
    limits = limits or Limits()

    @asynccontextmanager
    async def begin() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            yield Work(
                bookkeeper=PostgresBookkeeper(session.connection, limits),
                prices=PostgresPriceLists(session.connection),
                due=PostgresDue(session.connection),
                history=PostgresHistory(session.connection),
                drifts=PostgresDrifts(session.connection),
                outbox=session.outbox,
            )

    return begin


async def _all(connection: Connection, statement: Statement, **parameters: object) -> Sequence[RowMapping]:
    return (await connection.execute(statement, parameters)).mappings().all()


@dataclass(frozen=True, slots=True)
class PostgresBookkeeper:
    """Reads a batch's books in one statement a table, and writes them in one statement altogether."""

    connection: Connection
    limits: Limits

    async def open(self, wanted: Wanted) -> Books:
        """Lock the accounts first: what is read after that cannot change any more."""
        accounts = await self._accounts(list(wanted.teams))
        requests = await self._some(reads.REQUESTS, wanted.requests)
        holds = await self._some(reads.HOLDS, wanted.jobs)
        grants = await self._some(reads.GRANTS, wanted.grants)
        claims = await self._claims(wanted)
        await self._find_buckets(accounts, wanted)
        quotes = await self._some(reads.QUOTES, wanted.quotes)
        return Books(
            accounts=accounts,
            requests={row["id"]: Request(**row) for row in requests},
            holds={row["id"]: read_hold(row) for row in holds},
            grants={row["source_ref"]: Grant(**row) for row in grants},
            claims={row["source_ref"]: Claim(**row) for row in claims},
            quotes={row["id"]: read_quote(row) for row in quotes},
            key_spend=await self._key_spend(wanted.keys),
            limits=self.limits,
        )

    async def save(self, books: Books) -> None:
        """Write down everything at once; nothing when nothing happened."""
        if books.have_changed:
            await self.connection.execute(SAVE, parameters(books))

    async def watch(self, account: Account, version: int) -> bool:
        """Write down below what its team wants to hear, unless something newer is known."""
        row = {"team_id": account.team_id, "below": account.alert_below, "version": version}
        return (await self.connection.execute(reads.WATCH, row)).first() is not None

    async def _accounts(self, teams: list[UUID]) -> dict[UUID, Account]:
        if not teams:
            return {}
        rows = await _all(self.connection, reads.LOCK_ACCOUNTS, teams=teams)
        if len(rows) < len(teams):
            await self.connection.execute(reads.OPEN_ACCOUNTS, {"teams": teams})
            rows = await _all(self.connection, reads.LOCK_ACCOUNTS, teams=teams)
        accounts = {row["team_id"]: read_account(row) for row in rows}
        for row in await _all(self.connection, reads.BUCKETS, teams=teams):
            accounts[row["team_id"]].buckets[row["id"]] = read_bucket(row)
        return accounts

    async def _some(self, statement: Statement, ids: Collection[UUID | str]) -> Sequence[RowMapping]:
        return await _all(self.connection, statement, ids=list(ids)) if ids else ()

    async def _claims(self, wanted: Wanted) -> Sequence[RowMapping]:
        if not wanted.grants:
            return ()
        refs, grants = list(wanted.claims), list(wanted.grants)
        return await _all(self.connection, reads.CLAIMS, refs=refs, grants=grants)

    async def _find_buckets(self, accounts: dict[UUID, Account], wanted: Wanted) -> None:
        found = [*await self._some(reads.SPENT_BUCKETS, wanted.refunds)]
        if wanted.claims:
            found += await self._some(reads.GRANTED_BUCKETS, wanted.grants)
        for row in found:
            if account := accounts.get(row["team_id"]):
                account.buckets.setdefault(row["id"], read_bucket(row))

    async def _key_spend(self, keys: Collection[KeyWindow]) -> dict[KeyWindow, int]:
        if not keys:
            return {}
        ids, starts = zip(*keys, strict=True)
        rows = await _all(self.connection, reads.KEY_SPEND, ids=list(ids), starts=list(starts))
        return {KeyWindow(row["key_id"], row["start"]): row["amount"] for row in rows}


@dataclass(frozen=True, slots=True)
class PostgresDue:
    """What time has run out for."""

    connection: Connection

    async def holds(self, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        """Find holds nobody settled, the oldest first."""
        rows = await _all(self.connection, reads.DUE_HOLDS, now=now, limit=limit)
        return [(row["team_id"], row["id"]) for row in rows]

    async def teams(self, now: datetime, limit: int) -> list[UUID]:
        """Find teams with buckets open beyond their time."""
        rows = await _all(self.connection, reads.DUE_TEAMS, now=now, limit=limit)
        return [row["team_id"] for row in rows]
