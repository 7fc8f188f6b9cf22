import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.guard import ForbiddenAddress, GuardedTransport, addresses, allowed

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
        "64:ff9b:1::7f00:1", "::7f00:1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_allowed(address):
    assert not allowed(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_is_allowed(address):
    assert allowed(ipaddress.ip_address(address), ())


def test_a_trusted_network_is_allowed_also_in_its_mapped_form():
    assert allowed(ipaddress.ip_address("127.0.0.1"), LOOPBACK)
    assert allowed(ipaddress.ip_address("::ffff:127.0.0.1"), LOOPBACK)
    assert not allowed(ipaddress.ip_address("10.0.0.1"), LOOPBACK)


async def test_a_name_that_leads_to_ourselves_is_forbidden():
    with pytest.raises(ForbiddenAddress, match="localhost"):
        await addresses("localhost", 443, ())
    assert "127.0.0.1" in await addresses("localhost", 443, LOOPBACK)


@pytest.mark.parametrize("number", ["2130706433", "0x7f000001", "127.1", "017700000001"])
async def test_an_address_in_disguise_is_forbidden(number):
    with pytest.raises(ForbiddenAddress):
        await addresses(number, 443, ())


async def test_what_is_no_name_does_not_resolve():
    with pytest.raises(OSError, match="not a name"):
        await addresses("a..example", 443, ())


@pytest.fixture
async def door() -> AsyncIterator[int]:
    """A port on this machine where somebody answers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_name_that_leads_elsewhere_when_it_is_asked_again_is_asked_once(
    door: int, monkeypatch: pytest.MonkeyPatch
):
    answers = [["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]]
    loop, asked = asyncio.get_running_loop(), []
    real = loop.getaddrinfo

    async def rebinding(host: str, port: int, **more: object) -> object:
        if host != "rebound.example":
            return await real(host, port, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers[len(asked) - 1]]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    transport = GuardedTransport(LOOPBACK, ssl.create_default_context(), schemes=("http",))
    async with httpx.AsyncClient(transport=transport, timeout=5) as client:
        answer = await client.get(f"http://rebound.example:{door}/")
        assert (answer.status_code, asked) == (200, ["rebound.example"])
        with pytest.raises(ForbiddenAddress):
            await client.get(f"http://rebound.example:{door}/")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "[::ffff:7f00:1]", "localhost"]
)
async def test_no_spelling_of_this_machine_is_connected_to(door: int, host: str):
    transport = GuardedTransport((), ssl.create_default_context(), schemes=("http",))
    async with httpx.AsyncClient(transport=transport, timeout=5) as client:
        with pytest.raises(ForbiddenAddress):
            await client.get(f"http://{host}:{door}/")
