"""Logic without input and output: written once, carried out by the sync and by the async client.

A flow is a generator. It yields what is to be done on the network and is sent what came of it; an error is
thrown into it. `operation` and `listing` make a flow into a method of both clients.
"""

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import IO, TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from atelier.client import AsyncAtelier, Atelier

P = ParamSpec("P")
T = TypeVar("T")
Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; a path is the API's, an address is asked without the API key."""

    method: str
    path: str
    json: Any = None
    params: Params = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `content` is empty when it is read as lines, or was saved."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def ok(self) -> bool:
        """Tell whether it is what was asked for."""
        return 200 <= self.status < 300

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Read the content as JSON; None when there is none."""
        return json.loads(self.content) if self.content else None


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; comes back with its Answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Save:
    """Fetch something into an open file; comes back with its Answer. What is no success is not written."""

    request: Request
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Listen:
    """Open a stream of lines, in place of any other; comes back with its Answer."""

    request: Request
    silence: float


@dataclass(frozen=True, slots=True)
class NextLine:
    """Wait for a line of the open stream; comes back with it, or with None at the end."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Hand something to who iterates."""

    item: T


Effect: TypeAlias = Send | Save | Listen | NextLine | Sleep
Flow: TypeAlias = Generator[Effect, Any, T]
Finding: TypeAlias = Generator[Effect | Found[T], Any, None]


class Operation(Generic[P, T]):
    """A flow as a method: of the sync client it returns the result, of the async one it is awaited."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: "Atelier", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncAtelier", owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """Bind the flow to a client."""
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - what the client's kind says
            return client.run(self.flow(client, *args, **kwargs))

        return update_wrapper(method, self.flow)


class Listing(Generic[P, T]):
    """A flow that finds things, as a method that returns an iterator, or an async one."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Finding[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: "Atelier", owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: "AsyncAtelier", owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """Bind the flow to a client."""
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - what the client's kind says
            return client.iterate(self.flow(client, *args, **kwargs))

        return update_wrapper(method, self.flow)


def operation(flow: Callable[Concatenate[Any, P], Flow[T]]) -> Operation[P, T]:
    """Make a method of a flow."""
    return Operation(flow)


def listing(flow: Callable[Concatenate[Any, P], Finding[T]]) -> Listing[P, T]:
    """Make a method that iterates of a flow that finds."""
    return Listing(flow)
