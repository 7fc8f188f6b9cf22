"""`python -m atelier_local.demo`: start everything, make and refine a model, generate, account, stop."""

import argparse
import signal
import sys
import time
from pathlib import Path

from atelier import AtelierError
from atelier_local.demo.accounts import run_audits, show_hops, show_ledger, show_receipt
from atelier_local.demo.errors import Disappointed
from atelier_local.demo.hops import hops_of
from atelier_local.demo.journey import Journey
from atelier_local.demo.screen import Screen
from atelier_local.demo.tap import Heard, Tap
from atelier_local.demo.words import describe, hearers, short_name
from atelier_local.errors import CannotStart
from atelier_local.stack import REPOSITORY, Stack
from contracts.catalog import PreviewPublished, ReferenceModelChanged

INTERRUPTED = 130
ENDS = {"POST /api/generate", "handle credits.capture.v1", "handle credits.settled.v1"}
"""Spans that three processes export at the end of a job: with them its trace is complete."""


def main() -> int:
    """Read the command line, run the demo, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m atelier_local.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".local" / "demo", help="state and logs")
    parser.add_argument("--images", type=Path, default=Path("demo-images"), help="where the images are saved")
    wanted = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal without our arrows shows "?"
    return Demo(wanted.folder, wanted.images, Screen()).run()


class Demo:
    """One showing, from an empty machine to an empty machine."""

    def __init__(self, folder: Path, images: Path, screen: Screen) -> None:
        self._folder, self._images, self._screen = folder, images, screen
        self._stack = Stack(folder, say=screen.quiet)
        self._began = time.monotonic()

    def run(self) -> int:
        """Show everything; tell in one line how it went."""
        self._screen.line(self._screen.painted("Atelier, from sign-up to audit", "bold"))
        try:
            jobs = self._show()
        except (CannotStart, Disappointed, AtelierError) as error:
            return self._failed(str(error))
        except KeyboardInterrupt:
            self._screen.line("\ninterrupted")
            return INTERRUPTED
        finally:
            self._stop()
        self._screen.quiet(f"stopped, {time.monotonic() - self._began:.1f} s altogether")
        self._screen.line(f"demo: {jobs} jobs completed, audit clean")
        return 0

    def _show(self) -> int:
        self._screen.title("Start the stack")
        self._stack.start()
        self._screen.good(f"{self._stack.url} after {time.monotonic() - self._began:.1f} s")
        tap = self._tap()
        journey = Journey(self._stack.url, self._stack.sandbox_url, tap, self._screen, self._images)
        try:
            journey.run()
        finally:
            tap.close()
        self._account(journey)
        return len(journey.receipts)

    def _account(self, journey: Journey) -> None:
        show_receipt(self._screen, journey.receipts[-1])
        show_ledger(self._screen, journey.atelier)
        hops = hops_of(
            self._stack.sandbox_url,
            str(journey.asked[-1]),
            lambda hops: {hop.name for hop in hops} >= ENDS,
        )
        show_hops(self._screen, hops)
        run_audits(self._screen, self._stack)

    def _tap(self) -> Tap:
        began = time.monotonic()
        return Tap(
            self._stack.nodes.rabbitmq.url(self._stack.plan.vhost),
            lambda heard: self._travels(heard, time.monotonic() - began),
        )

    def _travels(self, heard: Heard, seconds: float) -> None:
        """Show a message as it travels."""
        if isinstance(heard.message, PreviewPublished | ReferenceModelChanged):
            return  # the collection is announced in hundreds of messages while everything starts
        source = self._screen.painted(f"{heard.source:>7}", heard.source)
        rest = f" → {' '.join(hearers(heard.message)):<20}  {short_name(heard.message):<17} "
        passed = f"{seconds:7.3f}"
        facts = self._screen.cut(describe(heard.message), 2 + len(passed) + 2 + 7 + len(rest))
        self._screen.line(f"  {self._screen.painted(passed, 'dim')}  {source}{rest}{facts}")

    def _failed(self, reason: str) -> int:
        self._screen.bad(reason)
        self._screen.line(f"demo failed; logs: {self._folder / 'logs'}")
        return 1

    def _stop(self) -> None:
        # A second Ctrl-C would leave half of it running.
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        self._screen.title("Stop")
        self._stack.stop()
        self._stack.forget()  # the next showing begins from nothing too


if __name__ == "__main__":
    sys.exit(main())
