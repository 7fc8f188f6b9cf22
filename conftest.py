"""What every test may ask for: real Postgres and RabbitMQ, the same for the whole session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from atelier_local.binaries import can_install, missing_packages
from atelier_local.containers import docker_answers
from atelier_local.nodes import Nodes, choose_nodes, forget

pytest_plugins = ["chassis.testing"]

# How long an example takes says how busy the machine is, and nothing of what is promised.
settings.register_profile("atelier", deadline=None)
settings.load_profile("atelier")


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Servers of this session's own: private nodes, or containers where the binaries cannot be had."""
    folder = tmp_path_factory.mktemp("nodes")
    running = (
        _containers(folder)
        if _needs_docker()
        else choose_nodes(folder, Path(__file__).parent / "compose.yaml")
    )
    try:
        running.start()
        yield running
    finally:
        running.stop()
        forget(running)


def _needs_docker() -> bool:
    if wanted := os.environ.get("ATELIER_NODES"):
        return wanted == "docker"
    return bool(missing_packages()) and not can_install() and docker_answers()


def _containers(folder: Path) -> Nodes:
    from atelier_local.testcontainers import container_nodes

    return container_nodes(folder)
