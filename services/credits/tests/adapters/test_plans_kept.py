"""Rows are looked up by their keys, also by statements that were first planned on empty tables."""

from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import ask, captured, order, released, spending_key

from chassis.database import Database
from chassis.testing import FreshDatabase, delivery

READ_WHOLE = """
    select string_agg(relname, ' ' order by relname) from pg_stat_user_tables
    where schemaname = 'credits' and seq_tup_read > 0 and relname not in ('price_lists', 'outbox')
"""


async def test_no_batch_reads_a_table_whole(database: Database, migrated: str, fresh_database: FreshDatabase):
    # One connection, so that its plans are those it made first; its figures are told when it closes.
    one = Database(migrated, "credits", 1, plan_once=False)
    service = Credits(Postgres(one))
    team, key = await service.team_with(10_000), spending_key(10_000)
    for size in (1,) * 20 + (50,) * 4:
        asks = [ask(team, order(1), api_key=key) for _ in range(size)]
        await service.handle([delivery(asked) for asked in asks])
        await service.handle([delivery(captured(asked, 1)) for asked in asks[::2]])
        await service.handle([delivery(released(asked)) for asked in asks[1::2] or asks])
    await service.expire(team)
    await one.close()
    assert fresh_database.query(READ_WHOLE) == ""
