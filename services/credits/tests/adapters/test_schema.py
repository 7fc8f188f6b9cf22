"""The database refuses what must never be, whoever asks for it."""

import re

import asyncpg
import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import ask, ask_price, captured

from chassis.database import Database
from chassis.statement import text
from chassis.testing import FreshDatabase, schema_differences
from credits.adapters.outbound.tables import METADATA

COPY_BUCKETS = """
    insert into credits.buckets
    select gen_random_uuid(), team_id, kind, source_ref, granted, remaining, held, expires_at, period_start,
        opened_at, closed_at, close_reason, expired, demanded, owed, added
    from credits.buckets
"""
COPY_TRANSACTIONS = """
    insert into credits.ledger_transactions
    select gen_random_uuid(), team_id, version, n, kind, amount, charged, balance_after, job_id, operation,
        reason, at
    from credits.ledger_transactions
"""


@pytest.fixture
async def books(database: Database) -> Database:
    service = Credits(Postgres(database))
    asked = ask(await service.team_with(200))
    await service.tell(asked)
    await service.tell(captured(asked, 3))
    await service.tell(ask_price(asked.team_id), ask_price(asked.team_id))
    await service.tell(ask(asked.team_id))
    return database


REFUSED = {
    "nobody_spends_what_they_do_not_have": [
        "update credits.accounts set spendable = -1, reserved = reserved + spendable + 1"
    ],
    "reserved_is_not_negative": [
        "update credits.accounts set reserved = -1, spendable = spendable + reserved + 1"
    ],
    "every_credit_is_accounted_for": ["update credits.accounts set spendable = spendable + 1"],
    "uncollected_is_a_receivable": ["update credits.accounts set uncollected = 1, spendable = spendable - 1"],
    "remaining_is_not_negative": ["update credits.buckets set remaining = -1"],
    "held_is_not_negative": ["update credits.buckets set held = -1"],
    "no_more_than_granted": ["update credits.buckets set remaining = granted + 1, held = 0"],
    "no_more_demanded_than_granted": ["update credits.buckets set demanded = granted + 1"],
    "no_more_owed_than_demanded": ["update credits.buckets set owed = demanded + 1"],
    "no_more_refunded_than_captured": ["update credits.holds set refunded = captured + 1"],
    "closed_means_empty": ["update credits.buckets set closed_at = now(), close_reason = 'expired'"],
    "closed_for_a_reason": ["update credits.buckets set remaining = 0, closed_at = now()"],
    "uq_buckets_source_ref": [COPY_BUCKETS],
    "settled_in_full": [
        "update credits.holds set released = released + 1 where status = 'captured'",
        "update credits.holds set captured = 1 where status = 'held'",
    ],
    "amount_is_quantity_at_unit_price": ["update credits.holds set amount = amount + 1"],
    "without_request_is_a_tombstone": ["update credits.holds set request_id = null"],
    "uq_quotes_used_by": ["update credits.quotes set used_by = '00000000-0000-0000-0000-000000000000'"],
    "bind_for_a_while": ["update credits.quotes set expires_at = quoted_at"],
    "amount_is_positive": ["update credits.hold_allocations set amount = 0"],
    "ledger_entries is append-only": [
        "update credits.ledger_entries set amount = 1",
        "delete from credits.ledger_entries",
        "truncate credits.ledger_entries",
    ],
    "ledger_transactions is append-only": [
        "update credits.ledger_transactions set reason = ''",
        "delete from credits.ledger_transactions",
    ],
    "does not sum to zero": [
        (
            "insert into credits.ledger_entries (transaction_id, line, side, amount, balance_after) "
            "select id, 99, 'spent', 1, 1 from credits.ledger_transactions"
        )
    ],
    "uq_ledger_transactions_team_id_version_n": [COPY_TRANSACTIONS],
}
CASES = [(statement, reason) for reason, statements in REFUSED.items() for statement in statements]


@pytest.mark.parametrize(("statement", "reason"), CASES)
async def test_the_database_refuses(books: Database, statement: str, reason: str):
    with pytest.raises(asyncpg.PostgresError, match=re.escape(reason)):
        async with books.begin() as connection:
            await connection.execute(text(statement))


async def test_the_migrations_make_the_described_tables(migrated: str):
    assert await schema_differences(migrated, METADATA) == []


def test_the_seeded_prices_are_the_published_ones(migrated: str, fresh_database: FreshDatabase):
    rows = fresh_database.query("select operation || ' ' || base from credits.prices order by 1")
    assert rows.split("\n") == ["create_model 100", "generate_images 2", "refine_model 50"]
