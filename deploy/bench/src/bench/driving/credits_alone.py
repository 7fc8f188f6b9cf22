"""The real credits service as a process of its own, with a database and a virtual host of its own."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from atelier_local.errors import CannotStart
from atelier_local.nodes import Nodes, drop_database, provision
from atelier_local.plan import Process
from atelier_local.ports import HOST, free_run
from atelier_local.processes import clean_environment, tail, wait_until
from bench.bench import FOLDER
from bench.cpu import Processes

READY_IN = 30
CREDITS = Process("credits", "credits")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Place:
    """A migrated database and a virtual host with the whole topology."""

    nodes: Nodes
    name: str
    port: int

    @property
    def dsn(self) -> str:
        """The address of the database for the role of credits."""
        return self.nodes.postgres.dsn(self.name, "credits")

    @property
    def bus(self) -> str:
        """The address of the virtual host."""
        return self.nodes.rabbitmq.url(self.name)

    def environment(self) -> dict[str, str]:
        """Say what credits is told."""
        return clean_environment(
            DATABASE_URL=self.dsn,
            RABBITMQ_URL=self.bus,
            HTTP_HOST=HOST,
            HTTP_PORT=str(self.port),
            LOG_LEVEL="WARNING",
        )

    def command(self, verb: str) -> str:
        """Run an operator command of credits and return what it prints; raises CannotStart."""
        done = subprocess.run(
            [*CREDITS.command()[:-1], verb],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CannotStart(f"credits {verb} failed:\n{(done.stderr + done.stdout)[-3000:]}")
        return done.stdout


@contextmanager
def place(running: Nodes, name: str) -> Iterator[Place]:
    """Make a database and a virtual host with nothing but what `migrate` puts there."""
    made = Place(running, name, free_run())
    provision(running.postgres, name)
    running.rabbitmq.add_vhost(name)
    try:
        made.command("migrate")
        yield made
    finally:
        running.rabbitmq.delete_vhost(name)
        drop_database(running.postgres, name)


@contextmanager
def credits_running(at: Place) -> Iterator[Processes]:
    """Run the service as it is deployed, and end it afterwards; gives the processes a hold goes through."""
    log = FOLDER / "credits.log"
    with log.open("wb") as out:
        process = subprocess.Popen(CREDITS.command(), env=at.environment(), stdout=out, stderr=out)
    try:
        if not wait_until(lambda: _is_ready(at.port) or process.poll() is not None, READY_IN):
            raise CannotStart(f"credits did not become ready:\n{tail(log)}")
        if process.poll() is not None:
            raise CannotStart(f"credits ended:\n{tail(log)}")
        time.sleep(1)  # what a young process still does at its start is not what we measure
        yield _processes(at.nodes, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _processes(running: Nodes, credits: int) -> Processes:
    servers = {"RabbitMQ": running.rabbitmq.pid(), "Postgres": running.postgres.pid()}
    found = {pid: name for name, pid in servers.items() if pid is not None}
    return Processes({os.getpid(): "bench", credits: "credits", **found})


def _is_ready(port: int) -> bool:
    try:
        with _direct.open(f"http://{HOST}:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
