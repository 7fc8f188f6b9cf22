"""The same two nodes as containers, for machines that have Docker and not the binaries."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from atelier_local.errors import CannotStart
from atelier_local.notes import remember, write_note
from atelier_local.ports import HOST, free_run
from atelier_local.processes import run, wait_until

READY_IN = 90


def docker_answers() -> bool:
    """Tell whether Docker's engine is there and answers."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


class Container:
    """A container that exists already, started and ended by Docker."""

    def __init__(self, container: str) -> None:
        self._container = container

    def start(self) -> None:
        """Start it and wait until it answers."""
        _docker("start", self._container)
        if not wait_until(self.is_healthy, READY_IN, every=0.3):
            raise CannotStart(
                f"container {self._container} does not answer; see `docker logs {self._container}`"
            )

    def stop(self) -> None:
        """Stop it cleanly; its data stays."""
        _docker("stop", self._container)

    def kill(self) -> None:
        """End it as a power cut would."""
        _docker("kill", self._container)

    def restart(self, *, kill: bool = False) -> None:
        """Stop or kill it, and start it again."""
        self.kill() if kill else self.stop()
        self.start()

    def pid(self) -> int | None:
        """Return the number of its main process where the engine runs; None while it does not run."""
        return int(_docker("inspect", "--format", "{{.State.Pid}}", self._container)) or None

    def is_healthy(self) -> bool:
        """Tell whether the server inside answers."""
        raise NotImplementedError

    def _inside(self, *command: str, stdin: str = "") -> str:
        return _docker("exec", "-i", self._container, *command, stdin=stdin)


class ContainerPostgres(Container):
    """PostgreSQL in a container whose port is published on the loopback address."""

    def __init__(self, container: str, port: int, user: str, password: str, notes: Path) -> None:
        super().__init__(container)
        self.port, self._user, self._password = port, user, password
        self._notes = notes / "postgres-roles.json"
        self._roles: dict[str, str] = remember(self._notes)

    def is_healthy(self) -> bool:
        """Tell whether the server answers a query over TCP (its first start has a phase without)."""
        try:
            return self._inside("psql", "-XqAt", "-h", HOST, "-U", self._user, "-d", "postgres",
                                "-c", "select 1").strip() == "1"  # fmt: skip
        except CannotStart:
            return False

    def dsn(self, database: str = "postgres", role: str = "postgres") -> str:
        """Return the address of a database for a role."""
        if role == "postgres":
            return f"postgresql://{self._user}:{self._password}@{HOST}:{self.port}/{database}"
        return f"postgresql://{role}:{self._roles[role]}@{HOST}:{self.port}/{database}"

    def role_password(self, role: str) -> str:
        """Return a role's password, made at first sight and then kept."""
        if role not in self._roles:
            self._roles[role] = secrets.token_urlsafe(24)
            write_note(self._notes, self._roles)
        return self._roles[role]

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser; rows come back as lines with `|` between columns."""
        psql = ("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", self._user, "-d", database)
        return self._inside(*psql, stdin=statements)


class ContainerRabbitMQ(Container):
    """RabbitMQ in a container whose port is published on the loopback address."""

    def __init__(self, container: str, port: int, user: str, password: str) -> None:
        super().__init__(container)
        self.port, self._user, self._password = port, user, password

    def is_healthy(self) -> bool:
        """Tell whether the node listens for clients."""
        try:
            self.ctl("status")
        except CannotStart:
            return False
        return True

    def url(self, vhost: str = "/") -> str:
        """Return the address of a virtual host."""
        return f"amqp://{self._user}:{self._password}@{HOST}:{self.port}/{quote(vhost, safe='')}"

    def add_vhost(self, name: str) -> None:
        """Make a virtual host that our user may use; one that exists is kept."""
        if name not in self.ctl("list_vhosts").split():
            self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, self._user, ".*", ".*", ".*")

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self.ctl("delete_vhost", name)

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl` in the container and return what it prints."""
        return self._inside("rabbitmqctl", "--quiet", *arguments)


def compose_containers(notes: Path, compose: Path) -> tuple[ContainerPostgres, ContainerRabbitMQ]:
    """Start the services `postgres` and `rabbitmq` of a compose file, as a project of this folder's own."""
    note = remember(
        notes / "compose.json",
        project=lambda: f"atelier-{secrets.token_hex(4)}",
        POSTGRES_PORT=lambda: str(free_run()),
        RABBITMQ_PORT=lambda: str(free_run()),
        POSTGRES_PASSWORD=lambda: secrets.token_urlsafe(24),
        RABBITMQ_PASSWORD=lambda: secrets.token_urlsafe(24),
    )
    project = _Project(note.pop("project"), compose, note)
    project.ask("up", "--detach", "--wait", "postgres", "rabbitmq")
    postgres, rabbitmq = project.settings("postgres"), project.settings("rabbitmq")
    return (
        ContainerPostgres(
            project.container("postgres"), project.port("postgres", 5432),
            postgres.get("POSTGRES_USER", "postgres"), postgres["POSTGRES_PASSWORD"], notes,
        ),
        ContainerRabbitMQ(
            project.container("rabbitmq"), project.port("rabbitmq", 5672),
            rabbitmq.get("RABBITMQ_DEFAULT_USER", "guest"), rabbitmq.get("RABBITMQ_DEFAULT_PASS", "guest"),
        ),
    )  # fmt: skip


class _Project:
    """A compose project; ports, users and passwords are read back from what Docker made of the file."""

    def __init__(self, name: str, compose: Path, environment: dict[str, str]) -> None:
        self._command = ["compose", "-p", name, "-f", str(compose)]
        self._environment = os.environ | environment

    def ask(self, *arguments: str) -> str:
        return _docker(*self._command, *arguments, env=self._environment)

    def settings(self, service: str) -> dict[str, str]:
        described = json.loads(self.ask("config", "--format", "json"))
        return dict(described["services"][service].get("environment") or {})

    def container(self, service: str) -> str:
        return self.ask("ps", "-q", service).strip()

    def port(self, service: str, inside: int) -> int:
        return int(self.ask("port", service, str(inside)).strip().rpartition(":")[2])


def _docker(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
    return run(["docker", *arguments], what=f"docker {arguments[0]}", input=stdin, env=env)
