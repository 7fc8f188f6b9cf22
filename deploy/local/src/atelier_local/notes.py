"""Small facts that must outlive a process: ports, passwords, where the data is."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone from its first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def write_note(path: Path, note: dict[str, Any]) -> None:
    """Keep a note as JSON, readable by its owner alone."""
    write_private(path, json.dumps(note, indent=2) + "\n")


def read_note(path: Path) -> dict[str, Any]:
    """Read a note; one that was never written is empty."""
    return json.loads(path.read_text()) if path.exists() else {}


def remember(path: Path, **makers: Callable[[], Any]) -> dict[str, Any]:
    """Read a note, making and keeping whatever it does not hold yet."""
    note = read_note(path)
    missing = {name: make() for name, make in makers.items() if name not in note}
    if missing:
        note |= missing
        write_note(path, note)
    return note
