"""Make `.venv` with everything in it: runs before any package is installed, on any Python from 3.11.

`python3 -m atelier_local.python` from the repository's root (`make install`); the second run is instant.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from fcntl import LOCK_EX, flock
from pathlib import Path

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
WORKSPACE = ("libs/*", "services/*", "deploy/*")


class Environment:
    """The virtual environment of one copy of the repository."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._venv = root / ".venv"
        self._python = self._venv / "bin" / "python"
        self._tools = root / ".local" / "tools"
        self._stamp = self._venv / ".atelier-installed"
        self._lock = root / "requirements.txt"
        self._packages = sorted(
            path.parent for folder in WORKSPACE for path in root.glob(f"{folder}/pyproject.toml")
        )

    def ensure(self) -> None:
        """Make and fill the environment, unless it is already what the lock says."""
        if self._works() and self._stamp.exists() and self._stamp.read_text() == self._wanted():
            return
        began = time.monotonic()
        if not self._works():
            self._create()
        uv = None if self._own_index() else self._uv()
        say(f"installing {self._lock.read_text().count('==')} packages with {'uv' if uv else 'pip'}")
        self._install(uv, "--require-hashes", "-r", str(self._lock))
        editable = [word for package in self._packages for word in ("-e", str(package))]
        self._install(uv, "--no-deps", "--no-build-isolation", *editable)
        self._stamp.write_text(self._wanted())
        say(f"ready in {time.monotonic() - began:.0f} s")

    def _works(self) -> bool:
        """Tell whether the environment's Python runs (its base may have been removed or replaced)."""
        check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
        return self._python.exists() and quiet([self._python, "-c", check])

    def _wanted(self) -> str:
        """Return a digest of all that decides what is in the environment."""
        digest = hashlib.sha256(str(self._root).encode())
        for path in (self._lock, *(package / "pyproject.toml" for package in self._packages)):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def _create(self) -> None:
        """Make an empty environment with whatever this Python has for it."""
        say(f"making {self._venv} with {sys.executable}")
        if self._venv.exists():
            shutil.rmtree(self._venv)
        if not has("ensurepip") and not has("pip"):
            install_venv_package()
        if has("ensurepip") and quiet([sys.executable, "-m", "venv", self._venv]):
            return
        shutil.rmtree(self._venv, ignore_errors=True)
        uv = self._uv()
        if uv is None:
            raise SystemExit("neither venv nor uv can be had; Debian: sudo apt-get install python3-venv")
        run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, self._venv])

    def _uv(self) -> "Path | None":
        """Return uv, fetched by pip if need be; none where pip must be used to reach the packages."""
        uv = self._tools / "bin" / "uv"
        if uv.exists() and quiet([uv, "--version"]):
            return uv
        python = self._python if self._python.exists() else Path(sys.executable)
        pinned = self._tools / "uv.txt"
        pinned.parent.mkdir(parents=True, exist_ok=True)
        pinned.write_text(entry(self._lock.read_text(), "uv"))
        options = ["--quiet", "--upgrade", "--target", self._tools, "--require-hashes", "-r", pinned]
        return uv if quiet([python, "-m", "pip", "install", *options]) and uv.exists() else None

    def _install(self, uv: "Path | None", *what: str) -> None:
        if uv and quiet([uv, "pip", "install", "--quiet", "--python", self._python, *what]):
            return
        run([self._python, "-m", "pip", "install", "--quiet", *what])

    def _own_index(self) -> bool:
        """Tell whether the user's pip is told to install from somewhere else, which uv would not know."""
        listed = subprocess.run(
            [self._python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
        )
        return any(".index-url=" in line or ".no-index=" in line for line in listed.stdout.splitlines())


def entry(lock: str, name: str) -> str:
    """Return one package's lines of a lock file, hashes included."""
    lines = lock.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"{name}=="))
    last = next((n for n in range(first, len(lines)) if not lines[n].endswith("\\")), len(lines) - 1)
    return "\n".join(lines[first : last + 1]) + "\n"


def has(module: str) -> bool:
    """Tell whether this Python has a module."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None  # an empty folder of that name is no module


def install_venv_package() -> None:
    """Install Debian's package for virtual environments, if we may."""
    from atelier_local.binaries import can_install, install  # here: an old Python could not read it

    if not can_install():
        raise SystemExit("this Python has neither venv nor pip; Debian: sudo apt-get install python3-venv")
    install(["python3-venv"])
    importlib.invalidate_caches()


def environment() -> "dict[str, str]":
    """Return the user's environment, pip's and the certificates' settings included."""
    own = {
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    home = Path(os.environ.get("HOME", "/"))
    if not os.access(home, os.W_OK):
        own["UV_CACHE_DIR"] = str(Path.cwd() / ".local" / "cache" / "uv")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    return {**kept, **own}


def quiet(command: "list[object]") -> bool:
    """Run a command without a word; tell whether it succeeded."""
    words = [str(word) for word in command]
    return subprocess.run(words, env=environment(), capture_output=True, check=False).returncode == 0


def run(command: "list[object]") -> None:
    """Run a command; when it fails, show its words and end."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words[:6])} ... failed:\n{(done.stderr or done.stdout)[-3000:]}")


def say(text: str) -> None:
    """Tell the user what happens."""
    print(f"python: {text}", flush=True)


def use_newer_python() -> None:
    """Go on in a newer Python of this machine, or say that one is needed."""
    for name in NEWER:
        found = shutil.which(name)
        if found and quiet([found, "-c", "pass"]):
            os.execv(found, [found, "-m", "atelier_local.python"])  # noqa: S606 - no shell is wanted
    raise SystemExit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}")


def main() -> None:
    """Make the environment of the repository in the current folder."""
    if sys.version_info < OLDEST:
        use_newer_python()
    root = Path.cwd()
    if not (root / "requirements.txt").exists():
        raise SystemExit(f"{root} has no requirements.txt: run this from the repository's root")
    if not os.access(root, os.W_OK):
        raise SystemExit(f"{root} cannot be written by this user")
    (root / ".local").mkdir(exist_ok=True)
    with (root / ".local" / "python.lock").open("w") as lock:
        flock(lock, LOCK_EX)  # two terminals at once: the second waits and finds it done
        Environment(root).ensure()


if __name__ == "__main__":
    main()
