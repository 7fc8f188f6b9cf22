"""Everything that can happen to one payment at the same moment, in a transaction each."""

import asyncio
from uuid import uuid4

from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    released,
    top_up,
)

from chassis.database import Database
from chassis.testing import delivery
from credits.application.refund_captured_job import refund_captured_job

ROUNDS = 25


async def test_whoever_comes_first_the_same_is_left(database: Database):
    service = Credits(Postgres(database))
    found = set()
    for _ in range(ROUNDS):
        team = uuid4()
        first, pack = period(team, 20), top_up(team, 12)
        await service.tell(first)
        ended, failed = ask(team, order(4)), ask(team, order(4))
        await service.tell(ended, failed)
        story = [
            captured(ended, 3),
            released(failed),
            period(team, 30, NOW + DAY),
            pack,
            refund(first, 0.75),
            refund(pack, 0.5),
            dispute(pack, "opened", 0.5),
            dispute(pack, "won", 0.5),
        ]
        twice = [delivery(message) for message in (*story, *story)]
        await asyncio.gather(*(service.handle([each]) for each in twice))
        account = await service.account(team)
        found.add((account.available - account.uncollected, account.reserved, account.frozen))
    # 20 + 30 + 12 came, 6 were captured, 14 were left of the first period: 15 of it went back, 6 of the pack.
    assert found == {(35, 0, False)}


async def test_a_job_refunded_by_two_operators_at_once_is_refunded_once(database: Database):
    service = Credits(Postgres(database))
    for _ in range(ROUNDS):
        team = await service.team_with(20)
        asked = ask(team, order(4))
        await service.tell(asked)
        await service.tell(captured(asked, 4))
        job = asked.orders[0].job_id
        done = await asyncio.gather(
            *(
                refund_captured_job(job, None, "x", by, service.store.transaction, service.clock)
                for by in ("ada", "ben")
            )
        )
        assert sorted(each.again for each in done) == [False, True]
        assert (await service.account(team)).available == 20
