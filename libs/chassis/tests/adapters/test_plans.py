"""The judge of plans: it sees a missing index, and one that is only followed from end to end."""

import pytest

from chassis.database import Database
from chassis.health import Health
from chassis.inbox import prune_statement
from chassis.plans import Statement, flaws, reads
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.statement import text

NOTE = text("select * from credits.notes where subject = :subject")


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        (NOTE, {"pk_notes"}),
        ("select * from credits.notes where subject = $1", {"pk_notes"}),
        ("select * from credits.notes order by subject limit $1", {"along pk_notes"}),
        ("select * from credits.outbox where attempts = $1", {"whole outbox"}),
        ("insert into credits.notes values ($1)", set()),
    ],
)
async def test_it_tells_what_is_read(database: Database, statement: Statement, read: set[str]):
    assert await reads(database, statement) == read
    assert await flaws(database, statement, read) == []


async def test_it_sees_that_an_index_is_gone_and_brings_it_back(database: Database):
    assert await reads(database, NOTE, without=["pk_notes"]) == {"whole notes"}
    assert await reads(database, NOTE, without=["ix_inbox_received_at"]) == {"pk_notes"}
    assert await reads(database, NOTE) == {"pk_notes"}


async def test_it_says_what_is_read_instead(database: Database):
    statement = "select * from credits.outbox where attempts = $1"
    assert await flaws(database, statement, {"pk_outbox"}) == ["reads whole outbox"]


async def test_the_relay_and_the_inbox_read_by_their_indexes(database: Database):
    relay = Relay(database, Publisher("amqp://nowhere"), Health())
    # In the order they were written, those that may be sent; what has been sent is gone from there.
    assert await flaws(database, relay._take, {"along pk_outbox"}) == []
    assert await flaws(database, relay._oldest, {"along pk_outbox"}) == []
    assert await flaws(database, relay._forget, {"pk_outbox"}) == []
    assert await flaws(database, relay._postpone, {"pk_outbox"}) == []
    assert await flaws(database, prune_statement("credits"), {"ix_inbox_received_at"}) == []
