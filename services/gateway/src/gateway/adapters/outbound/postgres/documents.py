"""The views, as the projector writes them: each statement takes a whole batch."""

import base64
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from contracts.catalog import PreviewPublished
from contracts.credits import AccountChanged, CreditsQuoted, Entry, Hold, PricingChanged
from contracts.jobs import Cost
from contracts.message import Document
from contracts.orders import Operation
from gateway.adapters.outbound.postgres.put import PUTS, price

_HOLD = text("""
    update gateway.view_jobs set cost = h.cost,
        status = case when version = 0 then 'queued' else status end,
        document = case when version = 0 then document || '{"status": "queued"}' else document end
    from unnest(cast(:ids as uuid[]), cast(:costs as jsonb[])) as h (job_id, cost) where id = h.job_id
""")
_PENDING = text("""
    update gateway.view_models set status = 'pending', document = document || '{"status": "pending"}'
    where id = any(:ids) and version = 0
""")
_WITHDRAW_JOBS = text("delete from gateway.view_jobs where id = any(:ids) and version = 0")
_WITHDRAW_MODELS = text("delete from gateway.view_models where id = any(:ids) and version = 0")
_RECORD = text("""
    insert into gateway.view_credit_entries as e
        (id, team_id, version, position, kind, operation, job_id,
        amount, charged, balance_after, at, document, told_in)
    select * from unnest(cast(:ids as uuid[]), cast(:teams as uuid[]), cast(:versions as bigint[]),
        cast(:positions as int[]), cast(:kinds as text[]), cast(:operations as text[]), cast(:jobs as uuid[]),
        cast(:amounts as bigint[]), cast(:charged as bigint[]), cast(:balances as bigint[]),
        cast(:times as timestamptz[]), cast(:documents as jsonb[]), cast(:told as bigint[]))
    on conflict (id) do update set told_in = excluded.told_in
    where coalesce(e.told_in, e.version) < excluded.told_in
""")
_LINE = ("ids", "teams", "versions", "positions", "kinds", "operations", "jobs", "amounts", "charged",
    "balances", "times", "documents", "told")  # fmt: skip
_PRICE = text("""
    insert into gateway.view_pricing (version, effective_at, document)
    select * from unnest(cast(:versions as bigint[]), cast(:times as timestamptz[]),
        cast(:documents as jsonb[])) on conflict (version) do nothing
""")
# Only what a request waits for: it is forgotten with the request.
_QUOTE = text("""
    insert into gateway.view_quotes (request_id, team_id, document)
    select r.id, r.team_id, q.document
    from unnest(cast(:requests as uuid[]), cast(:documents as jsonb[])) as q (request_id, document)
    join gateway.requests r on r.id = q.request_id on conflict (request_id) do nothing
""")
_PICTURE = text("""
    insert into gateway.previews (sha256, content_type, data)
    select distinct on (name) *
    from unnest(cast(:names as text[]), cast(:types as text[]), cast(:data as bytea[]))
        as p (name, type, data)
    on conflict (sha256) do update set recorded_at = now()
""")
# A picture comes before the document that shows it: what is new may not be shown yet.
_FORGET_PICTURES = text("""
    delete from gateway.previews p where p.recorded_at < :before
        and not exists (select from gateway.view_reference_models r where r.preview = p.sha256)
""")
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class StoredDocuments:
    """The views, within one transaction."""

    connection: Connection

    async def withdraw(self, job_ids: Collection[UUID], model_ids: Collection[UUID]) -> None:
        """Take documents of version 0 back."""
        if job_ids:
            await self.connection.execute(_WITHDRAW_JOBS, {"ids": list(job_ids)})
        if model_ids:
            await self.connection.execute(_WITHDRAW_MODELS, {"ids": list(model_ids)})

    async def put(self, documents: Sequence[Document], *, announced: bool = False) -> list[Document]:
        """Keep what is newer than what is shown, each subject once; returns it, in the order it came.

        Newer is also the fact of what has only been announced.
        """
        newest = _newest(documents)
        kept: set[tuple[str, str]] = set()
        for kind, put in PUTS.items():
            if rows := [document for document in newest if isinstance(document, kind)]:
                values = put.values(rows) | {"announced": announced}
                subjects = (await self.connection.execute(put.statement, values)).scalars()
                kept |= {(kind.type, str(subject)) for subject in subjects}
        return [document for document in newest if (document.type, document.subject) in kept]

    async def hold(self, holds: Sequence[Hold]) -> None:
        """Show what jobs cost, and those of version 0 as queued."""
        if not holds:
            return
        costs = [
            price(Cost(held=hold.amount, unit_price=hold.unit_price, price_version=hold.price_version))
            for hold in holds
        ]
        await self.connection.execute(_HOLD, {"ids": [hold.job_id for hold in holds], "costs": costs})
        created = [
            hold.order.recipe.model_id for hold in holds if hold.order.operation == Operation.CREATE_MODEL
        ]
        if created:
            await self.connection.execute(_PENDING, {"ids": created})

    async def record(self, accounts: Sequence[AccountChanged]) -> None:
        """Keep the history lines of accounts, each once, with the newest version they were told in."""
        # A batch may tell a line twice, and one statement may write a row once.
        lines = {
            entry.id: (
                entry.id, account.team_id, entry.version, position, entry.kind, entry.operation, entry.job_id,
                entry.amount, entry.charged, entry.balance_after, entry.at, entry.model_dump_json(),
                account.version)
            for account in sorted(accounts, key=lambda account: account.version)
            for position, entry in _placed(account.entries)
        }  # fmt: skip
        if lines:
            columns = (list(column) for column in zip(*lines.values(), strict=True))
            await self.connection.execute(_RECORD, dict(zip(_LINE, columns, strict=True)))

    async def price(self, lists: Sequence[PricingChanged]) -> None:
        """Keep price lists, each version once."""
        if lists:
            values = {
                "versions": [prices.version for prices in lists],
                "times": [prices.effective_at for prices in lists],
                "documents": [prices.model_dump_json() for prices in lists],
            }
            await self.connection.execute(_PRICE, values)

    async def quote(self, quotes: Sequence[CreditsQuoted]) -> None:
        """Keep the offers that requests wait for."""
        if quotes:
            values = {
                "requests": [quote.request_id for quote in quotes],
                "documents": [quote.model_dump_json() for quote in quotes],
            }
            await self.connection.execute(_QUOTE, values)

    async def picture(self, previews: Sequence[PreviewPublished]) -> None:
        """Keep the pictures of reference models."""
        if previews:
            values = {
                "names": [preview.sha256 for preview in previews],
                "types": [preview.content_type for preview in previews],
                "data": [base64.b64decode(preview.data) for preview in previews],
            }
            await self.connection.execute(_PICTURE, values)

    async def forget_pictures(self, before: datetime) -> None:
        """Drop the pictures of before then that no reference model shows any more."""
        await self.connection.execute(_FORGET_PICTURES, {"before": before})


def _placed(entries: Iterable[Entry]) -> Iterator[tuple[int, Entry]]:
    """Count lines within their version; those of one version always come together."""
    for _, of_version in groupby(entries, key=attrgetter("version")):
        yield from enumerate(of_version)


def _newest(documents: Iterable[Document]) -> list[Document]:
    newest: dict[tuple[str, str], Document] = {}
    for document in documents:
        key = (document.type, document.subject)
        if key not in newest or document.version > newest[key].version:
            newest.pop(key, None)  # so that it stands where its newest version stood
            newest[key] = document
    return list(newest.values())
