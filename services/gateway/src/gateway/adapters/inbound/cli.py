"""What an operator of the gateway can do."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Protocol, get_args
from uuid import UUID

from chassis.commands import Command
from contracts.credits import CaptureCredits
from gateway.application.audit import Audit
from gateway.application.checking import StoredFinding
from gateway.application.heal_holds import Remedy
from gateway.application.mend_views import Mended, Owner
from gateway.domain.letters import Letter

AuditOnce = Callable[[timedelta], Awaitable[Audit]]
Heal = Callable[[int], Awaitable[list[Remedy]]]
Connected = Callable[[Callable[[AuditOnce, Heal], Awaitable[int]]], Coroutine[Any, Any, int]]


def audit(connected: Connected) -> Command:
    """Offer to compare jobs with accounts, and to have credits decide what was left open."""

    def run(options: Namespace) -> int:
        async def look(audit_once: AuditOnce, heal: Heal) -> int:
            found = await _lasting(audit_once, options.grace)
            status = _report(found)
            if options.heal:
                _tell(await heal(options.limit))
            return status

        return asyncio.run(connected(look))

    return Command(
        "compare all jobs with all accounts in the views; exits 1 when something is wrong",
        run,
        _audit_options,
    )


def _audit_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--grace", type=float, default=3, help="seconds that something may be under way (default: 3)"
    )
    parser.add_argument(
        "--heal",
        action="store_true",
        help="ask credits to capture or release, as its receipt says, what an ended job still holds or, after"
        " a restore, what credits has forgotten",
    )
    parser.add_argument("--limit", type=int, default=20, help="how many to heal at most (default: 20)")


async def _lasting(audit_once: AuditOnce, seconds: float) -> Audit:
    """Look again at what seems wrong once it cannot be under way any more."""
    grace = timedelta(seconds=seconds)
    found = await audit_once(grace)
    if found.suspicions:
        await asyncio.sleep(seconds)
        found = await audit_once(grace)
    return found


def _report(found: Audit) -> int:
    for one in found.findings:
        print(_line(one))
    outcome = f"{len(found.findings)} findings" if found.findings else "clean"
    print(f"audit of {found.jobs} jobs and {found.accounts} accounts: {outcome}")
    return 1 if found.findings else 0


def _line(one: StoredFinding) -> str:
    finding = one.finding
    about = f"job {finding.job_id}" if finding.job_id else "account"
    return f"team {finding.team_id}: {about}: {finding.what}"


def _tell(remedies: Sequence[Remedy]) -> None:
    for remedy in remedies:
        wish = f"capture {remedy.quantity}" if isinstance(remedy, CaptureCredits) else "release all"
        print(f"asked credits to {wish} of job {remedy.job_id}")
    print(f"healing: {len(remedies)} asked for; look again in a minute")


def findings(standing: Callable[[], Coroutine[Any, Any, list[StoredFinding]]]) -> Command:
    """Offer to list what the audits found and what lasts."""

    def run(_: Namespace) -> int:
        found = asyncio.run(standing())
        for one in found:
            healed = f", healing asked for at {one.healed_at:%Y-%m-%d %H:%M:%S}" if one.healed_at else ""
            kind = one.finding.kind.value
            print(f"{one.first_seen_at:%Y-%m-%d %H:%M:%S} UTC  {kind:<16} {_line(one)}{healed}")
        print(f"{len(found)} findings")
        return 1 if found else 0

    return Command("list what the audits found that lasts; exits 1 when there is any", run)


Mend = Callable[[Owner, int, bool], Coroutine[Any, Any, list[Mended]]]


def mend(mend_views: Mend) -> Command:
    """Offer to mend what is shown of a service that was restored."""

    def run(options: Namespace) -> int:
        found = asyncio.run(mend_views(options.service, options.below, options.apply))
        for one in found:
            whose = f"team {one.what.team_id}: " if one.what.team_id else ""
            state = f" ({one.what.state})" if one.what.state else ""
            print(f"{whose}{one.what.kind} {one.what.id}{state}: {one.fate}")
        done = "" if options.apply or not found else ", nothing is done; --apply does it"
        print(f"{len(found)} that {options.service} has not said again{done}")
        return 0 if options.apply or not found else 1

    return Command(
        "after a restore: list what a service no longer knows of what is shown; exits 1 when there is any",
        run,
        _mend_options,
    )


def _mend_options(parser: ArgumentParser) -> None:
    parser.add_argument("service", choices=get_args(Owner), help="the service that was restored")
    parser.add_argument("--below", type=int, required=True, help="the version it was lifted to")
    parser.add_argument("--apply", action="store_true", help="forget it, or ask for it again, as listed")


class Decide(Protocol):
    """Tries parked letters anew, or drops them."""

    def __call__(self, ids: Sequence[UUID], *, again: bool) -> Coroutine[Any, Any, int]:
        """Tell how many there were."""


def letters(parked: Callable[[], Coroutine[Any, Any, Sequence[Letter]]], decide: Decide) -> Command:
    """Offer to list, retry and drop the letters that could not be delivered."""

    def run(options: Namespace) -> int:
        if options.retry or options.drop:
            again = bool(options.retry)
            done = asyncio.run(decide(options.retry or options.drop, again=again))
            print(f"{done} letters {'will be tried again' if again else 'dropped'}")
            return 0
        found = asyncio.run(parked())
        for letter in found:
            print(_letter_line(letter))
        print(f"{len(found)} letters parked")
        return 1 if found else 0

    return Command(
        "list the letters that no mail server took; exits 1 when there are any", run, _letter_options
    )


def _letter_options(parser: ArgumentParser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--retry", nargs="+", type=UUID, metavar="ID", help="try these again from now on")
    chosen.add_argument("--drop", nargs="+", type=UUID, metavar="ID", help="forget these")


def _letter_line(letter: Letter) -> str:
    written = f"{letter.created_at:%Y-%m-%d %H:%M:%S} UTC"
    subject, tries = letter.content.subject, letter.attempt
    return f"{letter.id}  {written}  {letter.recipient}  {subject!r}  {tries} attempts: {letter.last_error}"


def openapi() -> Command:
    """Offer to print the description of the API."""
    return Command("print the OpenAPI description", lambda _: print(description()))


def description() -> str:
    """Write the OpenAPI description as it is kept in docs/openapi.json."""
    from gateway.adapters.inbound.http.app import create_app  # here, because no other command needs it

    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False)
