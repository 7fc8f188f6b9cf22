"""Every statement of billing reads by the index that was made for it, and the loss of that index is seen.

`along` an index: all of it is read, in its order. `whole`: the table is. Both are only good for few rows,
or with a limit; a line says which. A statement that is not listed reads no table.
"""

from collections.abc import AsyncIterator

import pytest

from billing.adapters import outbound
from chassis.database import Database
from chassis.plans import flaws, statements_of

STATEMENTS = statements_of(outbound)
READS = {
    "books.GRANTED": {"ix_grants_team_id"},
    "customers.FIND": {"pk_customers"},
    "customers.BY_CUSTOMER": {"uq_customers_customer_id"},
    "customers.CLOSED": {"pk_customers"},
    "customers.END": {"pk_subscriptions"},
    "customers.FORGET.0": {"pk_top_ups"},
    "customers.FORGET.1": {"pk_overviews"},
    "customers.RELEASE": {"pk_customers"},
    "customers.CLOSING": {"along ix_customers_closed_at"},  # those not closed at Stripe yet, a page
    "events.FIND": {"pk_stripe_events"},
    "events.SETTLE": {"pk_stripe_events"},
    "events.WAITING": {"ix_stripe_events_waiting"},
    "events.NEWEST": {"along ix_stripe_events_received_at"},  # a page, from the end
    "overviews.FIND": {"pk_overviews"},
    "overviews.PAGE": {"pk_overviews"},
    "overviews.LAST": {"whole offers"},  # one row
    "subscriptions.LOCK": {"pk_subscriptions"},
    "subscriptions.LOCK_DUE": {"ix_subscriptions_free_period_end", "pk_customers"},
    "subscriptions.TO_LOOK_AT": {
        "ix_subscriptions_due_at",
        "ix_subscriptions_free_period_end",
        "pk_customers",
    },
    "subscriptions.LOOK_AGAIN": {"pk_subscriptions"},
    "subscriptions.PAGE": {"pk_subscriptions"},
    "subscriptions.SAVE": {"pk_subscriptions"},
    "top_ups.WISH": {"pk_top_ups"},
    "top_ups.SPENT": {"ix_purchases_team_id"},
    "top_ups.ANSWERED": {"ix_purchases_team_id"},
    "top_ups.END": {"pk_purchases"},
    "top_ups.IN_FLIGHT": {"uq_purchases_in_flight"},
    "top_ups.STUCK": {"along uq_purchases_in_flight"},  # at most one a team
}


@pytest.fixture(scope="module")
async def database(migrated: str) -> AsyncIterator[Database]:
    database = Database(migrated, "billing", pool_size=1)
    yield database
    await database.close()


def test_what_is_judged_is_still_asked():
    assert set(READS) <= set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_reads_by_its_index(database: Database, name: str):
    assert await flaws(database, STATEMENTS[name], READS.get(name, ())) == []
