"""A server that answers as it is told, on a real socket, and remembers what it was asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

Json = dict[str, Any]


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Told:
    """An answer: a body, or a whole stream of lines; `lost` hangs up instead of answering."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    raw: bytes | None = None


LOST = Told(lost=True)


def refusal(status: int, code: str, headers: dict[str, str] | None = None, **members: object) -> Told:
    body = {"status": status, "code": code, "detail": f"because of {code}", **members}
    return Told(status, body, headers or {})


def stream(*lines: str) -> Told:
    return Told(200, headers={"Content-Type": "text/event-stream"}, raw="".join(lines).encode())


@dataclass
class Server:
    url: str
    answer: Callable[[Asked], Told] | None = None
    script: list[Told] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def keys(self) -> list[str | None]:
        return [one.headers.get("idempotency-key") for one in self.asked]

    def told(self, asked: Asked) -> Told:
        self.asked.append(asked)
        return self.answer(asked) if self.answer else self.script.pop(0)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        told = self.server.told(asked)  # type: ignore[attr-defined]
        self.close_connection = True
        if told.lost:
            return
        content = told.raw if told.raw is not None else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names http.server looks for

    def log_message(self, *words: object) -> None:
        pass
