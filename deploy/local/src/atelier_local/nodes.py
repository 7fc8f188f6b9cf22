"""Postgres and RabbitMQ for a stack or a test session: private ones first, Docker's otherwise."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Protocol

from atelier_local.binaries import can_install, install, missing_packages
from atelier_local.containers import compose_containers, docker_answers
from atelier_local.errors import CannotStart
from atelier_local.postgres import Postgres
from atelier_local.processes import Account, server_account
from atelier_local.provision import drop_database, provision
from atelier_local.rabbitmq import RabbitMQ

__all__ = [
    "Nodes", "Postgres", "PostgresNode", "RabbitMQ", "RabbitMQNode",
    "choose_nodes", "drop_database", "private_nodes", "provision",
]  # fmt: skip


class Node(Protocol):
    """A server that can be started, ended and brought back on the same address and data."""

    def start(self) -> None:
        """Start it, or keep it when it runs and answers."""

    def stop(self) -> None:
        """Stop it cleanly."""

    def kill(self) -> None:
        """End it as a power cut would."""

    def restart(self, *, kill: bool = False) -> None:
        """Stop or kill it, and start it again."""

    def pid(self) -> int | None:
        """Return the number of its main process; None while it does not run."""


class PostgresNode(Node, Protocol):
    """A PostgreSQL server."""

    def dsn(self, database: str = "postgres", role: str = "postgres") -> str:
        """Return the address of a database for a role."""

    def role_password(self, role: str) -> str:
        """Return a role's password, made at first sight and then kept."""

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser."""


class RabbitMQNode(Node, Protocol):
    """A RabbitMQ server."""

    def url(self, vhost: str = "/") -> str:
        """Return the address of a virtual host."""

    def add_vhost(self, name: str) -> None:
        """Make a virtual host; one that exists is kept."""

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl` and return what it prints."""


@dataclass(frozen=True)
class Nodes:
    """The two servers everything else stands on; `notes` is the folder with their ports and passwords."""

    postgres: PostgresNode
    rabbitmq: RabbitMQNode
    notes: Path

    def start(self) -> None:
        """Start both at the same time."""
        with _locked(self.notes / "lock"):
            self._both("start")

    def stop(self) -> None:
        """Stop both at the same time."""
        with _locked(self.notes / "lock"):
            self._both("stop")

    def _both(self, verb: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(getattr(node, verb)) for node in (self.postgres, self.rabbitmq)]:
                done.result()


def private_nodes(folder: Path) -> Nodes:
    """Return nodes whose notes (and data, where possible) are in `folder`; raises CannotStart."""
    if missing := missing_packages():
        raise CannotStart(f"missing: {' and '.join(missing)}")
    notes = folder.resolve() / "nodes"
    notes.mkdir(parents=True, exist_ok=True)
    account = server_account()
    data = _data_folder(notes, account)
    return Nodes(Postgres(notes, data, account), RabbitMQ(notes, data, account), notes)


def choose_nodes(folder: Path, compose: Path) -> Nodes:
    """Return private nodes, installing what they need if we may, or those of the compose file.

    `ATELIER_NODES=private|docker` forces one kind. Raises CannotStart when neither can be had.
    """
    wanted = os.environ.get("ATELIER_NODES", "")
    if wanted not in ("", "private", "docker"):
        raise CannotStart(f"ATELIER_NODES is {wanted!r}; it can be private or docker")
    if wanted != "docker" and _has_binaries(must=wanted == "private"):
        return private_nodes(folder)
    if wanted != "private" and docker_answers():
        notes = folder.resolve() / "nodes"
        return Nodes(*compose_containers(notes, compose), notes)
    if wanted == "docker":
        raise CannotStart("ATELIER_NODES is docker, but Docker's engine does not answer")
    packages = " ".join(missing_packages())
    raise CannotStart(f"install {packages} (Debian: sudo apt-get install {packages}), or start Docker")


def _has_binaries(*, must: bool) -> bool:
    missing = missing_packages()
    if missing and can_install():
        try:
            install(missing)
        except CannotStart as error:
            if must:
                raise
            print(error, flush=True)
    return not missing_packages()


def _data_folder(notes: Path, account: Account) -> Path:
    """Choose where the data goes: beside the notes, or where the nodes' account can get in."""
    beside = account.own(notes / "data")
    if account.can_use(beside):
        return beside
    location = notes / "location"
    if location.exists():
        noted = Path(location.read_text().strip())
        if noted.exists() and noted.stat().st_uid == account.uid:
            return noted
    base = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108 - a fresh, closed folder in it
    fresh = account.own(Path(tempfile.mkdtemp(prefix="atelier-", dir=base)))
    location.write_text(f"{fresh}\n")
    return fresh


def forget(nodes: Nodes) -> None:
    """Delete the data and notes of nodes that are stopped."""
    location = nodes.notes / "location"
    if location.exists():
        shutil.rmtree(location.read_text().strip(), ignore_errors=True)
    shutil.rmtree(nodes.notes, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time start or stop these nodes."""
    with path.open("w") as lock:
        flock(lock, LOCK_EX)
        yield
