"""What one stack consists of, and what each of its processes is told: ports, secrets, addresses."""

import json
import os
import secrets
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atelier_local.errors import CannotStart
from atelier_local.nodes import Nodes
from atelier_local.notes import remember, write_note
from atelier_local.ports import HOST, free_ports, is_free
from atelier_local.processes import clean_environment
from atelier_local.provision import SERVICES

Variables = dict[str, str]
EVERYWHERE = "*"
BUCKET = "atelier"
DRAIN = 2
"""Seconds that a gateway goes on answering after SIGTERM; the door before it notices within half of one."""

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True)
class Process:
    """One process of the stack: `python -m module verb`, ready when it says so at `ready`.

    `role` is what it is called where it does not matter which of several alike it is.
    """

    name: str
    module: str
    verb: str = "serve"
    ready: str = "/health/ready"
    role: str = ""

    def command(self) -> list[str]:
        """Return the words that start it."""
        return [sys.executable, "-m", self.module, self.verb]

    def replicas(self, number: int) -> "list[Process]":
        """Return so many alike, numbered; one alone keeps its name."""
        if number == 1:
            return [self]
        return [replace(self, name=f"{self.name}-{n}", role=self.name) for n in range(1, number + 1)]


SANDBOX = Process("sandbox", "sandbox", ready="/health")
PROCESSES = (
    SANDBOX,
    Process("credits", "credits"),
    Process("jobs", "jobs"),
    Process("catalog", "catalog"),
    Process("billing", "billing"),
    Process("projector", "gateway", "project"),
    Process("deliverer", "gateway", "deliver"),
    Process("gateway", "gateway"),
)
DOOR = Process("door", "atelier_local.door")
BESIDE = ("fal", "s3", "smtp", "stripe")


def processes(replicas: int) -> tuple[Process, ...]:
    """Say what a stack consists of; several gateways are reached through one door."""
    ours = [one for process in PROCESSES[1:] for one in process.replicas(replicas)]
    return (SANDBOX, *ours, *([DOOR] if replicas > 1 else []))


@dataclass(frozen=True)
class Plan:
    """The choices of one stack, made once and kept in its folder."""

    folder: Path
    ports: Mapping[str, int]
    keys: Mapping[str, str]
    database: str
    vhost: str

    @property
    def url(self) -> str:
        """Where the gateway is reached, or the door before several."""
        return f"http://{HOST}:{self.ports['door' if 'door' in self.ports else 'gateway']}"

    @property
    def sandbox_url(self) -> str:
        """Where faults are set and clocks are moved."""
        return f"http://{HOST}:{self.ports['sandbox']}"

    def with_port(self, name: str, port: int) -> "Plan":
        """Return this plan with a port for one more process."""
        return replace(self, ports={**self.ports, name: port})

    @property
    def bundle(self) -> Path:
        """The certificates a process of this stack trusts."""
        return self.folder / "sandbox" / "bundle.pem"

    def environment(self, process: Process, nodes: Nodes, overrides: Mapping[str, Variables]) -> Variables:
        """Return all that a process finds in its environment; nothing of the caller's leaks in."""
        variables = self._common() | self._bus(process, nodes) | self._own(process)
        chosen = overrides.get(EVERYWHERE, {}) | overrides.get(process.role, {})
        chosen |= overrides.get(process.name, {})
        return clean_environment(**variables | chosen)

    def _common(self) -> Variables:
        return {
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "SSL_CERT_FILE": str(self.bundle),
        }

    def _bus(self, process: Process, nodes: Nodes) -> Variables:
        if process.module not in SERVICES:
            return {}
        return {
            "DATABASE_URL": nodes.postgres.dsn(self.database, process.module),
            "RABBITMQ_URL": nodes.rabbitmq.url(self.vhost),
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self.ports[process.name]),
            "PUBLIC_URL": self.url,
            "TRUSTED_NETWORKS": "127.0.0.0/8",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sandbox_url,
        }

    def _own(self, process: Process) -> Variables:
        own = {
            "sandbox": self._sandbox,
            "jobs": self._jobs,
            "gateway": self._gateway,
            "billing": self._billing,
            DOOR.module: self._door,
        }
        return own[process.module]() if process.module in own else {}

    def _sandbox(self) -> Variables:
        access = {
            self.keys[f"{owner}_access"]: {"secret": self.keys[f"{owner}_secret"], "policy": owner}
            for owner in ("jobs", "gateway")
        }
        return {
            "SANDBOX_HOST": HOST,
            "SANDBOX_FAL_PORT": str(self.ports["fal"]),
            "SANDBOX_S3_PORT": str(self.ports["s3"]),
            "SANDBOX_CONTROL_PORT": str(self.ports["sandbox"]),
            "SANDBOX_SMTP_PORT": str(self.ports["smtp"]),
            "SANDBOX_CA_DIR": str(self.folder / "sandbox" / "ca"),
            "SANDBOX_S3_KEYS": json.dumps(access),
            "SANDBOX_S3_BUCKET": BUCKET,
            "SANDBOX_FAL_KEY": self.keys["fal"],
            "SANDBOX_STRIPE_PORT": str(self.ports["stripe"]),
            "SANDBOX_STRIPE_KEY": self.keys["stripe"],
            "SANDBOX_STRIPE_WEBHOOK_URL": f"{self.url}/api/webhooks/stripe",
            "SANDBOX_STRIPE_WEBHOOK_SECRET": self.keys["stripe_webhook"],
        }

    def _jobs(self) -> Variables:
        return {
            "FAL_KEY": self.keys["fal"],
            "FAL_QUEUE_RUN_HOST": f"localhost:{self.ports['fal']}",
            "CALLBACK_KEY": self.keys["callback"],
            **self._store("jobs"),
        }

    def _gateway(self) -> Variables:
        jwks = f"https://localhost:{self.ports['fal']}/.well-known/jwks.json"
        post = f"smtp://{HOST}:{self.ports['smtp']}"
        return {
            "FAL_JWKS_URL": jwks,
            "SMTP_URL": post,
            "STRIPE_WEBHOOK_SECRET": self.keys["stripe_webhook"],
            # A gateway behind no door has nobody who would have to notice that it leaves.
            "DRAIN_SECONDS": str(DRAIN if "door" in self.ports else 0),
            **self._store("gateway"),
        }

    def _door(self) -> Variables:
        doors = [f"{port}" for name, port in self.ports.items() if name.startswith("gateway-")]
        return {"DOOR_PORT": f"{self.ports['door']}", "DOOR_TO": ",".join(doors)}

    def _billing(self) -> Variables:
        return {
            "STRIPE_API_BASE": f"http://{HOST}:{self.ports['stripe']}",
            "STRIPE_SECRET_KEY": self.keys["stripe"],
        }

    def _store(self, owner: str) -> Variables:
        endpoint = f"http://{HOST}:{self.ports['s3']}"
        return {
            "S3_ENDPOINT": endpoint,
            "S3_PUBLIC_ENDPOINT": endpoint,
            "S3_BUCKET": BUCKET,
            "AWS_ACCESS_KEY_ID": self.keys[f"{owner}_access"],
            "AWS_SECRET_ACCESS_KEY": self.keys[f"{owner}_secret"],
            "AWS_REGION": "us-east-1",
        }


