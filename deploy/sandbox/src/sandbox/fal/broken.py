"""Answers that are none: proxies' error pages, connections that end or hang."""

import asyncio
import socket
import struct
from http import HTTPStatus

from aiohttp import web

from sandbox.fal.faults import Fault
from sandbox.fal.runner import refusal

_HANG_SECONDS = 600.0
_LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


def counts_as_accepted(fault: Fault) -> bool:
    """Whether the queue takes the request before the answer goes wrong."""
    return fault.name.startswith("accept_then_") or bool(fault.params.get("accepted", False))


async def answer(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Answer as the fault says; nothing when it only delays the true answer."""
    match fault.name:
        case "slow":
            await asyncio.sleep(float(fault.params.get("seconds", 5)))
            return None
        case "accept_then_close" | "accept_then_reset" | "accept_then_hang":
            return await _no_answer(request, fault)
        case _:
            return _refusal(fault)


def _refusal(fault: Fault) -> web.Response:
    match fault.name:
        case "http_502_nginx":
            return _nginx(int(fault.params.get("status", 502)))
        case "locked":
            return web.json_response({"detail": str(fault.params.get("detail", _LOCKED))}, status=403)
        case "rate_limited":
            headers = {"X-Fal-Needs-Retry": "1", "Retry-After": str(fault.params.get("retry_after", 1))}
            body = {"detail": "Too many requests", "error_type": "concurrent_requests_limit"}
            return web.json_response(body, status=429, headers=headers)
        case "validation_422":
            outcome = refusal(fault.params)
            return web.json_response(outcome.body, status=outcome.status, headers=outcome.headers())
        case _:
            status = 503 if fault.name == "http_503" else 500
            return web.json_response({"detail": HTTPStatus(status).phrase}, status=status)


def _nginx(status: int) -> web.Response:
    line = f"{status} {HTTPStatus(status).phrase}"
    page = (
        f"<html>\r\n<head><title>{line}</title></head>\r\n<body>\r\n<center><h1>{line}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=page, content_type="text/html", headers={"Server": "nginx"})


async def _no_answer(request: web.Request, fault: Fault) -> web.Response:
    if fault.name == "accept_then_hang":
        await asyncio.sleep(float(fault.params.get("seconds", _HANG_SECONDS)))
    transport = request.transport
    if transport is not None and fault.name == "accept_then_reset":
        # Linger for zero seconds: closing then sends RST instead of FIN.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.Response()  # goes nowhere: the connection is gone
