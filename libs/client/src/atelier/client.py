"""The two clients: each carries out the same flows in its own world."""

import asyncio
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from atelier.calling import Patience
from atelier.flow import Answer, Effect, Finding, Flow, Found, Listen, NextLine, Request, Save, Send, Sleep
from atelier.operations import Operations
from atelier.problems import Misplaced

T = TypeVar("T")
URL, KEY = "ATELIER_URL", "ATELIER_API_KEY"
LOCAL = "http://127.0.0.1:8000"
# This machine is never behind a proxy, whatever the environment says of proxies.
_DIRECT = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


class Atelier(Operations):
    """The client. Without arguments, `ATELIER_URL` and `ATELIER_API_KEY` of the environment are used."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience: Patience | None = None,
        timeout: float = 30.0,
        http: httpx.Client | None = None,
    ) -> None:
        super().__init__(*_place(url, api_key), patience or Patience())
        self._http = http or httpx.Client(timeout=timeout, mounts=_DIRECT)

    def run(self, flow: Flow[T]) -> T:
        """Carry out a flow and return its result."""
        with ExitStack() as held:
            return _Sync(self._http, self, held).run(flow)

    def iterate(self, flow: Finding[T]) -> Iterator[T]:
        """Carry out a flow as far as it is iterated."""
        with ExitStack() as held:
            yield from _Sync(self._http, self, held).iterate(flow)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAtelier(Operations):
    """The same for asyncio: what returns there is awaited here, what iterates there is an `async for`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        patience: Patience | None = None,
        timeout: float = 30.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(*_place(url, api_key), patience or Patience())
        self._http = http or httpx.AsyncClient(timeout=timeout, mounts=_DIRECT)

    async def run(self, flow: Flow[T]) -> T:
        """Carry out a flow and return its result."""
        async with AsyncExitStack() as held:
            return await _Async(self._http, self, held).run(flow)

    async def iterate(self, flow: Finding[T]) -> AsyncGenerator[T, None]:
        """Carry out a flow as far as it is iterated."""
        async with AsyncExitStack() as held:
            async for item in _Async(self._http, self, held).iterate(flow):
                yield item

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _place(url: str | None, api_key: str | None) -> tuple[str, str]:
    """Say where Atelier is and with which key; what cannot be is refused here, not on the way."""
    place, key = url or os.environ.get(URL) or LOCAL, api_key or os.environ.get(KEY) or ""
    if not re.match(r"https?://[^/\s]", place):
        raise Misplaced(f"{place!r} is no address of a server: it begins with http:// or https://")
    if not (key.isascii() and key.isprintable()):
        raise Misplaced("the API key has signs in it that no key has")
    return place, key


class _Sync:
    """One flow on its way; what it opens is closed with `held`."""

    def __init__(self, http: httpx.Client, place: Operations, held: ExitStack) -> None:
        self._http, self._place, self._held = http, place, held
        self._lines: Iterator[str] = iter(())

    def run(self, flow: Flow[T]) -> T:
        try:
            effect = next(flow)
            while True:
                effect = self._step(flow, effect)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            flow.close()

    def iterate(self, flow: Finding[T]) -> Iterator[T]:
        try:
            effect = next(flow)
            while True:
                if isinstance(effect, Found):
                    yield effect.item
                    effect = next(flow)
                else:
                    effect = self._step(flow, effect)
        except StopIteration:
            return
        finally:
            flow.close()

    def _step(self, flow: Generator[Any, Any, Any], effect: Effect) -> Any:  # noqa: ANN401 - of any flow
        try:
            reply = self._do(effect)
        except httpx.TransportError as error:
            return flow.throw(error)
        return flow.send(reply)

    def _do(self, effect: Effect) -> Answer | str | None:
        match effect:
            case Send(request):
                answer = self._http.request(**_words(self._place, request))
                return Answer(answer.status_code, answer.headers, answer.content)
            case Save(request, file):
                with self._http.stream(**_words(self._place, request)) as answer:
                    if not answer.is_success:
                        return Answer(answer.status_code, answer.headers, answer.read())
                    for part in answer.iter_bytes():
                        file.write(part)
                return Answer(answer.status_code, answer.headers)
            case Listen(request, silence):
                return self._listen(request, silence)
            case NextLine():
                return next(self._lines, None)
            case Sleep(seconds):
                time.sleep(seconds)
        return None

    def _listen(self, request: Request, silence: float) -> Answer:
        self._held.close()
        timeout = httpx.Timeout(silence)
        stream = self._http.stream(**_words(self._place, request), timeout=timeout)
        answer = self._held.enter_context(stream)
        if not answer.is_success:
            return Answer(answer.status_code, answer.headers, answer.read())
        self._lines = answer.iter_lines()
        return Answer(answer.status_code, answer.headers)


