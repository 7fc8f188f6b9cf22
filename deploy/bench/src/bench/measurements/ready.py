"""How long each process takes from its start until it says that it is ready."""

import time

from bench.bench import SERVICES, Bench
from bench.figures import at_most

MOST = 5.0


def measure(bench: Bench) -> None:
    """Stop and start each process of the services, one after the other, on a stack that runs."""
    for name in SERVICES:
        runs = [_start(bench, name) for _ in range(bench.scale.runs)]
        bench.report.add(f"start to ready, {name}", "s", runs, at_most(MOST))


def _start(bench: Bench, name: str) -> float:
    bench.stack.stop_service(name)
    began = time.perf_counter()
    bench.stack.start_service(name)
    return time.perf_counter() - began
