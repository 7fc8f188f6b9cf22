"""Memory of each process after all that was measured before."""

from bench.bench import SERVICES, Bench
from bench.figures import at_most
from bench.resident import resident

MOST = 120.0


def measure(bench: Bench) -> None:
    """Read what each process occupies; the sandbox is no part of what is promised."""
    for name in SERVICES:
        bench.report.add(f"memory, {name}", "MB", [resident(bench.stack.pid(name))], at_most(MOST))
    bench.report.add("memory, sandbox", "MB", [resident(bench.stack.pid("sandbox"))])
