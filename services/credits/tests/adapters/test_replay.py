"""The books are what was done: in one batch or one by one, and added up again from the ledger."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from services.credits.tests.books import is_sound
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import (
    DAY,
    MONTH,
    NOW,
    ask,
    ask_price,
    captured,
    dispute,
    item,
    order,
    period,
    refund,
    released,
    spending_key,
    top_up,
)

from chassis.database import Database
from chassis.statement import text
from chassis.testing import delivery
from contracts.credits import AccountChanged, CreditsHeld, HoldDeclined
from contracts.message import Message
from credits.domain.ledger import Side, empty_balances

UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Rows in an order that does not depend on ids; what says how entries were grouped into versions is left out.
TABLES = {
    "accounts": "select to_jsonb(t) - 'version' from credits.accounts t where team_id = any(:teams)"
    " order by array_position(:teams, team_id)",
    "buckets": "select to_jsonb(t) from credits.buckets t where team_id = any(:teams)"
    " order by array_position(:teams, team_id), kind, granted, opened_at",
    "grants": "select to_jsonb(t) - 'fingerprint' from credits.grants t where team_id = any(:teams)"
    " order by array_position(:teams, team_id), granted_at, right(source_ref, 5)",
    "claims": "select to_jsonb(t) from credits.claims t where team_id = any(:teams)"
    " order by array_position(:teams, team_id), left(source_ref, 14)",
    "requests": "select to_jsonb(t) - 'fingerprint' from credits.requests t where team_id = any(:teams)"
    " order by array_position(:requests, id)",
    "quotes": "select to_jsonb(t) from credits.quotes t where team_id = any(:teams)"
    " order by array_position(:requests, id)",
    "holds": "select to_jsonb(t) from credits.holds t where team_id = any(:teams)"
    " order by array_position(:jobs, id)",
    "hold_allocations": "select to_jsonb(a) from credits.hold_allocations a"
    " where hold_id = any(:jobs) order by array_position(:jobs, hold_id), position",
    "key_spend": "select to_jsonb(k) from credits.key_spend k where key_id = any(:keys)",
    "ledger_transactions": "select to_jsonb(t) - 'version' - 'n' from credits.ledger_transactions t"
    " where team_id = any(:teams) order by array_position(:teams, team_id), version, n",
    "ledger_entries": "select to_jsonb(e) from credits.ledger_entries e"
    " join credits.ledger_transactions t on t.id = e.transaction_id"
    " where team_id = any(:teams) order by array_position(:teams, team_id), version, n, line",
}


@pytest.fixture
def service(database: Database) -> Credits:
    return Credits(Postgres(database))


class Story:
    """What happens to three teams: batches of one kind of message, the same in every telling but for ids."""

    def __init__(self) -> None:
        self.teams = [uuid4() for _ in range(3)]
        self.key = spending_key(20)
        self.quotes = [ask_price(team, item(4)) for team in self.teams for _ in range(2)]
        self.holds = [*self._holds(), *self._quoted()]
        self.early = released(ask(self.teams[0], order(4)))

    def _holds(self) -> Iterator[Any]:
        for n in range(24):
            terms = {"api_key": self.key} if n % 4 == 0 else {}
            yield ask(self.teams[n % 3], order(1 + n % 5), order(2 + n % 3), **terms)
        yield ask(self.teams[0], order(16, quality="high"), max_credits=3)

    def _quoted(self) -> Iterator[Any]:
        for quote in self.quotes[::2]:
            yield ask(quote.team_id, order(4), quote_id=quote.request_id)
            yield ask(quote.team_id, order(4), quote_id=quote.request_id)

    def batches(self) -> Iterator[list[Message]]:
        """Tell it in order; some of it twice."""
        periods = [period(team, 60 + 40 * n) for n, team in enumerate(self.teams)]
        bought = [top_up(team, 10 + n) for n, team in enumerate(self.teams)]
        yield [*periods, periods[0], period(self.teams[1], 50, kind="add")]
        yield [*bought, bought[1]]
        yield [*self.quotes, self.quotes[0]]
        yield [*self.holds, self.holds[2], self.holds[-1]]
        yield [captured(asked, 1 + n % 2, 1) for n, asked in enumerate(self.held[:14])]
        yield [self.early, *(released(asked) for asked in self.held[10:20]), self.early]
        yield [period(team, 80, NOW + DAY) for team in self.teams[:2]]
        yield [refund(bought[0], 0.5), refund(periods[2]), refund(bought[0], 0.5)]
        yield [dispute(bought[1], "opened"), dispute(bought[1], "won"), dispute(bought[2], "lost")]
        yield [captured(asked, 1) for asked in self.held[:8]]

    @property
    def held(self) -> Sequence[Any]:
        """The holds that are not declined for certain."""
        return [asked for asked in self.holds[:24] if asked.request_id in self.accepted]

    accepted: frozenset[UUID] = frozenset()

    def listen(self, said: Sequence[Message]) -> None:
        """Learn which holds there are."""
        accepted = {message.request_id for message in said if isinstance(message, CreditsHeld)}
        self.accepted |= accepted

    @property
    def names(self) -> dict[str, list[UUID]]:
        jobs = [each.job_id for asked in self.holds for each in asked.orders]
        requests = [asked.request_id for asked in (*self.quotes, *self.holds)]
        early = self.early.job_id
        return {"teams": self.teams, "jobs": [*jobs, early], "requests": requests, "keys": [self.key.id]}


Deal = Callable[[Credits, list[Message]], Any]


async def whole(service: Credits, batch: list[Message]) -> list[Message]:
    await service.handle([delivery(message, named(message)) for message in batch])
    return await service.store.said()


async def one_by_one(service: Credits, batch: list[Message]) -> list[Message]:
    said = []
    for message in batch:
        await service.handle([delivery(message, named(message))])
        said += await service.store.said()
    return said


def named(message: Message) -> UUID:
    """Give the same message the same id."""
    return UUID(int=hash(message.model_dump_json()) % 2**128)


async def tell(service: Credits, story: Story, deal: Deal) -> list[Message]:
    """Let the story happen, ten seconds a batch."""
    said = []
    service.clock.now = NOW
    for batch in story.batches():
        said += await deal(service, batch)
        story.listen(said)
        service.clock.forward(timedelta(seconds=10))
    return said


def without_ids(documents: Sequence[Any]) -> list[Any]:
    """Number the ids in the order they appear."""
    numbers: dict[str, str] = {}
    written = orjson.dumps(documents, default=str).decode()
    return orjson.loads(UUIDS.sub(lambda id_: numbers.setdefault(id_[0], f"#{len(numbers)}"), written))


async def tables(database: Database, story: Story) -> dict[str, list[Any]]:
    found = {}
    async with database.reading() as connection:
        for table, query in TABLES.items():
            names = {name: ids for name, ids in story.names.items() if f":{name}" in query}
            query = re.sub(r":(\w+)", r"cast(:\1 as uuid[])", query)
            found[table] = list((await connection.execute(text(query), names)).scalars())
    return found


def answers(story: Story, said: Sequence[Message]) -> list[Any]:
    return [[m.type, m.model_dump(mode="json")] for m in said if not isinstance(m, AccountChanged)]


def histories(story: Story, said: Sequence[Message]) -> list[Any]:
    """What each team has read of its account in the end."""
    found = []
    for team in story.teams:
        faces = [m for m in said if isinstance(m, AccountChanged) and m.team_id == team]
        entries = [e.model_dump(mode="json", exclude={"version"}) for face in faces for e in face.entries]
        found.append([faces[-1].model_dump(mode="json", exclude={"version", "entries"}), entries])
    return found


async def test_one_batch_of_many_is_many_of_one(service: Credits, database: Database):
    told = []
    for deal in (whole, one_by_one):
        story = Story()
        said = await tell(service, story, deal)
        refused = {message.code for message in said if isinstance(message, HoldDeclined)}
        assert refused == {
            "insufficient_credits",
            "key_budget_exceeded",
            "max_credits_exceeded",
            "quote_mismatch",
        }
        rows = await tables(database, story)
        assert all(rows.values()), {table for table, found in rows.items() if not found}
        numbered = [story.names, rows, answers(story, said), histories(story, said)]
        told.append((without_ids(numbered), len(service.alarms.raised)))
        service.alarms.raised.clear()
    (batched, alarms), (single, as_many) = told
    assert alarms == as_many
    for there, here in zip(batched, single, strict=True):
        assert there == here


async def test_the_ledger_told_again_makes_the_balances(service: Credits, database: Database):
    story = Story()
    await tell(service, story, whole)
    service.clock.now = NOW + 3 * MONTH
    for team in story.teams:
        await service.expire(team)
    for team in story.teams:
        await replayed(database, team)


async def replayed(database: Database, team: UUID) -> None:
    """Add up one team's postings from nothing, and compare at each step and in the end."""
    balances, available = empty_balances(), 0
    for posting in await postings(database, team):
        for line in posting.lines:
            side = Side(line["side"])
            balances[side] += line["amount"]
            assert balances[side] == line["balance_after"]
        available += posting.amount
        assert is_sound(balances)
        assert balances[Side.SPENDABLE] == posting.balance_after == available
    async with database.reading() as connection:
        query = text("select * from credits.accounts where team_id = :team")
        account = (await connection.execute(query, {"team": team})).one()
    assert {side: account[side] for side in Side} == balances


async def postings(database: Database, team: UUID) -> Sequence[Any]:
    query = text(
        "select t.amount, t.balance_after, jsonb_agg(to_jsonb(e) order by e.line) as lines"
        " from credits.ledger_transactions t join credits.ledger_entries e on e.transaction_id = t.id"
        " where t.team_id = :team group by t.id order by t.version, t.n"
    )
    async with database.reading() as connection:
        return (await connection.execute(query, {"team": team})).all()
