"""`python -m <service> parked list | show | replay | drop`: what nobody could handle, what becomes of it."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from chassis import logs
from chassis.commands import Command
from chassis.parking import Parked, ParkingLot, Wanted, queues_of
from chassis.publisher import Publisher
from chassis.settings import ServiceSettings, load

logger = logging.getLogger(__name__)
Act = Callable[[ParkingLot, argparse.Namespace], Awaitable[int]]
RATE = 50.0


def parked(service: str) -> Command:
    """Offer the parked messages of a service's own queues, and of no others."""

    def options(parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, (act, help_, more) in _VERBS.items():
            verb = verbs.add_parser(name, help=help_, description=help_)
            _narrowing(verb, service)
            more(verb)
            verb.set_defaults(act=act)

    def run(given: argparse.Namespace) -> int:
        settings = load(ServiceSettings)
        logs.configure(service, settings.log_level, sys.stderr)
        logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # what it would say we say in a line
        return asyncio.run(_run(service, settings.rabbitmq_url, given))

    return Command("list, show, replay or drop messages that could not be handled", run, options)


async def _run(service: str, url: str, given: argparse.Namespace) -> int:
    queues = [queue for queue in queues_of(service) if given.queue in (None, queue.name)]
    publisher = Publisher(url)
    try:
        act: Act = given.act
        return await act(ParkingLot(publisher, queues), given)
    except (AMQPError, OSError) as error:
        print(f"RabbitMQ: {type(error).__name__}: {error}", file=sys.stderr)
        return 3
    finally:
        await publisher.close()


async def _list(lot: ParkingLot, given: argparse.Namespace) -> int:
    found = await lot.all(_wanted(given))
    print("\n".join(_table(found)) if found else "nothing is parked")
    return 0


async def _show(lot: ParkingLot, given: argparse.Namespace) -> int:
    found = await lot.all(_wanted(given))
    for one in found:
        print("\n".join(_details(one)))
    return _found(found, given)


async def _replay(lot: ParkingLot, given: argparse.Namespace) -> int:
    if (given.id is None) == (not given.all):
        print("say which: an ID, or --all", file=sys.stderr)
        return 2
    sent = await lot.replay(_wanted(given), given.rate)
    for one in sent:
        _log("replayed", one)
    print(f"{len(sent)} replayed")
    return _found(sent, given) if given.id else 0


async def _drop(lot: ParkingLot, given: argparse.Namespace) -> int:
    dropped = await lot.drop(_wanted(given))
    for one in dropped:
        _log("dropped", one, why=given.reason)
    print(f"{len(dropped)} dropped")
    return _found(dropped, given)


def _found(found: Sequence[Parked], given: argparse.Namespace) -> int:
    if not found:
        print(f"no message {given.id} is parked here", file=sys.stderr)
    return 0 if found else 1


def _wanted(given: argparse.Namespace) -> Wanted:
    def wanted(message: AbstractIncomingMessage) -> bool:
        of_type = given.type in (None, message.type)
        return of_type and getattr(given, "id", None) in (None, message.message_id)

    return wanted


def _log(what: str, one: Parked, **more: str) -> None:
    message = one.message
    extra = {
        "queue": one.queue.name,
        "message_id": message.message_id,
        "parked_for": _reason(message),
        **more,
    }
    logger.warning("%s a parked %s", what, message.type, extra=extra)


def _table(found: Sequence[Parked]) -> list[str]:
    rows = [("ID", "QUEUE", "TYPE", "SUBJECT", "SAID AT", "REASON"), *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[5]])
        for row in rows
    ]


def _row(one: Parked) -> tuple[str, ...]:
    message = one.message
    said = message.timestamp.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if message.timestamp else "-"
    subject = str(message.headers.get("ce-subject", "-"))
    reason = _reason(message).splitlines()[0][:100]
    return message.message_id or "-", one.queue.name, message.type or "-", subject, said, reason


def _reason(message: AbstractIncomingMessage) -> str:
    # What the broker parked itself, after too many crashes of its consumer, carries no reason of ours.
    return str(message.headers.get("x-reason") or "its consumer ended too often while it handled this")


def _details(one: Parked) -> list[str]:
    message = one.message
    headers = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    lines = [
        f"id           {message.message_id}",
        f"queue        {one.queue.name}",
        f"type         {message.type}",
        f"correlation  {message.correlation_id}",
        *(f"{name:<12} {value!s}" for name, value in headers.items()),
        f"attempts     {message.headers.get('x-attempt', 0)!s}",
        f"reason       {_reason(message)}",
    ]
    return [*lines, _body(message.body), ""]


def _body(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return repr(body)


def _narrowing(parser: argparse.ArgumentParser, service: str) -> None:
    names = [queue.name for queue in queues_of(service)]
    parser.add_argument("--queue", choices=names, help="only what could not be handled from this queue")
    parser.add_argument("--type", help="only messages of this type, as credits.hold.v1")


def _no_more(_parser: argparse.ArgumentParser) -> None:
    return


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the message's id")


def _some(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="the message's id")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--rate", type=_positive, default=RATE, help=f"at most so many a second ({RATE:.0f})")


def _reasoned(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--reason", required=True, help="why nobody needs it; kept in the log")


def _positive(written: str) -> float:
    if (number := float(written)) <= 0:
        raise ValueError(written)
    return number


_VERBS: dict[str, tuple[Act, str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": (_list, "list what is parked, the oldest first", _no_more),
    "show": (_show, "show a parked message with its body", _one),
    "replay": (_replay, "send messages back to the queue they came from", _some),
    "drop": (_drop, "delete a parked message for ever", _reasoned),
}
