"""`python -m atelier_local.hops`: the median of each hop of a job, over many jobs on a stack of its own."""

import argparse
import statistics
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from atelier import Atelier
from atelier_local.demo.hops import Hop, hops_of
from atelier_local.demo.screen import Screen
from atelier_local.post import verification_token
from atelier_local.stack import REPOSITORY, Stack
from atelier_local.waterfall import Bar, waterfall

ENDS = {"POST /api/generate", "handle credits.settled.v1", "store generate", "fal calls back"}


def main() -> None:
    """Run the jobs one after the other and print the median of when each hop begins and how long it takes."""
    parser = argparse.ArgumentParser(prog="python -m atelier_local.hops", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".local" / "hops", help="state and logs")
    parser.add_argument("--jobs", type=int, default=30, help="how many jobs, one after the other")
    parser.add_argument("--picture", type=Path, help="where to draw them, as SVG")
    parser.add_argument("--markdown", action="store_true", help="print the table as a document shows it")
    wanted = parser.parse_args()
    screen = Screen()
    stack = Stack(wanted.folder, say=screen.quiet)
    try:
        stack.start()
        ready = people(stack, wanted.jobs)
        bars = medians([job_hops(stack, atelier, number) for number, atelier in enumerate(ready)])
        show(screen, bars, wanted.jobs, markdown=wanted.markdown)
        if wanted.picture:
            wanted.picture.write_text(waterfall(bars))
    finally:
        stack.stop()
        stack.forget()


def people(stack: Stack, jobs: int) -> Iterator[Atelier]:
    """Sign people up, one for every five jobs."""
    for number in range(jobs):
        if number % 5 == 0:
            atelier, mail = Atelier(stack.url), f"{uuid.uuid4().hex[:8]}@example.com"
            wanted = {"name": "Ada", "email": mail, "password": uuid.uuid4().hex}
            atelier.request("POST", "/api/auth/sign-up", wanted)
            token = verification_token(stack.sandbox_url, mail)
            atelier.request("POST", "/api/auth/verify", {"token": token})
        yield atelier


def job_hops(stack: Stack, atelier: Atelier, number: int) -> list[Hop]:
    """Do one job and return its trace."""
    [reference] = atelier.reference_models(most=1)
    asked = atelier.generate(f"a harbour, {number}", reference_model_id=reference.id)
    atelier.wait(asked.jobs[0].id, within=30)
    return hops_of(stack.sandbox_url, str(asked.request_id), lambda hops: {hop.name for hop in hops} >= ENDS)


def medians(traces: list[list[Hop]]) -> list[Bar]:
    """Find when each hop usually begins and how long it takes, in the order they begin."""
    begins: dict[tuple[str, str], list[float]] = defaultdict(list)
    takes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for hops in traces:
        for hop in hops:
            begins[hop.service, hop.name].append(hop.after_ms)
            takes[hop.service, hop.name].append(hop.duration_ms)
    bars = [Bar(statistics.median(begins[hop]), statistics.median(takes[hop]), *hop) for hop in begins]
    return sorted(bars, key=lambda bar: bar.begins)


def show(screen: Screen, bars: list[Bar], jobs: int, *, markdown: bool) -> None:
    """Print the hops."""
    rows = [(f"{bar.begins:.0f}", f"{bar.takes:.1f}", bar.service, bar.name) for bar in bars]
    head = ("after ms", "took ms", "service", "hop")
    if markdown:
        lines = [head, ("--:", "--:", "---", "---"), *rows]
        print("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return
    screen.title(f"Medians over {jobs} jobs of one image")
    screen.table([head, *rows], ">><<")


if __name__ == "__main__":
    main()
