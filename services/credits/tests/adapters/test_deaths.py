"""Whatever the service was about to send when it died: nothing is lost, stranded, or done twice.

It dies before or after each kind of thing it sends in a story, at occasions drawn by a seed (`CRASH_SEED`
draws the same again); with `CRASH_POINTS=all` at every occasion, also those only a new process has: some
400 points, about half an hour.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

import aio_pika
import pytest
from services.credits.tests.deaths import Heard, Life, Story, hearing
from services.credits.tests.mortal import Point
from services.credits.tests.processes import run

from chassis.testing import FreshDatabase
from contracts.credits import AccountChanged, LowBalance
from contracts.topology import QUEUES, UNROUTED

EVERYWHERE = os.environ.get("CRASH_POINTS") == "all"
SIDES = (False, True)
NEW = ("prepare ", "protocol", "connect")
"""What only a new process sends: by default these points are left out, since a death between the preparation
of a statement and its execution is a death before the execution."""
TELLINGS = 3
"""How often the story is told for a death: what is sent together depends on what came together."""
HISTORY = {
    ("replenish", 50): 1,
    ("reserve", -8): 3,
    ("reserve", -4): 2,
    ("deduct", 0): 3,
    ("refund", 2): 1,
    ("refund", 6): 1,
    ("refund", 4): 1,
}
BOOKS = "-50|30|4|16|0|0|0"
HOLDS = ["captured|2|6", "captured|6|2", "captured|8|0", "held|0|0", "released|0|0", "released|0|4"]


@pytest.fixture
async def heard(fresh_vhost: str) -> AsyncIterator[Heard]:
    async with hearing(fresh_vhost) as heard:
        yield heard


@pytest.mark.timeout(3 * 3600 if EVERYWHERE else 300)
async def test_a_death_at_any_point_changes_nothing(
    environment: dict[str, str], fresh_database: FreshDatabase, fresh_vhost: str, heard: Heard
):
    assert (await run(environment, "migrate"))[0] == 0
    urls = fresh_database.url("credits"), fresh_vhost
    life, missed = await Life.begin(*urls), []
    points = await chosen(life, heard)
    for point in points:
        for _ in range(TELLINGS):
            if point.name.startswith(NEW):
                await life.kill()
                life = await Life.begin(*urls)
            story, alive = Story(heard), life
            life = await killed(urls, life, story, point)
            came_out_right(story, fresh_database, point)
            if life is not alive:
                break
        missed += [point] if life is alive else []
        print("not met:" if life is alive else "died", point, flush=True)
    await all_is_sent(fresh_database)
    await life.kill()
    print(f"{len(points)} points, of which {len(missed)} were not met")
    assert len(missed) <= len(points) // 10
    await nothing_is_left(fresh_vhost)
    status, output = await run(environment, "verify")
    assert (status, output.splitlines()[-1]) == (0, "ledger: clean")


async def chosen(life: Life, heard: Heard) -> list[Point]:
    """Tell the story once without a death, and draw from all that was sent on the way."""
    life.arm()
    await Story(heard).tell()
    sent = Counter(life.sent)
    await heard.everything()
    if EVERYWHERE:
        return [
            Point(name, n + 1, after) for name, times in sent.items() for n in range(times) for after in SIDES
        ]
    seed = int(os.environ.get("CRASH_SEED", Random().randrange(10**6)))
    print(f"CRASH_SEED={seed}; {sent.total()} sendings of {len(sent)} kinds")
    kinds = sorted(name for name in sent if not name.startswith(NEW))
    random = Random(seed)
    return [Point(name, random.randint(1, sent[name]), random.choice(SIDES)) for name in kinds]


async def killed(urls: tuple[str, str], life: Life, story: Story, point: Point) -> Life:
    """Tell the story to a service that dies at a point, then to its successor; returns who is alive."""
    life.arm(point)
    telling = asyncio.create_task(story.tell_to_the_end())
    death = asyncio.create_task(life.dies())
    await asyncio.wait([telling, death], return_when=asyncio.FIRST_COMPLETED)
    if telling.done() and life.process.is_alive():
        await telling
        try:
            life.arm()
        except BrokenPipeError:
            pass  # it died of the last it sent, when all was told
        else:
            return life
    await death
    await life.kill()
    successor = await Life.begin(*urls)
    try:
        await telling
    except TimeoutError as error:
        error.add_note(f"died {point}; {story.unanswered()}")
        raise
    return successor


def came_out_right(story: Story, database: FreshDatabase, point: Point | None) -> None:
    for copies in story.heard.about(story.team).values():
        told = {(m.type, m.body, m.correlation_id, str(sorted(m.headers.items()))) for m in copies}
        assert len(told) == 1, point
    for said in (said for act in story.acts for said in act):
        answers = story.answers(said)
        assert set(answers) == {said.answer}, (point, said)
        assert len(answers) == 1 or said.again, (point, said)
    facts = story.heard.facts
    assert len(facts(story.team, LowBalance)) == 1, point
    accounts = sorted(facts(story.team, AccountChanged), key=lambda account: account.version)
    assert [account.version for account in accounts] == list(range(1, len(accounts) + 1)), point
    assert (accounts[-1].available, accounts[-1].reserved) == (30, 4), point
    assert Counter((e.kind, e.amount) for a in accounts for e in a.entries) == HISTORY, point
    of_team = f"where team_id = '{story.team}'"
    sides = "issued, spendable, reserved, spent, expired, clawed_back, uncollected"
    assert database.query(f"select {sides} from credits.accounts {of_team}") == BOOKS, point
    holds = database.query(f"select status, captured, released from credits.holds {of_team} order by 1, 2, 3")
    assert holds.splitlines() == HOLDS, point


async def all_is_sent(database: FreshDatabase) -> None:
    async with asyncio.timeout(20):
        while database.query("select count(*) from credits.outbox") != "0":
            await asyncio.sleep(0.1)


async def nothing_is_left(url: str) -> None:
    """All that was sent to the service is acknowledged, and nothing was put aside."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        own = [queue for queue in QUEUES if queue.name.startswith("credits.")]
        names = [*(queue.name for queue in own), *(queue.parked for queue in own), UNROUTED]
        left = {name: await channel.declare_queue(name, passive=True) for name in names}
        counts = {name: queue.declaration_result.message_count for name, queue in left.items()}
        assert counts == dict.fromkeys(names, 0)
