"""What every measurement stands on: nodes of their own, the whole stack, how much is measured, the report."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

from atelier_local.locks import only_one
from atelier_local.nodes import Nodes, choose_nodes, forget
from atelier_local.plan import PROCESSES, Variables
from atelier_local.stack import Stack
from bench.driving.customers import Customer, customers
from bench.driving.provider import Provider
from bench.figures import Report
from bench.machine import describe

REPOSITORY = Path(__file__).parents[4]
FOLDER = REPOSITORY / ".local" / "bench"
SERVICES = tuple(process.name for process in PROCESSES if process.name != "sandbox")
# Settings are the defaults, but for: no collector of traces, teams that sign up by the dozen and read no
# letters, and a provider that takes whatever we send.
SETTINGS: Mapping[str, Variables] = {
    "*": {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    "gateway": {"REQUIRE_VERIFIED_EMAIL": "false", "SIGN_UPS_PER_HOUR": "100000"},
    "jobs": {"PROVIDER_SLOTS": "100000"},
}


@dataclass(frozen=True)
class Scale:
    """How much is measured in each run, and how many runs."""

    runs: int = 3
    holds: int = 10_000
    jobs: int = 1_000
    seconds: float = 10.0
    reads: int = 4_000
    webhooks: int = 60
    teams: int = 20
    in_flight: int = 10_000
    minutes: float = 60.0
    rate: float = 4.0
    growth: float = 1.0

    @classmethod
    def options(cls) -> Mapping[str, float]:
        """Name each size with what it is by default."""
        return {field.name: getattr(cls(), field.name) for field in fields(cls)}


class Bench:
    """What measurements share; what has been started ends with it."""

    def __init__(self, scale: Scale, say: Callable[[str], None]) -> None:
        self.scale, self.say = scale, say
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def report(self) -> Report:
        """What was found, and on which machine."""
        return Report(describe(self.nodes))

    @cached_property
    def nodes(self) -> Nodes:
        """Postgres and RabbitMQ for the bench alone; raises CannotStart where another bench has them."""
        self._open.enter_context(only_one(FOLDER / "state" / "lock"))
        nodes = choose_nodes(FOLDER, REPOSITORY / "compose.yaml")
        nodes.start()
        self._open.callback(forget, nodes)
        self._open.callback(nodes.stop)
        return nodes

    @cached_property
    def stack(self) -> Stack:
        """All services and the sandbox, as they are deployed."""
        return self._open.enter_context(self.another("stack"))

    @contextmanager
    def another(
        self, name: str, settings: Mapping[str, Variables] = SETTINGS, replicas: int = 1
    ) -> Iterator[Stack]:
        """Run a stack on the same nodes, with a database and a virtual host of its own."""
        stack = Stack(
            FOLDER / name, env_overrides=settings, nodes=self.nodes, replicas=replicas, say=self.say
        )
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            stack.forget()

    @cached_property
    def provider(self) -> Provider:
        """How the provider behaves."""
        return Provider(self.stack.sandbox_url)

    @cached_property
    def customers(self) -> list[Customer]:
        """Teams with all they need."""
        return asyncio.run(customers(self.stack, self.scale.teams))
