"""Outgoing requests to addresses that others name: only public ones, and the very one that was checked."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import httpcore
import httpx

from chassis.pool import Pool, Transport
from chassis.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Global by their registry, but they lead to an IPv4 address that is hidden inside: IPv4-compatible, NAT64
# (well-known and local), 6to4, Teredo.
_TUNNELS = tuple(
    ipaddress.ip_network(net) for net in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class ForbiddenAddress(Exception):
    """A host has no address that may be connected to."""


def allowed(address: Address, trusted: Iterable[Network]) -> bool:
    """Tell whether an address is public, or in a network the operator trusts."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in trusted):
        return True
    tunnel = any(address in network for network in _TUNNELS)
    return address.is_global and not address.is_multicast and not tunnel


async def addresses(host: str, port: int, trusted: Iterable[Network]) -> list[str]:
    """Find the addresses of a host that may be connected to. Raises OSError and ForbiddenAddress."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long for a name
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from error
    known = tuple(trusted)
    good = [str(address) for address in map(_address, found) if allowed(address, known)]
    if not good:
        raise ForbiddenAddress(host)
    return good


def _address(found: Sequence[Any]) -> Address:
    return ipaddress.ip_address(found[4][0].partition("%")[0])


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very address it has checked, so that a name cannot change its mind in between."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(trusted)
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the signature is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = ForbiddenAddress(host)
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return await addresses(host, port, self._trusted)
        except OSError as error:
            raise httpcore.ConnectError(f"{host}: {error}") from error


class GuardedTransport(Transport):
    """httpx's transport, which connects to public addresses and trusted networks alone.

    Raises ForbiddenAddress for any other, and for other schemes than `schemes`, also where a redirect leads.
    """

    def __init__(
        self, trusted: Iterable[Network], verify: ssl.SSLContext, schemes: Collection[str] = ("https",)
    ) -> None:
        pool = Pool(
            verify,
            max_connections=32,
            max_keepalive_connections=16,
            keepalive_expiry=15.0,
            network_backend=_GuardedNetwork(trusted),
        )
        super().__init__(pool, verify)
        self._schemes = frozenset(schemes)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and refuse what is not of an allowed scheme."""
        if request.url.scheme not in self._schemes:
            raise ForbiddenAddress(f"not {' or '.join(sorted(self._schemes))}")
        return await super().handle_async_request(request)
