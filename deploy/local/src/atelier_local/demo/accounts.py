"""What everything cost, shown and added up: the receipt, the ledger, the hops, the audits."""

from collections.abc import Sequence

from atelier import Atelier
from atelier.documents import Receipt
from atelier_local.demo.errors import Disappointed
from atelier_local.demo.hops import Hop
from atelier_local.demo.journey import CREDITS, LEFT
from atelier_local.demo.screen import Screen
from atelier_local.stack import Stack

AUDITS = (("credits", "verify"), ("gateway", "audit"))


def show_receipt(screen: Screen, receipt: Receipt) -> None:
    """Show the receipt of a job."""
    screen.title("Receipt of the four images")
    rows = [("held", receipt.held), ("charged", receipt.captured), ("given back", receipt.released)]
    screen.table([("", "credits"), *rows], "<>")
    screen.quiet(f"{receipt.units} images x {receipt.unit_price} credits, {receipt.reason}")


def show_ledger(screen: Screen, atelier: Atelier) -> None:
    """Show the team's credit history, oldest first, and check that it adds up."""
    screen.title("Ledger")
    lines = list(atelier.history())[::-1]
    rows = [
        (f"{line.at:%H:%M:%S}", line.type, (line.operation or line.reason or "").replace("_", " "),
         f"{line.amount:+d}" if line.amount else "", line.charged or "", line.balance_after)
        for line in lines
    ]  # fmt: skip
    screen.table([("at", "entry", "for", "amount", "charged", "balance after"), *rows], "<<<>>>")
    spent = sum(line.charged for line in lines)
    if (spent, sum(line.amount for line in lines)) != (CREDITS - LEFT, LEFT):
        raise Disappointed(f"the ledger says {spent} spent, not {CREDITS - LEFT} of {CREDITS}")
    screen.good(f"{CREDITS} received - {spent} charged = {LEFT} left")


def show_hops(screen: Screen, hops: Sequence[Hop]) -> None:
    """Show where the time of a job went."""
    screen.title("Where the time went: one trace, from the request to the stored images and back")
    rows = [
        (f"{hop.after_ms:.0f}", f"{hop.duration_ms:.1f}", hop.service, _name(hop))
        for hop in hops
    ]  # fmt: skip
    screen.table([("after ms", "took ms", "service", "hop"), *rows], ">><<")


def run_audits(screen: Screen, stack: Stack) -> None:
    """Run the operators' two audits; both must be clean."""
    screen.title("Audit")
    for service, verb in AUDITS:
        done = stack.command(service, verb, timeout=60)
        for line in (done.stdout + done.stderr).strip().splitlines():
            screen.quiet(line)
        if done.returncode != 0:
            raise Disappointed(f"python -m {service} {verb} ended with status {done.returncode}")
        screen.good(f"python -m {service} {verb}")


def _name(hop: Hop) -> str:
    return f"{hop.name} (x {hop.times}, the longest)" if hop.times > 1 else hop.name
