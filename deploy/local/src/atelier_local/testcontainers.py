"""Nodes for a test session on a machine that has Docker and not the binaries."""

import secrets
from pathlib import Path

from testcontainers.core.container import DockerContainer

from atelier_local.containers import ContainerPostgres, ContainerRabbitMQ
from atelier_local.nodes import Nodes
from atelier_local.ports import free_run

POSTGRES, RABBITMQ = "postgres:17", "rabbitmq:4"


def container_nodes(folder: Path) -> Nodes:
    """Start two containers on fixed ports, which a restart keeps; testcontainers removes them in the end."""
    notes = folder / "nodes"
    notes.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    postgres_port, rabbitmq_port = free_run(), free_run()
    postgres = _started(POSTGRES, 5432, postgres_port, POSTGRES_PASSWORD=password)
    users = {"RABBITMQ_DEFAULT_USER": "atelier", "RABBITMQ_DEFAULT_PASS": password}
    rabbitmq = _started(RABBITMQ, 5672, rabbitmq_port, **users)
    return Nodes(
        ContainerPostgres(postgres, postgres_port, "postgres", password, notes),
        ContainerRabbitMQ(rabbitmq, rabbitmq_port, "atelier", password),
        notes,
    )


def _started(image: str, inside: int, outside: int, **environment: str) -> str:
    container = DockerContainer(image).with_bind_ports(inside, outside).with_envs(**environment)
    return str(container.start().get_wrapped_container().id)
