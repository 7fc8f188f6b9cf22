"""The whole of Atelier on one machine: nodes, sandbox, five services, supervised."""

import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from atelier_local.children import Child, Children, Say
from atelier_local.errors import CannotStart
from atelier_local.locks import only_one
from atelier_local.nodes import Nodes, choose_nodes, drop_database, forget, provision
from atelier_local.plan import SANDBOX, Plan, Process, Variables, make_plan, processes, write_bundle
from atelier_local.ports import HOST, free_run
from atelier_local.processes import tail
from atelier_local.provision import SERVICES

REPOSITORY = Path(__file__).parents[4]
READY_IN, MIGRATED_IN = 60.0, 300.0

# Loopback is never behind a proxy, whatever the caller's environment says.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _print(line: str) -> None:
    print(line, flush=True)


class Stack:
    """One running Atelier, whose state and logs are in `folder`.

    Without `nodes` it starts and stops its own; on nodes given it uses a database and a virtual host of its
    own. `env_overrides` maps a process (or "*" for all) to variables that are set or replaced. Processes are
    called sandbox, credits, jobs, catalog, billing, projector, deliverer and gateway. With several `replicas`
    of each (of the sandbox there is one) they are called jobs-1, jobs-2 and so on; jobs then means all of
    them, and the gateways are reached through one door.
    """

    def __init__(
        self,
        folder: Path,
        *,
        env_overrides: Mapping[str, Variables] | None = None,
        nodes: Nodes | None = None,
        gateway_port: int | None = None,
        replicas: int = 1,
        say: Say = _print,
    ) -> None:
        self._folder = folder.resolve()
        self._overrides = dict(env_overrides or {})
        self._owns_nodes = nodes is None
        self._gateway_port = gateway_port
        self._say = say
        self._held = ExitStack()
        self._replicas = replicas
        self._processes = {process.name: process for process in processes(replicas)}
        self._nodes = nodes
        self._plan: Plan | None = None
        self._children: Children | None = None

    @property
    def nodes(self) -> Nodes:
        """The servers it stands on; a test may stop, kill and restart them."""
        if self._nodes is None:
            raise CannotStart("the stack has not been started")
        return self._nodes

    @property
    def plan(self) -> Plan:
        """Its ports, keys, database and virtual host."""
        if self._plan is None:
            raise CannotStart("the stack has not been started")
        return self._plan

    @property
    def url(self) -> str:
        """Where the gateway is reached."""
        return self.plan.url

    @property
    def sandbox_url(self) -> str:
        """Where faults are set and clocks are moved."""
        return self.plan.sandbox_url

    def start(self) -> None:
        """Start everything and return when every process is ready.

        Raises CannotStart with the reason; then nothing is left running.
        """
        self._held.enter_context(only_one(self._folder / "state" / "lock"))
        try:
            self._prepare()
            self._launch([SANDBOX])
            self._migrate()
            self._launch([process for process in self._processes.values() if process is not SANDBOX])
            self._await_ready([name for name in self._processes if name != SANDBOX.name])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything cleanly: services, sandbox, then its own nodes."""
        if self._children is not None:
            self._children.end(process.name for process in self._processes.values() if process is not SANDBOX)
            self._children.end(["sandbox"])
            self._children.close()
        if self._owns_nodes and self._nodes is not None:
            self._nodes.stop()
        self._held.close()

    def forget(self) -> None:
        """Delete the data of its own nodes, or its database and virtual host on shared ones."""
        if self._owns_nodes and self._nodes is not None:
            forget(self._nodes)
        elif self._plan is not None:
            drop_database(self.nodes.postgres, self.plan.database)
            self.nodes.rabbitmq.delete_vhost(self.plan.vhost)

    def kill(self, name: str) -> None:
        """End a process as the kernel would (kill -9) and leave it down."""
        self._running.end(self.names(name), signal.SIGKILL)

    def stop_service(self, name: str) -> list[int | None]:
        """End a process cleanly and leave it down; returns its exit status, that of each replica."""
        names = self.names(name)
        self._running.end(names)
        return [self._running[one].status for one in names]

    def names(self, name: str) -> list[str]:
        """Name the processes that are meant: all replicas of a role, or one process."""
        if name in self._processes:
            return [name]
        return [process.name for process in self._processes.values() if process.role == name]

    def start_service(self, name: str, *, wait: bool = True) -> None:
        """Start a process that is down, and by default wait until it is ready."""
        names = self.names(name)
        self._launch([self._processes[one] for one in names])
        if wait:
            self._await_ready(names)

    def processes(self) -> list[str]:
        """Name every process of the services, each replica."""
        return [process.name for process in self._processes.values() if process.module in SERVICES]

    def override(self, name: str, **variables: str) -> Variables:
        """Set variables that a process finds when it starts again; returns its overrides until now."""
        before = self._overrides.get(name, {})
        self._overrides[name] = before | variables
        return before

    def add_replica(self, name: str, **variables: str) -> str:
        """Start one more process like this one, with variables of its own; returns its name and waits for it.

        It has a port of its own (`plan.ports`) and is killed, stopped and started by its name like any other.
        """
        alike = self._one(name)
        number = sum(process.command() == alike.command() for process in self._processes.values()) + 1
        replica = replace(alike, name=f"{name}-{number}", role="")
        self._processes[replica.name] = replica
        self._plan = self.plan.with_port(replica.name, free_run())
        self._overrides[replica.name] = self._overrides.get(name, {}) | variables
        self.start_service(replica.name)
        return replica.name

    def remove_replica(self, name: str) -> None:
        """Stop a replica for good."""
        self.stop_service(name)
        del self._processes[name]

    def pid(self, name: str) -> int:
        """Return the number of a process that runs, of a role's first."""
        process = self._running[self._one(name).name].process
        if process is None or process.poll() is not None:
            raise CannotStart(f"{name} does not run")
        return process.pid

    def is_ready(self, name: str) -> bool:
        """Tell whether a process says that it is ready, of a role each."""
        ready = {one: self._processes[one].ready for one in self.names(name)}
        return all(_answers(f"http://{HOST}:{self.plan.ports[one]}{path}") for one, path in ready.items())

    def await_ready(self, names: Sequence[str] = (), seconds: float = READY_IN) -> None:
        """Wait until processes, by default all, are ready, also while the supervisor starts them again."""
        deadline = time.monotonic() + seconds
        names = names or list(self._processes)
        while waiting := [name for name in names if not self.is_ready(name)]:
            if time.monotonic() > deadline:
                raise CannotStart(f"not ready after {seconds:.0f} s: {', '.join(waiting)}")
            time.sleep(0.05)

    def environment(self, name: str) -> Variables:
        """Return all that a process finds in its environment."""
        return self.plan.environment(self._one(name), self.nodes, self._overrides)

    def command(self, name: str, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run an operator command, as `python -m credits verify`, in a process's environment."""
        line = [*self._one(name).command()[:-1], *words]
        return subprocess.run(
            line,
            env=self.environment(name),
            cwd=self._logs,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self._logs / f"{name}.log"

    def _one(self, name: str) -> Process:
        return self._processes[self.names(name)[0]]

    @property
    def _logs(self) -> Path:
        return self._folder / "logs"

    @property
    def _running(self) -> Children:
        if self._children is None:
            raise CannotStart("the stack has not been started")
        return self._children

    def _prepare(self) -> None:
        """Bring nodes, database, virtual host, certificates and empty logs."""
        self._children = Children(self._folder / "state", self._say)
        self._children.end_leftovers()
        for old in self._logs.glob("*.log"):
            old.replace(old.with_suffix(".log.old"))
        self._logs.mkdir(parents=True, exist_ok=True)
        if self._nodes is None:
            self._nodes = choose_nodes(self._folder, REPOSITORY / "compose.yaml")
        self._plan = make_plan(
            self._folder,
            shared=not self._owns_nodes,
            gateway_port=self._gateway_port,
            replicas=self._replicas,
        )
        with ThreadPoolExecutor(2) as pool:
            steps = [pool.submit(self._prepare_nodes), pool.submit(self._prepare_certificates)]
            for step in steps:
                step.result()

    def _prepare_nodes(self) -> None:
        began = time.monotonic()
        if self._owns_nodes:
            self.nodes.start()
        else:
            self.nodes.rabbitmq.add_vhost(self.plan.vhost)
        provision(self.nodes.postgres, self.plan.database)
        self._say(f"postgres and rabbitmq ready ({time.monotonic() - began:.1f} s)")

    def _prepare_certificates(self) -> None:
        self._check(SANDBOX, "ca")
        write_bundle(self.plan)

    def _migrate(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            migrating = [pool.submit(self._check, self._one(name), "migrate") for name in SERVICES]
            self._await_ready([SANDBOX.name])  # Stripe is there, whose prices are asked for
            self._check(self._one("billing"), "sync-plans")
            for one in migrating:
                one.result()
        self._say(f"schemas, queues and prices ready ({time.monotonic() - began:.1f} s)")

    def _check(self, process: Process, verb: str) -> None:
        done = self.command(process.name, verb, timeout=MIGRATED_IN)
        if done.returncode != 0:
            raise CannotStart(f"{process.name} {verb} failed:\n{(done.stderr or done.stdout)[-3000:]}")

    def _launch(self, processes: Sequence[Process]) -> None:
        for process in processes:
            words, log = process.command(), self.log(process.name)
            self._running.start(Child(process.name, words, self.environment(process.name), log))

    def _await_ready(self, names: Sequence[str]) -> None:
        """Wait for first readiness; a process that dies on the way ends the wait with its last words."""
        deadline = time.monotonic() + READY_IN
        waiting = list(names)
        while waiting:
            for name in [name for name in waiting if self.is_ready(name)]:
                waiting.remove(name)
                self._say(f"{name} ready ({time.monotonic() - self._running[name].started:.1f} s)")
            if lost := next((name for name in waiting if self._gave_up(name, deadline)), None):
                raise CannotStart(f"{lost} did not become ready:\n{tail(self.log(lost))}")
            time.sleep(0.05)

    def _gave_up(self, name: str, deadline: float) -> bool:
        child = self._running[name]
        return child.deaths > 0 or time.monotonic() > deadline


def _answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
