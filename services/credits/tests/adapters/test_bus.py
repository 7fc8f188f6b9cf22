"""The service as it runs in production: its own process, a real broker, and what happens when that dies."""

import asyncio
from uuid import UUID, uuid4

import aio_pika
from services.credits.tests.processes import given_credits, now_asked, ready, run, serving
from services.credits.tests.stories import order, period

from chassis.clock import utc_now
from chassis.testing import listening
from contracts.credits import (
    AccountChanged,
    CaptureCredits,
    CreditsHeld,
    CreditsSettled,
    HoldCredits,
    HoldDeclined,
    ReleaseCredits,
)
from contracts.message import Message
from contracts.topology import COMMANDS, FACTS

SETTLED_IN = 2.5
"""Seconds until a new quorum queue survives a kill on RabbitMQ 3.10."""


async def test_money_comes_and_goes_over_the_bus(environment, fresh_vhost):
    kinds = (AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined)
    async with serving(environment), listening(fresh_vhost, *kinds) as bus:
        team = uuid4()
        await bus.say(period(team, 20, utc_now()))
        assert (await bus.hear(AccountChanged)).available == 20

        asked, refused = now_asked(team, order(4), order(4)), now_asked(team, order(4))
        await bus.say(asked)
        assert sum(hold.amount for hold in (await bus.hear(CreditsHeld)).holds) == 16
        await bus.say(refused)
        assert (await bus.hear(HoldDeclined)).spendable == 4

        first, second = (o.job_id for o in asked.orders)
        await bus.say(CaptureCredits(job_id=first, team_id=team, quantity=3))
        assert (await bus.hear(CreditsSettled)).captured == 6
        await bus.say(ReleaseCredits(job_id=second, team_id=team, reason="cancelled"))
        assert (await bus.hear(CreditsSettled)).released == 8

    status, output = await run(environment, "verify")
    assert status == 0, output
    assert output.endswith("ledger: clean\n")


async def test_five_times_the_same_hold_and_a_killed_broker_make_one_hold_and_one_fact(
    environment, fresh_vhost, fresh_database, nodes
):
    async with serving(environment):
        team = await given_credits(environment, 20)
        asked, message_id = now_asked(team, order(4)), uuid4()
        await keep_facts(fresh_vhost, "proof", CreditsHeld.type + ".#", HoldDeclined.type)
        await asyncio.sleep(SETTLED_IN)

        await publish(fresh_vhost, asked, message_id, times=2)
        await asyncio.to_thread(nodes.rabbitmq.kill)
        try:
            await asyncio.sleep(1)
        finally:
            await asyncio.to_thread(nodes.rabbitmq.start)
        await publish(fresh_vhost, asked, message_id, times=3)
        await ready(environment)
        await until_handled(fresh_vhost)

        facts = await kept(fresh_vhost, "proof")
        assert len({fact.message_id for fact in facts}) == 1
        assert {fact.type for fact in facts} == {CreditsHeld.type}
        assert CreditsHeld.model_validate_json(facts[0].body).holds[0].amount == 8

        await publish(fresh_vhost, asked, uuid4(), times=1)  # a new asking hears what was decided
        await until_handled(fresh_vhost)
        again = await kept(fresh_vhost, "proof")
        assert {fact.body for fact in again} == {facts[0].body}

    assert fresh_database.query(f"select amount from credits.holds where team_id = '{team}'") == "8"
    assert fresh_database.query(f"select reserved from credits.accounts where team_id = '{team}'") == "8"
    status, output = await run(environment, "verify")
    assert status == 0, output


async def test_operators_hear_no_when_there_is_not_enough(environment):
    team = await given_credits(environment, 5)
    take = ("adjust", "--team", str(team), "--reason", "taken back", "--amount")
    assert await run(environment, *take, "-6") == (
        1,
        "not adjusted: 6 credits are required, 5 can be spent\n",
    )
    assert await run(environment, *take, "-5") == (0, f"team {team}: 0 credits can be spent (version 2)\n")


async def test_an_audit_that_finds_something_says_so_and_exits_with_1(environment, fresh_database):
    await given_credits(environment, 5)
    fresh_database.query("update credits.accounts set version = version + 1")
    status, output = await run(environment, "verify")
    fresh_database.query("update credits.accounts set version = version - 1")
    assert status == 1
    assert "versions are contiguous" in output
    assert output.rstrip().endswith("findings")


async def keep_facts(url: str, name: str, *keys: str) -> None:
    """Declare a queue that survives the broker and keeps these facts."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        for key in keys:
            await queue.bind(FACTS, key)


async def kept(url: str, name: str, within: float = 10) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """Take what the queue has kept, at least one."""
    found = []
    async with asyncio.timeout(within), await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue(name, ensure=False)
        while not found:
            await asyncio.sleep(0.5)
            while (message := await queue.get(no_ack=True, fail=False)) is not None:
                found.append(message)
    return found


async def publish(url: str, message: Message, message_id: UUID, times: int) -> None:
    async with await connected(url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(COMMANDS, ensure=False)
        for _ in range(times):
            await exchange.publish(
                aio_pika.Message(
                    message.model_dump_json().encode(),
                    content_type="application/json",
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    message_id=str(message_id),
                    correlation_id=str(asked_in(message)),
                    type=message.type,
                ),
                message.routing_key,
            )


def asked_in(message: Message) -> UUID:
    return message.request_id if isinstance(message, HoldCredits) else uuid4()


async def connected(url: str, within: float = 20) -> aio_pika.abc.AbstractConnection:
    """Connect as soon as the broker answers."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await aio_pika.connect(url)
            except OSError:
                await asyncio.sleep(0.2)


async def until_handled(url: str, within: float = 40) -> None:
    """Wait until nothing waits to be handled and its consumer is there."""
    async with asyncio.timeout(within), await connected(url) as connection:
        channel = await connection.channel()
        while True:
            queue = await channel.declare_queue("credits.commands", passive=True)
            counts = queue.declaration_result
            if counts.message_count == 0 and counts.consumer_count:
                return
            await asyncio.sleep(0.2)
