"""A private RabbitMQ node: own ports, own epmd, own data, no plugins, loopback only."""

import secrets
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from atelier_local.binaries import rabbitmq_folder
from atelier_local.errors import CannotStart
from atelier_local.notes import remember, write_note
from atelier_local.ports import HOST, free_run, is_free
from atelier_local.processes import (
    SYSTEM_PATH,
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

USER = "atelier"
NAME = "atelier@localhost"  # known to our own epmd only, so that every node may bear it

# Listener, Erlang distribution, epmd, and seven for the command line tools.
PORTS = 10

# The relative defaults count the whole machine; the write-ahead log limit keeps memory and disk small.
SETTINGS = """listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 200MB
raft.wal_max_size_bytes = 32000000
log.file.level = warning
log.console = false
"""

# The node shares the machine with everything else: half of the cores, and no waiting for work in busy loops.
SCHEDULING = "+SP 50:50 +sbwt none +sbwtdcpu none +sbwtdio none"

STARTED_IN, STOPPED_IN, NOTICED_IN = 90, 30, 5


class RabbitMQ:
    """One node in `data`; its ports and password are noted in `notes`."""

    def __init__(self, notes: Path, data: Path, account: Account | None = None) -> None:
        self._notes = notes / "rabbitmq.json"
        self._folder = data / "rabbitmq"
        self._log = self._folder / "log" / "console.log"
        self._account = account or server_account()
        self._child: subprocess.Popen[bytes] | None = None
        note = remember(
            self._notes,
            port=lambda: free_run(PORTS),
            password=lambda: secrets.token_urlsafe(24),
        )
        self.port: int = note["port"]
        self._password: str = note["password"]

    def start(self) -> None:
        """Start the node, or keep the one that already runs and answers."""
        if self.pid() and self.is_healthy():
            return
        self.kill()
        self._create()
        wait_until(self._has_its_ports, NOTICED_IN)
        for _ in range(3):
            if not self._has_its_ports():
                self._move()
            if self._launch():
                return
            self.kill()
        raise CannotStart(f"RabbitMQ did not start:\n{tail(self._log)}")

    def stop(self) -> None:
        """Stop the node cleanly, and its epmd with it."""
        self._end(signal.SIGTERM)
        if self._folder.exists():
            wait_until(self._has_its_ports, NOTICED_IN)

    def kill(self) -> None:
        """End the node as a power cut would (kill -9)."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """Stop the node, cleanly or not, and start it again on the same ports and data."""
        self.kill() if kill else self.stop()
        self.start()

    def is_healthy(self) -> bool:
        """Tell whether the node answers the AMQP greeting."""
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"  # a method frame: connection.start
        except OSError:
            return False

    def url(self, vhost: str = "/") -> str:
        """Return the address of a virtual host."""
        return f"amqp://{USER}:{self._password}@{HOST}:{self.port}/{quote(vhost, safe='')}"

    def add_vhost(self, name: str) -> None:
        """Make a virtual host that our user may use; one that exists is kept."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, USER, ".*", ".*", ".*")

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self.ctl("delete_vhost", name)

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl` against this node and return what it prints."""
        command = [str(rabbitmq_folder() / "rabbitmqctl"), "--quiet", *arguments]
        return run(command, what="rabbitmqctl", **self._surroundings())

    def pid(self) -> int | None:
        """Return the number of its main process; None while it does not run."""
        pid = read_pid(self._folder / "rabbit.pid")
        return pid if pid and is_alive(pid, str(self._folder)) else None

    def _create(self) -> None:
        self._account.own(self._folder)
        for name in ("mnesia", "log", "schema"):
            self._account.own(self._folder / name)
        self._account.write(self._folder / "enabled_plugins", "[].\n")

    def _launch(self) -> bool:
        settings = SETTINGS.format(port=self.port, user=USER, password=self._password)
        self._account.write(self._folder / "rabbitmq.conf", settings)
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [str(rabbitmq_folder() / "rabbitmq-server")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._surroundings(),
            )  # fmt: skip
        child = self._child
        wait_until(lambda: child.poll() is not None or self._answers(), STARTED_IN)
        return child.poll() is None and self.is_healthy()

    def _answers(self) -> bool:
        return self.pid() is not None and self.is_healthy()

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            signal_quietly(pid, how)  # the node removes its pid file some time before it ends
            if not wait_until(lambda: not is_alive(pid), STOPPED_IN):
                signal_quietly(pid, signal.SIGKILL)
                wait_until(lambda: not is_alive(pid), STOPPED_IN)
        if self._child is not None:
            self._child.wait(STOPPED_IN)  # the start script ends after its node
            self._child = None
        (self._folder / "rabbit.pid").unlink(missing_ok=True)

    def _end_epmd(self) -> None:
        # The daemon outlives its node by design; ours has no other use.
        kill = ["epmd", "-port", str(self.port + 2), "-kill"]
        subprocess.run(kill, capture_output=True, check=False, **self._surroundings())

    def _has_its_ports(self) -> bool:
        # epmd refuses to end until it has noticed that its node is gone; other ports would lose our clients.
        self._end_epmd()
        return all(is_free(port) for port in range(self.port, self.port + PORTS))

    def _move(self) -> None:
        self.port = free_run(PORTS)
        write_note(self._notes, {"port": self.port, "password": self._password})

    def _surroundings(self) -> dict[str, Any]:
        here = {"env": self._environment(), "cwd": self._folder}
        return {**here, "start_new_session": True, **self._account.popen()}

    def _environment(self) -> dict[str, str]:
        folder, port = self._folder, self.port
        return clean_environment(
            PATH=SYSTEM_PATH,
            HOME=str(folder),  # the Erlang cookie lives here
            LC_ALL="C.UTF-8",
            ERL_CRASH_DUMP=str(folder / "log" / "erl_crash.dump"),
            ERL_EPMD_ADDRESS=HOST,
            ERL_EPMD_PORT=str(port + 2),
            RABBITMQ_CONF_ENV_FILE="/dev/null",  # nothing of the system's settings
            RABBITMQ_NODENAME=NAME,
            RABBITMQ_NODE_IP_ADDRESS=HOST,
            RABBITMQ_NODE_PORT=str(port),
            RABBITMQ_DIST_PORT=str(port + 1),
            RABBITMQ_CTL_DIST_PORT_MIN=str(port + 3),
            RABBITMQ_CTL_DIST_PORT_MAX=str(port + PORTS - 1),
            RABBITMQ_MNESIA_BASE=str(folder / "mnesia"),
            RABBITMQ_LOG_BASE=str(folder / "log"),
            RABBITMQ_PID_FILE=str(folder / "rabbit.pid"),
            RABBITMQ_GENERATED_CONFIG_DIR=str(folder / "schema"),
            RABBITMQ_CONFIG_FILE=str(folder / "rabbitmq.conf"),
            RABBITMQ_ADVANCED_CONFIG_FILE=str(folder / "advanced.config"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(folder / "enabled_plugins"),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=f"-kernel inet_dist_use_interface {{127,0,0,1}} {SCHEDULING}",
        )
