"""The stack's processes: started, watched, started again when they die, and ended."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from atelier_local.notes import read_note, write_note
from atelier_local.processes import is_alive, signal_quietly, wait_until

Say = Callable[[str], None]

STOPPED_IN = 40
STEADY_AFTER = 30
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


@dataclass
class Child:
    """One process that should run: how to start it, and how it has been."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    deaths: int = 0
    started: float = 0.0
    again_at: float = 0.0

    @property
    def status(self) -> int | None:
        """Its exit status once it has ended."""
        return None if self.process is None else self.process.poll()

    def is_running(self) -> bool:
        """Tell whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that the terminal's Ctrl-C reaches us alone."""
        self.wanted, self.started = True, time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pause(self) -> float:
        """Return the seconds to wait before it is started again: longer with each early death."""
        steady = time.monotonic() - self.started > STEADY_AFTER
        self.deaths = 1 if steady else self.deaths + 1
        return min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** (self.deaths - 1)))


class Children:
    """All processes of one stack; their numbers are noted, so that the next run can end what a crash left."""

    def __init__(self, notes: Path, say: Say) -> None:
        self._notes = notes / "children.json"
        self._say = say
        self._children: dict[str, Child] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None

    def __getitem__(self, name: str) -> Child:
        """Return a process by its name."""
        return self._children[name]

    def end_leftovers(self) -> None:
        """End what an earlier run of this stack left behind when it was killed itself."""
        noted = read_note(self._notes)
        left = {name: child for name, child in noted.items() if is_alive(child["pid"], child["command"])}
        for name, child in left.items():
            self._say(f"ending {name}, left over from an earlier run")
            signal_quietly(child["pid"], signal.SIGKILL)
        wait_until(lambda: not any(is_alive(child["pid"]) for child in left.values()), STOPPED_IN)

    def start(self, child: Child) -> None:
        """Start a process and keep it running."""
        with self._lock:
            self._children[child.name] = child
            child.deaths = 0
            child.start()
            self._note()
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="children", daemon=True)
            self._watcher.start()

    def end(self, names: Iterable[str], how: signal.Signals = signal.SIGTERM) -> None:
        """End processes together and leave them ended; one that does not listen is killed."""
        with self._lock:
            ending = [self._children[name] for name in names if name in self._children]
            for child in ending:
                child.wanted = False
        running = [child.process for child in ending if child.process is not None]
        for process in running:
            process.send_signal(how)
        if not wait_until(
            lambda: all(process.poll() is not None for process in running), STOPPED_IN, every=0.02
        ):
            for process in running:
                process.kill()
                process.wait()
        with self._lock:
            self._note()

    def close(self) -> None:
        """Stop watching; nothing is started again afterwards."""
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            with self._lock:
                for child in self._children.values():
                    self._look_after(child)

    def _look_after(self, child: Child) -> None:
        if not child.wanted or child.is_running():
            return
        if child.again_at < child.started:  # seen for the first time
            pause = child.pause()
            child.again_at = time.monotonic() + pause
            self._say(
                f"{child.name} {_how_it_ended(child)}; starting it again in {pause:.1f} s (see {child.log})"
            )
        elif time.monotonic() >= child.again_at:
            child.start()
            self._note()

    def _note(self) -> None:
        running = {child.name: child for child in self._children.values() if child.is_running()}
        note = {
            name: {"pid": child.process.pid, "command": " ".join(child.command)}
            for name, child in running.items()
            if child.process is not None
        }
        write_note(self._notes, note)


def _how_it_ended(child: Child) -> str:
    code = child.process.returncode if child.process is not None else 0
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
