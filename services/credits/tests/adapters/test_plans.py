"""Every statement of credits reads by the index that was made for it, and the loss of that index is seen.

`along` an index: all of it is read, in its order. `whole`: the table is. Both are only good for few rows;
a line says which. A statement that is not listed reads no table.
"""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.plans import flaws, statements_of
from chassis.testing import FreshDatabase
from credits.adapters import outbound

STATEMENTS = statements_of(outbound)
del STATEMENTS["drifts.FIND"]  # a repair compares all holds with the whole ledger
OF_A_TEAM = "uq_ledger_transactions_team_id_version_n"
READS = {
    "figures._FIGURES": {"along ix_holds_due", "along ix_accounts_owing"},  # open holds; who owes anything
    "history.TEAM_OF": {"pk_holds"},
    "history.KNOWS": {"pk_accounts"},
    "history.TEAMS": {"pk_accounts"},
    "history.BALANCE": {OF_A_TEAM},
    "history.ENTRIES": {OF_A_TEAM},
    "history.VERSIONS": {OF_A_TEAM},
    "history.UNSENT": {"along pk_outbox"},  # what waits to be sent
    "postgres.SAVE": {"pk_quotes", "pk_accounts", "pk_buckets", "pk_holds"},
    "price_lists.AT": {"pk_price_lists", "pk_prices"},
    "price_lists.SAID": {"along pk_price_lists", "along pk_prices"},
    "price_lists.OVERRULED": {"pk_price_lists"},
    "price_lists.CLAIM": {"pk_price_lists"},
    "price_lists.NEXT": {"pk_price_lists"},
    "reads.OPEN_ACCOUNTS": {"pk_lifts"},  # the newest
    "price_lists.FORGET": {"ix_quotes_untaken"},
    "reads.LOCK_ACCOUNTS": {"pk_accounts"},
    "reads.BUCKETS": {"ix_buckets_team_id"},
    "reads.GRANTED_BUCKETS": {"uq_buckets_source_ref"},
    "reads.SPENT_BUCKETS": {"pk_buckets", "pk_hold_allocations"},
    "reads.CLAIMS": {"ix_claims_grant_ref", "pk_claims"},
    "reads.REQUESTS": {"pk_requests"},
    "reads.HOLDS": {"pk_hold_allocations", "pk_holds"},
    "reads.GRANTS": {"pk_grants"},
    "reads.KEY_SPEND": {"pk_key_spend"},
    "reads.QUOTES": {"pk_quotes"},
    "reads.DUE_HOLDS": {"ix_holds_due"},
    "reads.DUE_TEAMS": {"ix_buckets_due"},
    "reads.WATCH": {"pk_accounts"},
}
# Many quotes, for Postgres would read a handful of them whole.
FILL = """
    insert into credits.accounts (team_id) select md5(n::text)::uuid from generate_series(1, 1000) as n;
    insert into credits.quotes (id, team_id, items, total, price_version, asked_by, quoted_at, expires_at)
    select gen_random_uuid(), md5((1 + n % 1000)::text)::uuid, '[]', 1, 1, gen_random_uuid(), now(),
        now() + interval '1 hour'
    from generate_series(1, 5000) as n;
    analyze credits.accounts, credits.quotes
"""


@pytest.fixture(scope="module")
async def database(migrated: str, fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    fresh_database.query(FILL)
    database = Database(migrated, "credits", pool_size=1)
    yield database
    await database.close()


def test_what_is_judged_is_still_asked():
    assert set(READS) <= set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_reads_by_its_index(database: Database, name: str):
    assert await flaws(database, STATEMENTS[name], READS.get(name, ())) == []
