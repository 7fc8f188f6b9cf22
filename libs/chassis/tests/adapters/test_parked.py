"""What an operator can do with messages nobody could handle, from the command line to the real broker."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from uuid import uuid4

import aio_pika
import pytest

from chassis.metrics import CONSUMERS, PARKED_MESSAGES, QUEUED_MESSAGES
from chassis.parking import Counting
from chassis.publisher import Publisher
from contracts.credits import CaptureCredits, ReleaseCredits
from contracts.topology import PARKED

QUEUE = "credits.commands"
PROGRAM = (
    "from chassis.commands import main; from chassis.parked import parked;"
    "main('credits', {'parked': parked('credits')})"
)


@dataclass
class Operator:
    """Somebody at a terminal, and a look at the broker."""

    url: str
    channel: aio_pika.abc.AbstractChannel

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        settings = {"RABBITMQ_URL": self.url, "DATABASE_URL": "postgresql://nowhere", "HTTP_PORT": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, "parked", *words,
            env={**os.environ, **settings}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()

    async def park(self, message: CaptureCredits | ReleaseCredits, queue: str = QUEUE) -> str:
        id_ = str(uuid4())
        exchange = await self.channel.get_exchange(PARKED, ensure=False)
        headers = {
            "x-attempt": 3,
            "x-reason": "ValueError: a bug",
            "x-death-count": 2,
            "ce-subject": message.subject,
        }
        await exchange.publish(
            aio_pika.Message(
                message.model_dump_json().encode(),
                headers=headers,
                message_id=id_,
                correlation_id=str(uuid4()),
                type=message.type,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            queue,
        )
        return id_

    async def number(self, queue: str) -> int:
        """Take everything, since a quorum queue counts some seconds late."""
        source, number = await self.channel.get_queue(queue, ensure=False), 0
        while await source.get(no_ack=True, fail=False) is not None:
            number += 1
        return number


@pytest.fixture
async def operator(fresh_vhost: str):
    async with await aio_pika.connect(fresh_vhost) as connection:
        channel = await connection.channel()
        yield Operator(fresh_vhost, channel)
        for queue in (QUEUE, f"{QUEUE}.parked", "credits.facts.parked", "jobs.commands.parked"):
            await (await channel.get_queue(queue)).purge()


def release() -> ReleaseCredits:
    return ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason="test")


async def test_an_operator_lists_what_is_parked_and_leaves_it_there(operator: Operator):
    first, second = release(), CaptureCredits(job_id=uuid4(), team_id=uuid4(), quantity=1)
    ids = [await operator.park(first), await operator.park(second)]
    for _ in range(2):
        status, out, _ = await operator.run("list")
        assert status == 0
        lines = out.splitlines()
        assert lines[0].split() == ["ID", "QUEUE", "TYPE", "SUBJECT", "SAID", "AT", "REASON"]
        assert [line.split()[0] for line in lines[1:]] == ids
        assert "ValueError: a bug" in lines[1]
    _, out, _ = await operator.run("list", "--type", first.type)
    assert ids[0] in out
    assert ids[1] not in out


async def test_a_service_sees_its_own_queues_alone(operator: Operator):
    await operator.park(release(), "jobs.commands")
    assert await operator.run("list") == (0, "nothing is parked\n", "")
    status, _, error = await operator.run("list", "--queue", "jobs.commands")
    assert (status, "invalid choice" in error) == (2, True)


async def test_an_operator_reads_a_parked_message(operator: Operator):
    message = release()
    id_ = await operator.park(message)
    status, out, _ = await operator.run("show", id_)
    assert status == 0
    assert json.loads(out[out.index("{") :]) == message.model_dump(mode="json")
    assert "reason       ValueError: a bug" in out
    assert (await operator.run("show", str(uuid4())))[0] == 1


async def test_a_replayed_message_goes_to_its_own_queue_as_if_it_had_never_failed(operator: Operator):
    message = release()
    id_ = await operator.park(message)
    other = await operator.park(release())
    status, out, error = await operator.run("replay", id_)
    assert (status, out) == (0, "1 replayed\n")
    assert id_ in error  # the log says so
    back = await (await operator.channel.get_queue(QUEUE)).get()
    assert (back.message_id, back.type, back.body) == (id_, message.type, message.model_dump_json().encode())
    headers = {name: value for name, value in back.headers.items() if name != "x-delivery-count"}
    assert headers == {"x-attempt": 0, "ce-subject": message.subject}
    await back.ack()
    assert other in (await operator.run("list"))[1]


async def test_all_of_a_type_are_replayed_once_each(operator: Operator):
    for _ in range(3):
        await operator.park(release())
    await operator.park(CaptureCredits(job_id=uuid4(), team_id=uuid4(), quantity=1))
    assert (await operator.run("replay", "--type", ReleaseCredits.type))[0] == 2  # neither an ID nor --all
    status, out, _ = await operator.run("replay", "--all", "--type", ReleaseCredits.type, "--rate", "1000")
    assert (status, out) == (0, "3 replayed\n")
    assert (await operator.number(QUEUE), await operator.number(f"{QUEUE}.parked")) == (3, 1)


async def test_a_message_is_dropped_for_a_reason_that_the_log_keeps(operator: Operator):
    id_ = await operator.park(release())
    assert (await operator.run("drop", id_))[0] == 2
    status, out, error = await operator.run("drop", id_, "--reason", "the team is gone")
    assert (status, out) == (0, "1 dropped\n")
    line = json.loads(error.splitlines()[-1])
    assert (line["why"], line["message_id"], line["queue"]) == ("the team is gone", id_, QUEUE)
    assert await operator.number(f"{QUEUE}.parked") == 0


async def test_a_broker_that_is_away_is_said_in_a_line():
    away = Operator("amqp://127.0.0.1:1/", None)  # type: ignore[arg-type] # it is never asked
    status, _, error = await away.run("list")
    assert status == 3
    assert error.startswith("RabbitMQ: ")


async def test_what_is_parked_is_counted_and_said(operator: Operator, caplog: pytest.LogCaptureFixture):
    publisher = Publisher(operator.url)
    counting = Counting(publisher, [QUEUE])
    await counting.count()
    assert caplog.messages == []
    await operator.park(release())
    async with asyncio.timeout(20):  # quorum queues count some seconds late
        while PARKED_MESSAGES.labels(QUEUE)._value.get() == 0:
            await asyncio.sleep(0.2)
            await counting.count()
    await counting.count()
    assert PARKED_MESSAGES.labels(QUEUE)._value.get() == 1
    assert caplog.messages == [f"1 messages of {QUEUE} are parked"]
    await publisher.close()


async def test_what_waits_and_who_consumes_is_shown(operator: Operator):
    publisher = Publisher(operator.url)
    counting = Counting(publisher, [QUEUE])
    await publisher.publish("", QUEUE, aio_pika.Message(b"waits"))
    async with asyncio.timeout(20):  # quorum queues count some seconds late
        while QUEUED_MESSAGES.labels(QUEUE)._value.get() == 0:
            await counting.count()
            await asyncio.sleep(0.2)
    assert QUEUED_MESSAGES.labels(QUEUE)._value.get() == 1
    assert CONSUMERS.labels(QUEUE)._value.get() == 0
    assert QUEUED_MESSAGES.labels("unrouted")._value.get() == 0
    await publisher.close()
