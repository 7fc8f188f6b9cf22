"""Starting, watching and ending processes, and the account that servers run under."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atelier_local.errors import CannotStart

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Account:
    """Who a server runs as: ourselves, or `nobody` when we are root, because servers refuse root."""

    uid: int
    gid: int
    dropped: bool

    def popen(self) -> dict[str, Any]:
        """Arguments that make `subprocess` run a command as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}

    def own(self, path: Path) -> Path:
        """Make a folder that only this account may enter."""
        path.mkdir(parents=True, exist_ok=True)
        if self.dropped:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)
        return path

    def write(self, path: Path, text: str) -> None:
        """Write a file that only this account may read."""
        path.write_text(text)
        path.chmod(0o600)
        if self.dropped:
            os.chown(path, self.uid, self.gid)

    def can_use(self, folder: Path) -> bool:
        """Tell whether this account really gets into the folder, whatever its parents allow."""
        check = ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(folder)]
        return subprocess.run(check, cwd="/", check=False, **self.popen()).returncode == 0


def server_account() -> Account:
    """Choose the account for the nodes."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, dropped=True)


def clean_environment(**more: str) -> dict[str, str]:
    """Return an environment that holds nothing of the caller's but PATH, HOME and the language."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
    return {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"} | kept | more


def is_alive(pid: int, mark: str = "") -> bool:
    """Tell whether a process runs (a zombie does not) and has `mark` in its command line."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, under another account
    status = Path(f"/proc/{pid}/stat")
    try:
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        return mark in command_line(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False  # it ended while we looked


def command_line(pid: int) -> str:
    """Return the words a process was started with."""
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.exists():
        return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return shown.stdout


def signal_quietly(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended in the meantime."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Wait for a condition; tell whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(every)
    return condition()


def read_pid(path: Path) -> int | None:
    """Read the number on the first line of a pid file, if there is one."""
    try:
        first = path.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def tail(path: Path, lines: int = 12) -> str:
    """Return the last lines of a log."""
    if not path.exists():
        return f"({path} was not written)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def run(command: Sequence[str], *, what: str, **options: Any) -> str:  # noqa: ANN401 - whatever subprocess takes
    """Run a command to its end and return what it printed; fail with its own words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise CannotStart(f"{what} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return str(done.stdout)
