from uuid import uuid4

import pytest

from chassis.database import Database
from chassis.statement import text
from chassis.testing import delivery
from contracts.credits import ReleaseCredits
from contracts.envelope import Cause

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def release() -> ReleaseCredits:
    return ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason="test")


async def rows(database: Database):
    async with database.reading() as connection:
        return (await connection.execute(text("select * from credits.outbox order by id"))).all()


async def test_a_message_is_written_with_the_transaction_that_makes_it_true(database: Database):
    message = release()
    async with database.transaction() as session:
        session.outbox.add(message, Cause(correlation_id=message.job_id, traceparent=TRACE))
    (row,) = await rows(database)
    assert (row.exchange, row.routing_key, row.type) == ("commands", message.type, message.type)
    assert row.correlation_id == message.job_id
    assert row.headers["traceparent"] == TRACE
    assert row.headers["ce-subject"] == str(message.job_id)
    assert ReleaseCredits.model_validate_json(row.payload) == message
    assert database.committed.is_set()


async def test_a_transaction_that_fails_says_nothing(database: Database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            session.outbox.add(release())
            raise ZeroDivisionError
    assert await rows(database) == []
    assert not database.committed.is_set()


async def test_messages_keep_their_order_and_name_their_cause(database: Database):
    cause = delivery(release())
    async with database.transaction() as session:
        first, second = release(), release()
        session.outbox.add(first, cause)
        session.outbox.add(second, cause)
    written = await rows(database)
    assert [ReleaseCredits.model_validate_json(row.payload) for row in written] == [first, second]
    assert {row.headers["causation_id"] for row in written} == {str(cause.message_id)}
    assert {row.correlation_id for row in written} == {cause.correlation_id}


async def test_the_inbox_lets_each_delivery_through_once(database: Database):
    first, second = delivery(release()), delivery(release())
    async with database.transaction() as session:
        assert await session.inbox.fresh([first, first, second], "test") == [first, second]
    async with database.transaction() as session:
        assert await session.inbox.fresh([second], "test") == []
        assert await session.inbox.fresh([second], "another") == [second]


async def test_the_inbox_forgets_what_is_two_weeks_old(database: Database):
    old = delivery(release())
    async with database.transaction() as session:
        await session.inbox.fresh([old], "test")
        await session.connection.execute(
            text("update credits.inbox set received_at = now() - interval '15 days'")
        )
        await session.inbox.prune()
    async with database.transaction() as session:
        assert await session.inbox.fresh([old], "test") == [old]
