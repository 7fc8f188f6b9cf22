"""The audit finds what is wrong, says where, and changes nothing."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import ask, ask_price, captured, spending_key

from chassis.database import Database
from credits.adapters.outbound.audit import CHECKS, PostgresAudit
from credits.application.verify_ledger import verify_ledger

LATEST = "(select id from credits.ledger_transactions order by at desc, version desc, n desc limit 1)"
HELD = "(select id from credits.holds where status = 'held' limit 1)"
CAPTURED = "(select id from credits.holds where status = 'captured' limit 1)"
QUOTE = UUID(int=1)

# Damage no constraint can see: it needs a superuser who switches the guards off.
DAMAGE = {
    "every transaction sums to zero": [
        f"update credits.ledger_entries set amount = amount + 1 where transaction_id = {LATEST} and line = 0"
    ],
    "balances are the sum of their entries": [
        "update credits.accounts set spendable = spendable + 1, issued = issued - 1"
    ],
    "each entry leaves the balance it says": [
        f"update credits.ledger_entries set balance_after = balance_after + 1 where transaction_id = {LATEST}"
    ],
    "the history tells what the entries say": [
        f"update credits.ledger_transactions set amount = amount + 1 where id = {LATEST}"
    ],
    "what was issued is all somewhere": [
        "alter table credits.accounts drop constraint ck_accounts_every_credit_is_accounted_for",
        "update credits.accounts set spent = spent + 1",
    ],
    "reserved is the sum of open holds": [
        (
            "update credits.holds set status = 'released', released = amount, settled_at = now() "
            f"where id = {HELD}"
        )
    ],
    "spent is what holds captured": [
        f"update credits.holds set captured = captured - 1, released = released + 1 where id = {CAPTURED}"
    ],
    "nothing is owed but what was delivered or paid back": [
        "update credits.accounts set uncollected = uncollected - 1, spent = spent + 1"
    ],
    "refunded payments took back what they demanded": ["update credits.accounts set disputes = disputes + 1"],
    "accounts are the sum of their buckets": ["update credits.buckets set remaining = remaining - 1"],
    "buckets are the sum of their entries": ["update credits.buckets set granted = granted + 1"],
    "buckets hold what open holds took from them": [
        f"update credits.hold_allocations set amount = amount + 1 where hold_id = {HELD}"
    ],
    "holds are made of what they took": [f"delete from credits.hold_allocations where hold_id = {CAPTURED}"],
    "holds agree with the ledger": [
        (
            "update credits.ledger_transactions set charged = charged + 1 "
            f"where job_id = {CAPTURED} and kind = 'deduct'"
        )
    ],
    "requests cost no more than their quotes": ["update credits.quotes set total = total - 1"],
    "requests set aside what they say": [
        "update credits.requests set code = 'account_frozen'",
    ],
    "settled holds name their entries": [
        f"update credits.holds set entry_ids = array[gen_random_uuid()] where id = {CAPTURED}"
    ],
    "versions are contiguous": ["update credits.accounts set version = version + 1"],
    "spend per API key is what its holds cost": ["update credits.key_spend set amount = amount + 1"],
}


@pytest.fixture(scope="module")
async def audited(migrated: str) -> AsyncIterator[PostgresAudit]:
    database = Database(migrated, "credits", pool_size=2)
    service = Credits(Postgres(database))
    team: UUID = await service.team_with(200)
    first = ask(team, api_key=spending_key(None))
    await service.tell(ask_price(team, request_id=QUOTE))
    await service.tell(first, ask(team, quote_id=QUOTE))
    await service.tell(captured(first, 3))
    yield PostgresAudit(database)
    await database.close()


def test_every_promise_is_put_to_the_test():
    assert set(DAMAGE) == set(CHECKS)


async def test_sound_books_pass(audited: PostgresAudit):
    report = await verify_ledger(audited)
    assert report.findings == 0
    assert all(check.examined for check in report.checks)
    assert all(line.endswith("ok") for line in report.lines())


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_is_found(audited: PostgresAudit, name: str):
    async with audited.database.reading() as connection:
        driver = connection.driver
        transaction = driver.transaction()
        await transaction.start()
        await driver.execute("alter table credits.ledger_entries disable trigger user")
        await driver.execute("alter table credits.ledger_transactions disable trigger user")
        for statement in DAMAGE[name]:
            await driver.execute(statement)
        examined, findings = await driver.fetchrow(CHECKS[name])
        await transaction.rollback()
    assert examined
    assert findings