class _Async:
    """The same, awaiting."""

    def __init__(self, http: httpx.AsyncClient, place: Operations, held: AsyncExitStack) -> None:
        self._http, self._place, self._held = http, place, held
        self._lines: AsyncIterator[str] | None = None

    async def run(self, flow: Flow[T]) -> T:
        try:
            effect = next(flow)
            while True:
                effect = await self._step(flow, effect)
        except _Ended as end:
            result: T = end.value
            return result
        except StopIteration as end:
            ended: T = end.value
            return ended
        finally:
            flow.close()

    async def iterate(self, flow: Finding[T]) -> AsyncIterator[T]:
        try:
            effect = next(flow, None)
            while effect is not None:
                if isinstance(effect, Found):
                    yield effect.item
                    effect = next(flow, None)
                else:
                    effect = await self._step(flow, effect)
        except _Ended:
            return
        finally:
            flow.close()

    async def _step(self, flow: Generator[Any, Any, Any], effect: Effect) -> Any:  # noqa: ANN401 - of any flow
        try:
            reply, error = await self._do(effect), None
        except httpx.TransportError as raised:
            reply, error = None, raised
        try:
            return flow.throw(error) if error else flow.send(reply)
        except StopIteration as end:  # it cannot leave a coroutine
            raise _Ended(end.value) from None

    async def _do(self, effect: Effect) -> Answer | str | None:
        match effect:
            case Send(request):
                answer = await self._http.request(**_words(self._place, request))
                return Answer(answer.status_code, answer.headers, answer.content)
            case Save(request, file):
                async with self._http.stream(**_words(self._place, request)) as answer:
                    if not answer.is_success:
                        return Answer(answer.status_code, answer.headers, await answer.aread())
                    async for part in answer.aiter_bytes():
                        file.write(part)  # into the page cache: shorter than a hop to a thread
                return Answer(answer.status_code, answer.headers)
            case Listen(request, silence):
                return await self._listen(request, silence)
            case NextLine():
                return None if self._lines is None else await anext(self._lines, None)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
        return None

    async def _listen(self, request: Request, silence: float) -> Answer:
        await self._held.aclose()
        timeout = httpx.Timeout(silence)
        stream = self._http.stream(**_words(self._place, request), timeout=timeout)
        answer = await self._held.enter_async_context(stream)
        if not answer.is_success:
            return Answer(answer.status_code, answer.headers, await answer.aread())
        self._lines = answer.aiter_lines()
        return Answer(answer.status_code, answer.headers)


class _Ended(Exception):
    """A flow returned this."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - whatever the flow returns
        super().__init__()
        self.value = value


def _words(place: Operations, request: Request) -> dict[str, Any]:
    """Say a request in httpx's words; only the API itself is shown the key."""
    ours = request.path.startswith("/")
    headers = {**(place.headers if ours else {}), **request.headers}
    return {
        "method": request.method,
        "url": place.url + request.path if ours else request.path,
        "headers": headers,
        "params": request.params or None,
        "json": request.json,
        "content": request.content,
    }
