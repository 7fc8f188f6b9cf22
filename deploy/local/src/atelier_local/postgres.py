"""A private PostgreSQL node: own port, own data, TCP on the loopback address only."""

import secrets
import signal
import subprocess
from pathlib import Path
from typing import Any

from atelier_local.binaries import postgres_folder
from atelier_local.errors import CannotStart
from atelier_local.notes import remember, write_note
from atelier_local.ports import HOST, come_free, free_run
from atelier_local.processes import (
    Account,
    clean_environment,
    is_alive,
    read_pid,
    run,
    server_account,
    signal_quietly,
    tail,
    wait_until,
)

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
log_timezone = 'UTC'
timezone = 'UTC'
"""

PASSWORDS_ONLY = "host all all 127.0.0.1/32 scram-sha-256\n"

STARTED_IN, STOPPED_IN = 60, 20


class Postgres:
    """One server in `data`; its port and passwords are noted in `notes`."""

    def __init__(self, notes: Path, data: Path, account: Account | None = None) -> None:
        self._notes = notes / "postgres.json"
        self._folder = data / "postgres"
        self._data = self._folder / "data"
        self._log = self._folder / "postgres.log"
        self._account = account or server_account()
        self._child: subprocess.Popen[bytes] | None = None
        note = remember(self._notes, port=free_run, password=lambda: secrets.token_urlsafe(24), roles=dict)
        self.port: int = note["port"]
        self._password: str = note["password"]
        self._roles: dict[str, str] = note["roles"]

    def start(self) -> None:
        """Start the server, or keep the one that already runs and answers."""
        if self.pid() and self.is_healthy():
            return
        self.kill()
        self._create()
        for _ in range(3):
            if not come_free(self.port):
                self._move()
            if self._launch():
                return
        raise CannotStart(f"PostgreSQL did not start:\n{tail(self._log)}")

    def stop(self) -> None:
        """Stop the server cleanly; connections are closed, committed work is on disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a power cut would (kill -9)."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """Stop the server, cleanly or not, and start it again on the same port and data."""
        self.kill() if kill else self.stop()
        self.start()

    def is_healthy(self) -> bool:
        """Tell whether the server answers a query."""
        try:
            return self.sql("select 1").strip() == "1"
        except CannotStart:
            return False

    def dsn(self, database: str = "postgres", role: str = "postgres") -> str:
        """Return the address of a database for a role."""
        password = self._password if role == "postgres" else self._roles[role]
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    def role_password(self, role: str) -> str:
        """Return a role's password, made at first sight and then kept."""
        if role not in self._roles:
            self._roles[role] = secrets.token_urlsafe(24)
            self._save()
        return self._roles[role]

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser; rows come back as lines with `|` between columns."""
        command = [str(postgres_folder() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-w"]
        address = ["-h", HOST, "-p", str(self.port), "-U", "postgres", "-d", database]
        environment = clean_environment(PGPASSWORD=self._password, PGCONNECT_TIMEOUT="5")
        return run([*command, *address], what="psql", input=statements, env=environment)

    def pid(self) -> int | None:
        """Return the number of its main process; None while it does not run."""
        if self._child is not None:
            self._child.poll()  # collect it, so that it is not taken for running
        pid = read_pid(self._data / "postmaster.pid")
        return pid if pid and is_alive(pid, str(self._data)) else None

    def _create(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        self._account.own(self._folder)
        secret = self._folder / "superuser"
        self._account.write(secret, self._password)
        create = ["-D", str(self._data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}"]
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        self._run([str(postgres_folder() / "initdb"), *create, *locale], "initdb")
        secret.unlink()
        self._account.write(self._data / "pg_hba.conf", PASSWORDS_ONLY)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)

    def _launch(self) -> bool:
        command = [str(postgres_folder() / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._surroundings()
            )
        child = self._child
        wait_until(lambda: child.poll() is not None or self._says_ready(child.pid), STARTED_IN)
        if child.poll() is None and self.is_healthy():
            return True
        child.kill()
        child.wait()
        return False

    def _says_ready(self, pid: int) -> bool:
        status = self._data / "postmaster.pid"
        return read_pid(status) == pid and status.read_text().rstrip().endswith("ready")

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            signal_quietly(pid, how)
            if not wait_until(lambda: self.pid() is None, STOPPED_IN):
                signal_quietly(pid, signal.SIGKILL)
                wait_until(lambda: self.pid() is None, STOPPED_IN)
        if self._child is not None:
            self._child.wait(STOPPED_IN)
            self._child = None
        # A killed server leaves this behind. A zombie's number in it would forbid the next start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _move(self) -> None:
        self.port = free_run()
        self._save()

    def _save(self) -> None:
        write_note(self._notes, {"port": self.port, "password": self._password, "roles": self._roles})

    def _run(self, command: list[str], what: str) -> None:
        run(command, what=what, **self._surroundings())

    def _surroundings(self) -> dict[str, Any]:
        here = {"env": clean_environment(HOME=str(self._folder)), "cwd": self._folder}
        return {**here, "start_new_session": True, **self._account.popen()}
