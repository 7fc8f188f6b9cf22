"""Everything that can end a hold at the same moment, on connections of their own, a thousand times over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import DAY, MONTH, NOW, ask, captured, order, period, released

from chassis.database import Database
from chassis.health import Health
from chassis.publisher import Outgoing, Publisher
from chassis.relay import Relay
from chassis.testing import delivery, listening
from contracts.credits import AccountChanged, CreditsSettled, HoldCredits
from contracts.message import Message
from credits.adapters.outbound.audit import PostgresAudit
from credits.application.expire_credits import expire_buckets, expire_holds
from credits.application.ports import Wanted
from credits.application.verify_ledger import verify_ledger
from credits.domain.holding import lifetime

ROUNDS, WAVE = 1000, 5
SEED = 20261101
SECOND = timedelta(seconds=1)
TRIPWIRES = "lock_timeout=10s&statement_timeout=15s"
"""Whoever waits this long waits for somebody who waits for him; the statement fails, and the test with it."""


@pytest.fixture
async def racers(migrated: str) -> AsyncIterator[list[Credits]]:
    """Four replicas of the service, each with connections and a clock of its own."""
    databases = [
        Database(f"{migrated}?{TRIPWIRES}", "credits", pool_size=WAVE, plan_once=False) for _ in range(4)
    ]
    yield [Credits(Postgres(database)) for database in databases]
    for database in databases:
        await database.close()


async def holding(service: Credits, teams: int, of_each: int = 1, together: int = 200) -> list[HoldCredits]:
    """Open teams with 20 credits a hold and hold 8 of them; only those held together run out together."""
    opened = [uuid4() for _ in range(teams)]
    await in_batches(service, [period(team, 20 * of_each) for team in opened])
    asks = [ask(team, order(4)) for team in opened for _ in range(of_each)]
    for n in range(0, len(asks), together):
        service.clock.now = NOW + n // together * SECOND
        await service.handle([delivery(asked) for asked in asks[n : n + together]])
    await service.store.said()
    return asks


async def in_batches(service: Credits, messages: Sequence[Message], size: int = 200) -> None:
    for n in range(0, len(messages), size):
        await service.handle([delivery(message) for message in messages[n : n + size]])


async def race(random: Random, *runners: Callable[[], Awaitable[object]]) -> None:
    """Let all of them start at the same moment, in any order."""
    barrier = asyncio.Barrier(len(runners))

    async def run(runner: Callable[[], Awaitable[object]]) -> None:
        await barrier.wait()
        await asyncio.sleep(random.random() * 0.004)
        await runner()

    await asyncio.gather(*(run(runner) for runner in random.sample(runners, len(runners))))


async def race_for(wave: Sequence[HoldCredits], racers: Sequence[Credits], random: Random) -> None:
    """Capture, release, expire and replenish at once; one sweep finds all the holds of the wave."""
    capturing, releasing, expiring, replenishing = racers
    await race(
        random,
        lambda: expire_holds(expiring.store.transaction, expiring.clock),
        *(told(capturing, captured(asked, 3)) for asked in wave),
        *(told(releasing, released(asked)) for asked in wave),
        *(told(replenishing, period(asked.team_id, 300, NOW + DAY)) for asked in wave),
    )


def told(service: Credits, message: Message) -> Callable[[], Awaitable[None]]:
    return lambda: service.handle([delivery(message)])


def job_of(asked: HoldCredits) -> UUID:
    return asked.orders[0].job_id


def settled(messages: Sequence[Message]) -> dict[UUID, list[CreditsSettled]]:
    """Sort what was said by the job it is about."""
    by_job: dict[UUID, list[CreditsSettled]] = {}
    for message in messages:
        if isinstance(message, CreditsSettled):
            by_job.setdefault(message.job_id, []).append(message)
    return by_job


async def look_at(service: Credits, teams: set[UUID]) -> dict[UUID, AccountChanged]:
    async with service.store.transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams=teams))
    return {team: account.face() for team, account in books.accounts.items()}


async def replies(service: Credits, asks: Sequence[HoldCredits]) -> list[dict[UUID, list[CreditsSettled]]]:
    """Ask again, with new messages, how each hold ended."""
    said = []
    for again in ([captured(asked, 3) for asked in asks], [released(asked) for asked in asks]):
        await in_batches(service, again)
        said.append(settled(await service.store.said()))
    return said


def last_word(said: Sequence[CreditsSettled]) -> CreditsSettled:
    """Find the one end that was told; only an expiry may come before it, when delivery comes late."""
    (end,) = {message.model_dump_json(): message for message in said if message.outcome != "expired"}.values()
    return end


async def test_a_hold_ends_once_whoever_comes_first(database: Database, racers: list[Credits]):
    service, random = racers[0], Random(SEED)
    asks = await holding(service, ROUNDS, together=WAVE)
    for n in range(0, ROUNDS, WAVE):
        for racer in racers:
            racer.clock.now = NOW + n // WAVE * SECOND + lifetime(asks[n].orders[0].operation)
        await race_for(asks[n : n + WAVE], racers, random)

    said = settled(await service.store.said())
    ends = {job: last_word(messages) for job, messages in said.items()}
    assert set(ends) == {job_of(asked) for asked in asks}
    assert {end.outcome for end in ends.values()} == {"captured", "released", "late_captured"}
    for again in await replies(service, asks):
        assert again == {job: [end] for job, end in ends.items()}
    accounts = await look_at(service, {asked.team_id for asked in asks})
    for asked in asks:
        account, end = accounts[asked.team_id], ends[job_of(asked)]
        assert (account.reserved, end.captured) == (0, 0 if end.outcome == "released" else 6)
        # What is delivered late is paid from what is there: the old credits, or the new ones.
        assert account.available in ({294, 300} if end.outcome == "late_captured" else {300})
    assert (await verify_ledger(PostgresAudit(database))).findings == 0


async def test_two_sweepers_expire_each_hold_and_each_bucket_once(racers: list[Credits]):
    sweepers, random = racers[:2], Random(SEED)
    asks = await holding(racers[0], 50, of_each=6, together=300)
    teams = {asked.team_id for asked in asks}

    async def sweep(service: Credits, expire: Callable[..., Awaitable[bool]]) -> None:
        service.clock.now = NOW + 2 * MONTH
        while await expire(service.store.transaction, service.clock):
            pass

    await race(random, *(lambda each=each: sweep(each, expire_holds) for each in sweepers))
    said = settled(await racers[0].store.said())
    assert {job: [m.outcome for m in found] for job, found in said.items()} == {
        job_of(asked): ["expired"] for asked in asks
    }
    await race(random, *(lambda each=each: sweep(each, expire_buckets) for each in sweepers))
    changed = Counter(message.team_id for message in await racers[0].store.said())
    assert {team: changed[team] for team in teams} == dict.fromkeys(teams, 1)
    accounts = (await look_at(racers[0], teams)).values()
    assert {(account.available, account.reserved) for account in accounts} == {(0, 0)}


class Counted(Publisher):
    """A publisher that knows how much it has sent."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sent: list[str] = []

    async def publish_all(self, messages: Sequence[Outgoing]) -> list[BaseException | None]:
        self.sent += [message.message_id for message in messages]
        return await super().publish_all(messages)


async def test_two_relays_send_each_message_once(racers: list[Credits], fresh_vhost: str):
    service, publishers = racers[0], [Counted(fresh_vhost) for _ in range(2)]
    asks = await holding(service, 200, of_each=5)
    await in_batches(service, [released(asked) for asked in asks])
    relays = [
        Relay(racer.store.database, publisher, Health())
        for racer, publisher in zip(racers[2:], publishers, strict=True)
    ]
    async with listening(fresh_vhost, CreditsSettled) as bus:
        await race(Random(SEED), *(relay.flush for relay in relays))
        heard = [await bus.hear(CreditsSettled) for _ in asks]
        assert await bus.silence() == []
    assert {message.job_id for message in heard} == {job_of(asked) for asked in asks}
    sent = [id_ for publisher in publishers for id_ in publisher.sent]
    assert len(sent) == len(set(sent))
    assert all(publisher.sent for publisher in publishers)
    assert await service.store.said() == []
    for publisher in publishers:
        await publisher.close()
