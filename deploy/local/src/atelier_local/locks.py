"""What only one may do at a time on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from atelier_local.errors import CannotStart


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Refuse a second user of the folder that `path` is two levels below; raises CannotStart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"somebody is already at work in {path.parent.parent}") from None
        yield