def make_plan(folder: Path, *, shared: bool, gateway_port: int | None = None, replicas: int = 1) -> Plan:
    """Read a folder's plan, or make it; ports that somebody took meanwhile are chosen anew.

    On `shared` nodes the stack gets a database and a virtual host of its own.
    """
    file = folder / "state" / "stack.json"
    note = remember(file, keys=_keys, ports=dict, name=lambda: f"atelier_{secrets.token_hex(4)}")
    names = [*(process.name for process in processes(replicas)), *BESIDE]
    note["ports"] = _ports(names, note["ports"], gateway_port)
    note["keys"] = _keys() | note["keys"]  # an older stack knows fewer of them
    write_note(file, note)
    database, vhost = (note["name"], note["name"]) if shared else ("atelier", "/")
    return Plan(folder, note["ports"], note["keys"], database, vhost)


def write_bundle(plan: Plan) -> None:
    """Join the machine's certificate authorities and the sandbox's."""
    told = os.environ.get("SSL_CERT_FILE")
    known = [told, ssl.get_default_verify_paths().cafile, *BUNDLES]
    machine = next((Path(name) for name in known if name and Path(name).is_file()), None)
    own = plan.folder / "sandbox" / "ca" / "ca.pem"
    if not own.exists():
        raise CannotStart(f"the sandbox wrote no {own}")
    plan.bundle.write_text((machine.read_text() if machine else "") + "\n" + own.read_text())


def _keys() -> dict[str, str]:
    made = {
        f"{owner}_{part}": secrets.token_hex(16)
        for owner in ("jobs", "gateway")
        for part in ("access", "secret")
    }
    return made | {
        "callback": secrets.token_hex(32),
        "stripe": f"sk_test_{secrets.token_hex(16)}",
        "stripe_webhook": f"whsec_{secrets.token_hex(16)}",
        "fal": f"{secrets.token_hex(8)}:{secrets.token_hex(16)}",
    }


def _ports(names: Sequence[str], noted: dict[str, int], gateway_port: int | None) -> dict[str, int]:
    front = "door" if "door" in names else "gateway"
    if gateway_port and front not in noted:
        noted[front] = gateway_port
    fresh = iter(free_ports(len(names)))
    return {name: noted[name] if name in noted and is_free(noted[name]) else next(fresh) for name in names}
