"""What an operator of billing can do."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args
from uuid import UUID

from billing.application.ports import EventState, KnownEvent
from billing.application.reconcile import Report
from billing.application.set_limits import UnknownTeam
from billing.application.show_team import Shown
from chassis.commands import Command
from contracts.billing import Limits

Result = TypeVar("Result")
SetLimits = Callable[[UUID, dict[str, int]], Awaitable[Limits]]
FIELDS = {
    "running": "jobs that may run at once",
    "open": "jobs that may wait or run at once",
    "per_minute": "requests a minute",
}


class NotConfigured(Exception):
    """There is no key of Stripe's."""


def limits(set_limits: SetLimits) -> Command:
    """Offer to allow a team something else than its plan does."""

    def run(given: argparse.Namespace) -> int:
        names = (*FIELDS, "pin")
        changes = {name: value for name in names if (value := getattr(given, name)) is not None}
        try:
            now = asyncio.run(_run(set_limits, given.team, changes))
        except UnknownTeam:
            return _unknown(given.team)
        print(*(f"{name}={getattr(now, name)}" for name in FIELDS), f"pin={'yes' if now.pin else 'no'}")
        return 0

    return Command("set what a team may do; what is left out stays; prints its limits", run, _limit_options)


def sync_plans(sync: Callable[[], Awaitable[list[str]]]) -> Command:
    """Offer to make Stripe sell what our plans say."""

    def run(_: argparse.Namespace) -> int:
        try:
            changed = asyncio.run(_run(sync))
        except NotConfigured:
            return _not_configured()
        print("\n".join(changed) or "nothing to change")
        return 0

    return Command("make Stripe's products, prices and portal what the plans say; repeat it freely", run)


def reconcile(compare: Callable[[int], Awaitable[Report]]) -> Command:
    """Offer to compare with Stripe and heal what was missed."""

    def run(given: argparse.Namespace) -> int:
        try:
            report = asyncio.run(_run(compare, given.days))
        except NotConfigured:
            return _not_configured()
        for healed in report.healed:
            print(f"team {healed.team_id}: {', '.join(message.type for message in healed.said)}")
        for customer in report.unknown:
            print(f"customer {customer}: no team pays as this")
        for customer in report.failed:
            print(f"customer {customer}: cannot be read now", file=sys.stderr)
        print(f"{report.customers} customers, {len(report.healed)} teams healed")
        return 3 if report.failed else 0

    words = "Look at everybody whose payments changed lately, and say what was missed."
    return Command(words, run, _reconcile_options)


def events(listed: Callable[[EventState | None, int], Awaitable[list[KnownEvent]]]) -> Command:
    """Offer to list what Stripe has said."""

    def run(given: argparse.Namespace) -> int:
        for known in asyncio.run(_run(listed, given.state, given.limit)):
            event, about = known.event, known.team_id or known.event.customer or "-"
            print(
                f"{event.received_at:%Y-%m-%d %H:%M:%S} {event.event_id} {event.event_type} {event.object_id}"
                f" {about} {known.state} {known.detail}".rstrip()
            )
        return 0

    return Command("list Stripe's events and what became of them, newest first", run, _event_options)


def show(found: Callable[[UUID], Awaitable[Shown]]) -> Command:
    """Offer to show what is known of a team."""

    def run(given: argparse.Namespace) -> int:
        try:
            shown = asyncio.run(_run(found, given.team))
        except UnknownTeam:
            return _unknown(given.team)
        print(f"customer: {shown.customer.customer_id or 'none'}")
        if shown.subscription is None:
            print("closed")
            return 0
        plan = shown.subscription
        print(f"plan: {plan.plan} {plan.interval or ''} {plan.status} version {plan.version}")
        print(f"limits: {plan.limits.model_dump()}")
        print(f"credits from: {', '.join(shown.granted)}")
        if shown.overview:
            print(shown.overview.model_dump_json(indent=2))
        return 0

    return Command("show a team's plan, payments and what brought its credits", run, _team_option)


async def _run(run: Callable[..., Awaitable[Result]], *given: object) -> Result:
    return await run(*given)


def _unknown(team: UUID) -> int:
    print(f"no team {team} has a plan", file=sys.stderr)
    return 1


def _not_configured() -> int:
    print("STRIPE_SECRET_KEY is not set: nothing can be bought here", file=sys.stderr)
    return 1


def _team_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--team", type=UUID, required=True, help="the team's id", metavar="ID")


def _limit_options(parser: argparse.ArgumentParser) -> None:
    _team_option(parser)
    for name, meaning in FIELDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=_positive, metavar="N", help=meaning)
    meaning = "images may be kept beyond their time"
    parser.add_argument("--pin", action=argparse.BooleanOptionalAction, help=meaning)


def _reconcile_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=_positive, default=30, metavar="N", help="how far back to look (30)")


def _event_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=get_args(EventState), help="only those of this state")
    parser.add_argument("--limit", type=_positive, default=50, metavar="N", help="how many to list (50)")


def _positive(written: str) -> int:
    if (number := int(written)) < 1:
        raise ValueError(written)
    return number
