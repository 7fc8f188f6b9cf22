"""The gateway's API as the demo uses it: plain HTTP, nothing but the standard library."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError

from atelier_local.demo.errors import Disappointed

Json = dict[str, Any]

ANSWER_IN = 20.0
SILENCE = 20.0  # longer than the pause between two heartbeats of the event stream

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Api:
    """Calls the gateway: as nobody, then with a session, then with an API key."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers: dict[str, str] = {}

    def use_key(self, secret: str) -> None:
        """Go on as the bearer of an API key."""
        self._headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> Json:
        """Read something."""
        return self._json("GET", path)

    def post(self, path: str, body: Json) -> Json:
        """Ask for something, with an idempotency key of its own; a session cookie is kept."""
        return self._json("POST", path, body)

    def download(self, url: str) -> bytes:
        """Fetch what a signed link leads to."""
        try:
            with _direct.open(url, timeout=ANSWER_IN) as answer:
                return bytes(answer.read())
        except OSError as error:
            raise Disappointed(f"a signed link did not work: {error}") from error

    def await_event(self, wanted: Callable[[Json], bool], seconds: float, what: str) -> Json:
        """Follow the event stream from its beginning until an event is the wanted one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in self._events(deadline):
                if wanted(event):
                    return event
        raise Disappointed(f"{what} did not happen within {seconds:.0f} s")

    def _events(self, deadline: float) -> Iterator[Json]:
        request = self._request("GET", "/api/events?after=0", None, {"Accept": "text/event-stream"})
        with self._open(request, SILENCE) as answer:
            while time.monotonic() < deadline:
                try:
                    line = answer.readline()
                except (OSError, HTTPException):
                    return  # a stream may break; it is opened again
                if not line:
                    return
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    def _json(self, method: str, path: str, body: Json | None = None) -> Json:
        extra = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        with self._open(self._request(method, path, body, extra), ANSWER_IN) as answer:
            if cookie := answer.headers.get("Set-Cookie"):
                self._headers["Cookie"] = cookie.partition(";")[0]
            found: Json = json.loads(answer.read() or b"{}")
            return found

    def _request(
        self, method: str, path: str, body: Json | None, extra: dict[str, str]
    ) -> urllib.request.Request:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers, **extra}
        return urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - our own gateway

    def _open(self, request: urllib.request.Request, timeout: float) -> HTTPResponse:
        asked = f"{request.get_method()} {request.selector}"
        try:
            answer: HTTPResponse = _direct.open(request, timeout=timeout)
        except HTTPError as error:
            raise Disappointed(f"{asked} answered {error.code}: {error.read()[:500].decode()}") from error
        except OSError as error:
            raise Disappointed(f"{asked} was not answered: {error}") from error
        return answer
