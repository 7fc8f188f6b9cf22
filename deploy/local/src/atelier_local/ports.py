"""Free ports on the loopback address."""

import random
import socket
import time

from atelier_local.errors import CannotStart

HOST = "127.0.0.1"

# Below the kernel's range for outgoing connections, so that no client socket takes a port we noted.
FIRST, LAST = 15_000, 32_000

PATIENCE = 1.0


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_run(length: int = 1) -> int:
    """Find `length` consecutive free ports and return the first."""
    for _ in range(200):
        first = random.randrange(FIRST, LAST - length)  # noqa: S311 - spreads parallel stacks, keeps no secret
        if all(is_free(port) for port in range(first, first + length)):
            return first
    raise CannotStart(f"no {length} free ports in a row between {FIRST} and {LAST}")


def free_ports(count: int) -> list[int]:
    """Find `count` different free ports."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_run())
    return sorted(found)


def come_free(first: int, length: int = 1) -> bool:
    """Wait a moment for ports that a process which just ended still holds; tell whether they are free."""
    deadline = time.monotonic() + PATIENCE
    while not all(is_free(port) for port in range(first, first + length)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
