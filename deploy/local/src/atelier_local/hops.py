"""`python -m atelier_local.hops`: the median of each hop of a job, over many jobs on a stack of its own."""

import argparse
import statistics
import uuid
from collections import defaultdict
from pathlib import Path

from atelier_local.demo.api import Api, Json
from atelier_local.demo.hops import Hop, hops_of
from atelier_local.demo.screen import Screen
from atelier_local.post import verification_token
from atelier_local.stack import REPOSITORY, Stack

ENDS = {"POST /api/generate", "handle credits.settled.v1", "store generate", "fal calls back"}


def main() -> None:
    """Run the jobs one after the other and print the median of when each hop begins and how long it takes."""
    parser = argparse.ArgumentParser(prog="python -m atelier_local.hops", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".local" / "hops", help="state and logs")
    parser.add_argument("--jobs", type=int, default=30, help="how many jobs, one after the other")
    wanted = parser.parse_args()
    screen = Screen()
    stack = Stack(wanted.folder, say=screen.quiet)
    try:
        stack.start()
        show(screen, [job_hops(stack, api, wish) for api, wish in people(stack, wanted.jobs)])
    finally:
        stack.stop()
        stack.forget()


def people(stack: Stack, jobs: int) -> list[tuple[Api, Json]]:
    """Sign people up, one for every five jobs, and say what each asks for."""
    found: list[tuple[Api, Json]] = []
    for number in range(jobs):
        if number % 5 == 0:
            api = Api(stack.url)
            mail = f"{uuid.uuid4().hex[:8]}@example.com"
            api.post("/api/auth/sign-up", {"name": "Ada", "email": mail, "password": uuid.uuid4().hex})
            api.post("/api/auth/verify", {"token": verification_token(stack.sandbox_url, mail)})
            reference = api.get("/api/reference-models?limit=1")["data"][0]["id"]
        found.append((api, {"reference_model_id": reference, "prompt": f"a harbour, {number}", "count": 1}))
    return found


def job_hops(stack: Stack, api: Api, wish: Json) -> list[Hop]:
    """Do one job and return its trace."""
    asked = api.post("/api/generate", wish)
    job = asked["jobs"][0]["id"]
    api.await_event(
        lambda event: event["subject"] == job and bool(event["data"]["receipt"]), 30, "the job's end"
    )
    return hops_of(stack.sandbox_url, asked["request_id"], lambda hops: {hop.name for hop in hops} >= ENDS)


def show(screen: Screen, traces: list[list[Hop]]) -> None:
    """Print the medians, hop by hop, in the order they begin."""
    begins: dict[tuple[str, str], list[float]] = defaultdict(list)
    takes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for hops in traces:
        for hop in hops:
            begins[hop.service, hop.name].append(hop.after_ms)
            takes[hop.service, hop.name].append(hop.duration_ms)
    ordered = sorted(begins, key=lambda hop: statistics.median(begins[hop]))
    rows = [
        (f"{statistics.median(begins[hop]):.0f}", f"{statistics.median(takes[hop]):.1f}", *hop)
        for hop in ordered
    ]
    screen.title(f"Medians over {len(traces)} jobs of one image")
    screen.table([("after ms", "took ms", "service", "hop"), *rows], ">><<")


if __name__ == "__main__":
    main()
