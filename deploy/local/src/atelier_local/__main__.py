"""`python -m atelier_local up` starts the whole stack; `forget` deletes its nodes' data."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from atelier_local.errors import CannotStart
from atelier_local.nodes import forget, private_nodes
from atelier_local.stack import REPOSITORY, Stack

USUAL_PORT = 8000


def main() -> int:
    """Read the command line, do it, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m atelier_local", description=__doc__)
    parser.add_argument("command", choices=["up", "forget"])
    parser.add_argument(
        "--folder", type=Path, default=REPOSITORY / ".local", help="where state, data and logs go"
    )
    parser.add_argument("--replicas", type=int, default=1, help="how many of each process; default: 1")
    wanted = parser.parse_args()
    try:
        return up(wanted.folder, wanted.replicas) if wanted.command == "up" else forget_nodes(wanted.folder)
    except CannotStart as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1


def up(folder: Path, replicas: int) -> int:
    """Run the stack until Ctrl-C or SIGTERM."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    stack = Stack(folder, gateway_port=USUAL_PORT, replicas=replicas)
    try:
        stack.start()
        print(f"\nAtelier is ready: {stack.url}   its API: {stack.url}/docs")
        print(f"logs: {folder / 'logs'}   Ctrl-C stops it", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
    finally:
        _finish(stack)
    return 0


def _finish(stack: Stack) -> None:
    # A second Ctrl-C would leave half of it running.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    stack.stop()


def forget_nodes(folder: Path) -> int:
    """Stop the private nodes of a folder and delete their data, wherever it is."""
    if (folder / "nodes" / "postgres.json").exists():
        nodes = private_nodes(folder)
        nodes.stop()
        forget(nodes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
