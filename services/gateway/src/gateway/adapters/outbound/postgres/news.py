"""News for whoever waits in this process: one LISTEN connection, one look for all of them together."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import chain
from typing import TypeVar
from uuid import UUID

import orjson

from chassis.database import Database
from chassis.health import Health
from chassis.supervision import keep_running
from gateway.adapters.outbound.postgres.event_log import GRANTED as GRANTED_NOW
from gateway.adapters.outbound.postgres.listener import EVERYTHING, Listener
from gateway.application.ports import Awaited, Watch
from gateway.domain.requests import GRANTED, Verdict

_VERDICTS = """
    select id, cast(verdict as text) as verdict from gateway.requests
    where id = any($1) and verdict is not null
"""
_HEAD = "select seq from gateway.log_head"
_TEAMS = "select distinct team_id from gateway.event_log where seq > $1 and team_id = any($2)"
_BACKLOG = "select count(*) as waiting from (select 1 from gateway.outbox limit $1) as counted"
_LOOK_EVERY = 1.0
NEWS = "news"
"""The part that looks into the database every second."""
Waiter = TypeVar("Waiter", Watch, asyncio.Future[Verdict | None])


class News:
    """Wakes who waits for a verdict, or for events of a team, whenever the projector has committed.

    A notification says which requests were granted; whatever else may have happened is looked for. As it may
    be lost with its connection, everybody is looked for every second, too.
    """

    def __init__(self, database: Database, dsn: str, health: Health, backlog_limit: int) -> None:
        self._database, self._dsn, self._health, self._limit = database, dsn, health, backlog_limit
        self._waiting: defaultdict[UUID, list[asyncio.Future[Verdict | None]]] = defaultdict(list)
        self._watching: defaultdict[UUID, list[Watch]] = defaultdict(list)
        self._stopping = False
        self._wake = asyncio.Event()
        self._looked = float("-inf")
        self._seq: int | None = None
        self._backlog = 0
        self._counted = float("-inf")

    def backlogged(self) -> bool:
        """Tell whether more messages wait to be sent than is good."""
        return self._backlog >= self._limit

    @contextmanager
    def expect(self, request_id: UUID) -> Iterator[Awaited]:
        """Listen for the verdict of a request that is about to be made."""
        verdict: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        if self._stopping:
            verdict.set_result(None)

        async def wait(seconds: float) -> Verdict | None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await verdict
            return None

        self._waiting[request_id].append(verdict)
        try:
            yield wait
        finally:
            _forget(self._waiting, request_id, verdict)

    async def wait(self, request_id: UUID, seconds: float) -> Verdict | None:
        """Wait for the verdict of a request made before; None when there is none in time."""
        with self.expect(request_id) as verdict:
            self._look()
            return await verdict(seconds)

    @contextmanager
    def watch(self, team_id: UUID) -> Iterator[Watch]:
        """Watch for whatever happens in a team."""
        watch = Watch(over=self._stopping)
        self._watching[team_id].append(watch)
        try:
            yield watch
        finally:
            _forget(self._watching, team_id, watch)

    def let_go(self) -> None:
        """Let everybody who waits go with what there is, because the process stops."""
        self._stopping = True
        for verdict in chain.from_iterable(self._waiting.values()):
            if not verdict.done():
                verdict.set_result(None)
        for watch in chain.from_iterable(self._watching.values()):
            watch.over = True
            watch.changed.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and look while the process serves."""
        tasks = [
            asyncio.create_task(keep_running(NEWS, self._look_once, self._health)),
            asyncio.create_task(Listener(self._dsn, self._health, self._hear).keep()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _hear(self, told: str) -> None:
        """Look at once, but for verdicts that are told; a notification that names a team is of its people."""
        word, *granted = told.split() or ("",)
        if word == GRANTED_NOW:
            for request_id in granted:
                self._answer(UUID(request_id), GRANTED)
            if self._watching:
                self._wake.set()
            return
        self._look()
        for team_id, watches in self._watching.items():
            if told in (EVERYTHING, f"{team_id}"):
                for watch in watches:
                    watch.people = True
                    watch.changed.set()

    def _look(self) -> None:
        """Have everything looked for, now."""
        self._looked = float("-inf")
        self._wake.set()

    async def _look_once(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await self._wake.wait()
        self._wake.clear()
        if self._waiting and time.monotonic() - self._looked >= _LOOK_EVERY:
            self._looked = time.monotonic()
            await self._tell_verdicts()
        if self._watching:
            await self._tell_teams()
        else:
            self._seq = None
        if time.monotonic() - self._counted >= _LOOK_EVERY:
            self._counted = time.monotonic()
            [counted] = await self._database.read(_BACKLOG, self._limit)
            self._backlog = counted["waiting"]

    async def _tell_verdicts(self) -> None:
        for row in await self._database.read(_VERDICTS, list(self._waiting)):
            self._answer(row["id"], Verdict(**orjson.loads(row["verdict"])))

    def _answer(self, request_id: UUID, verdict: Verdict) -> None:
        for waiting in self._waiting.get(request_id, ()):
            if not waiting.done():
                waiting.set_result(verdict)

    async def _tell_teams(self) -> None:
        [found] = await self._database.read(_HEAD)
        head = found["seq"]
        if self._seq is None:  # nobody knows what came before they began to watch: they look for themselves
            for watch in chain.from_iterable(self._watching.values()):
                watch.changed.set()
        elif head > self._seq:
            for row in await self._database.read(_TEAMS, self._seq, list(self._watching)):
                for watch in self._watching.get(row["team_id"], ()):
                    watch.changed.set()
        self._seq = head


def _forget(waiting: defaultdict[UUID, list[Waiter]], key: UUID, entry: Waiter) -> None:
    waiting[key].remove(entry)
    if not waiting[key]:
        del waiting[key]
