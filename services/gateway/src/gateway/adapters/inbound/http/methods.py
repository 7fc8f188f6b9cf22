"""Which methods each address knows: a 405 names them all, and no fixed address is taken for an id."""

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http import Problem

Known = frozenset[str]


class Methods:
    """Answers 405 with all methods of an address in `Allow` (RFC 9110, 15.5.6).

    The framework names those of one route, and passes what a fixed address (/images/delete) does not know
    on to the one with an id in its place (/images/{id}).
    """

    def __init__(self, app: ASGIApp, prefix: str, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        known: dict[str, Known] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                path = prefix + route.path
                known[path] = known.get(path, frozenset()) | (route.methods or set())
        self._fixed = {path: methods for path, methods in known.items() if "{" not in path}
        self._named = [(compile_path(path)[0], known[path]) for path in known if "{" in path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fixed = self._fixed.get(scope["path"])
        if fixed and scope["method"] not in fixed:
            headers = {"Allow": _listed(fixed)}
            raise Problem(
                405, "method_not_allowed", "This address does not know that method.", headers=headers
            )

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(scope=message)["Allow"] = _listed(self._of(scope["path"]))
            await send(message)

        await self._app(scope, receive, answered)

    def _of(self, path: str) -> Known:
        return next((methods for pattern, methods in self._named if pattern.match(path)), frozenset())


def _listed(methods: Known) -> str:
    return ", ".join(sorted(methods))
