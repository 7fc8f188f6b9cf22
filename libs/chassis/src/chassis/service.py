"""One process of a service: its HTTP side, its consumers, its relay and its schedules, from start to end."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette

from chassis import logs, memory, telemetry
from chassis.broker import listen
from chassis.consumer import Consumer, Reception
from chassis.database import Database
from chassis.health import Health
from chassis.http import install_operations
from chassis.leaving import LastAnswers, Stop
from chassis.parking import COUNT_EVERY, Counting
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.schedule import Schedule
from chassis.settings import ServiceSettings
from chassis.supervision import end

logger = logging.getLogger(__name__)
HTTP_ENDS_WITHIN, HEARING_ENDS_WITHIN, DUE_ENDS_WITHIN, FLUSHED_WITHIN = 15.0, 18.0, 5.0, 5.0
STOPS_WITHIN = HTTP_ENDS_WITHIN + HEARING_ENDS_WITHIN + 2 * DUE_ENDS_WITHIN + FLUSHED_WITHIN
"""Seconds in which any process has stopped, beside what it drains and finishes itself."""


@dataclass(frozen=True)
class Service:
    """What a process consists of.

    `around` are opened before anything runs and closed after all has ended. Told to stop, it goes on for
    `drain` seconds, ready no more; then `on_stop` are called, so that whatever keeps requests open lets them
    go, and when nothing new comes any more, `finishing` are awaited: what they say is still sent.
    """

    name: str
    settings: ServiceSettings
    database: Database
    consumers: Sequence[Consumer] = ()
    schedules: Sequence[Schedule] = ()
    app: Starlette | None = None
    around: Sequence[Callable[[], AbstractAsyncContextManager[object]]] = ()
    drain: float = 0.0
    on_stop: Sequence[Callable[[], None]] = ()
    finishing: Sequence[Callable[[], Awaitable[None]]] = ()
    health: Health = field(default_factory=Health)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the whole process stops in one order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(service: Service) -> None:
    """Run until SIGTERM or SIGINT, or until a part cannot be healed (then it raises, for the supervisor)."""
    settings = service.settings
    memory.give_back()
    logs.configure(service.name, settings.log_level)
    telemetry.configure(service.name, settings.otel_exporter_otlp_endpoint, settings.trace_ratio)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(service.database.close)
        for opening in service.around:
            await stack.enter_async_context(opening())
        await _run_parts(service, Stop().listen())


async def _run_parts(service: Service, stop: Stop) -> None:
    publisher = Publisher(f"{service.settings.rabbitmq_url}")
    relay = Relay(service.database, publisher, service.health)
    receptions = [Reception(consumer, publisher, service.health) for consumer in service.consumers]
    listenings = listen(service.settings.rabbitmq_url, receptions, publisher, service.health)
    counting = Counting(publisher, [consumer.queue for consumer in service.consumers])
    schedules = [*service.schedules, Schedule("count messages", COUNT_EVERY, counting.count)]
    server = _server(service)
    for name in ("relay", *(listening.part for listening in listenings)):
        service.health.starting(name)
    http = asyncio.create_task(server.serve(), name="http")
    hearing = [asyncio.create_task(one.run(), name=one.part) for one in listenings]
    due = [asyncio.create_task(one.keep(service.health), name=one.name) for one in schedules]
    sending = asyncio.create_task(relay.run(), name="relay")
    parts: list[asyncio.Task[object]] = [http, *hearing, *due, sending]
    stopping = asyncio.create_task(stop.told.wait(), name="stop")
    try:
        memory.settle()
        logger.info("%s runs on port %s", service.name, service.settings.http_port)
        await asyncio.wait([*parts, stopping], return_when=asyncio.FIRST_COMPLETED)
        service.health.leave()
        await stop.drained(service.drain, parts)
    finally:
        # First nothing new from clients, then nothing new from the bus, then what is due and under way, last
        # the relay, so that everything said on the way is still sent.
        server.should_exit = True
        for let_go in service.on_stop:
            let_go()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(http), HTTP_ENDS_WITHIN)
        await end(hearing, HEARING_ENDS_WITHIN)
        await end(due, DUE_ENDS_WITHIN)
        for finish in service.finishing:
            await finish()
        await end([sending, http, stopping], DUE_ENDS_WITHIN)
        await _flush(relay)
        await publisher.close()
    for part in parts:
        if not part.cancelled() and (error := part.exception()):
            raise error


async def _flush(relay: Relay) -> None:
    try:
        async with asyncio.timeout(FLUSHED_WITHIN):
            await relay.flush()
    except Exception as error:  # noqa: BLE001 - what is not sent now is sent by the next process
        logger.warning("messages stay in the outbox: %s", error)


def _server(service: Service) -> _Server:
    app = service.app or Starlette()
    install_operations(app, service.health)
    telemetry.instrument(app)
    return _Server(
        uvicorn.Config(
            LastAnswers(app, service.health),
            host=service.settings.http_host,
            port=service.settings.http_port,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(HTTP_ENDS_WITHIN) - 1,
        )
    )
