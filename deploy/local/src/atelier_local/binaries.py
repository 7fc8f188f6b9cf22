"""Where the servers' binaries are, and how to get them from Debian's packages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from atelier_local.errors import CannotStart

POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
CLUSTERS_DEFAULT = Path("/usr/share/postgresql-common/createcluster.conf")
SERVICES = {
    "postgresql": ["postgresql.service"],
    "rabbitmq-server": ["rabbitmq-server.service", "epmd.socket"],
}


def postgres_folder() -> Path:
    """Return the folder with PostgreSQL's newest server binaries; raises CannotStart without any."""
    return _required(find_postgres(), "PostgreSQL's server (Debian: apt-get install postgresql)")


def rabbitmq_folder() -> Path:
    """Return the folder with RabbitMQ's own scripts; raises CannotStart without any."""
    return _required(find_rabbitmq(), "RabbitMQ (Debian: apt-get install rabbitmq-server)")


def _required(folder: Path | None, what: str) -> Path:
    if folder is None:
        raise CannotStart(f"missing: {what}")
    return folder


def find_postgres() -> Path | None:
    """Look for PostgreSQL's server binaries: Debian's folders, PATH, then what pg_config says."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    candidates = sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout
        candidates.append(Path(told.strip()))
    tools = ("initdb", "postgres", "psql")
    return next((path for path in candidates if all((path / tool).exists() for tool in tools)), None)


def find_rabbitmq() -> Path | None:
    """Look for RabbitMQ's scripts; Debian's wrappers in /usr/sbin serve only the system's own node."""
    candidates = [Path("/usr/lib/rabbitmq/bin"), Path("/opt/rabbitmq/sbin")]
    if on_path := shutil.which("rabbitmq-server"):
        candidates.append(Path(on_path).resolve().parent)
    usable = (path for path in candidates if path != Path("/usr/sbin"))
    return next((path for path in usable if (path / "rabbitmqctl").exists()), None)


def chromium() -> Path:
    """Return a Chromium, installed from Debian's packages if need be; raises CannotStart without any."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None and can_install():
        install(["chromium", "fonts-dejavu-core"])
        found = shutil.which("chromium")
    return _required(Path(found) if found else None, "Chromium (Debian: apt-get install chromium)")


def missing_packages() -> list[str]:
    """Name the Debian packages whose binaries are not here."""
    found = {"postgresql": find_postgres(), "rabbitmq-server": find_rabbitmq()}
    return [package for package, folder in found.items() if folder is None]


def can_install() -> bool:
    """Tell whether we may install Debian packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install Debian packages without starting or enabling any daemon."""
    print(f"installing from Debian's packages: {' '.join(packages)}", flush=True)
    with _alone(), _no_daemons(), _no_cluster():
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *packages)
    if shutil.which("systemctl"):
        units = [unit for package in packages for unit in SERVICES.get(package, [])]
        subprocess.run(["systemctl", "disable", "--quiet", *units], capture_output=True, check=False)


def _apt(*arguments: str) -> None:
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-1500:]}")


@contextmanager
def _alone() -> Iterator[None]:
    """Let one installation at a time change the two files below."""
    with Path("/run/lock/atelier-install").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Forbid package scripts to start services, for this moment, unless a policy is there already."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


@contextmanager
def _no_cluster() -> Iterator[None]:
    """Keep PostgreSQL's package from making a cluster of its own, unless the machine has its say already."""
    if CLUSTERS.exists():
        yield
        return
    CLUSTERS.parent.mkdir(parents=True, exist_ok=True)
    CLUSTERS.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        if CLUSTERS_DEFAULT.exists():
            shutil.copyfile(CLUSTERS_DEFAULT, CLUSTERS)
        else:
            CLUSTERS.unlink()
