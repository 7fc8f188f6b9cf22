"""How the pages put things: times, numbers, money, and each code in the words of the vocabulary."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from chassis.clock import utc_now
from chassis.ids import new_id
from gateway.adapters.inbound.dashboard.vocabulary import (
    ACTS,
    ENTRIES,
    HAPPENED,
    LABELS,
    OPERATIONS,
    ROLES,
    SCOPES,
    STANDINGS,
    STATUSES,
    WAITING,
)
from gateway.adapters.inbound.http.bodies.events import EventType

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "a Mac",
    "Linux": "Linux",
}
_STEPS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number with what it counts: `1 image`, `1,200 images`."""
    return f"{number:,} {one if abs(number) == 1 else many or f'{one}s'}"


def ago(time: datetime) -> str:
    """Write how long ago something was, or how far ahead it is."""
    distance = utc_now() - time
    for step, name in _STEPS:
        if abs(distance) >= step:
            count = counted(int(abs(distance) / step), name)
            return f"{count} ago" if distance > timedelta() else f"in {count}"
    return "just now" if distance > timedelta() else "in a moment"


def moment(time: datetime) -> str:
    """Write a time in full, in UTC."""
    return f"{day(time)}, {time.astimezone(UTC):%H:%M} UTC"


def day(time: datetime) -> str:
    """Write a date: `1 Nov 2026`."""
    return f"{time.astimezone(UTC):%d %b %Y}".lstrip("0")


def ordinal(number: int) -> str:
    """Write a place in a line: 1st, 2nd, 3rd, 11th."""
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def money(amount: int, currency: str) -> str:
    """Write an amount given in hundredths of its currency: `$9.00`, `9.00 CHF`."""
    written = f"{abs(amount) / 100:,.2f}"
    sign, unit = "-" if amount < 0 else "", currency.upper()
    return f"{sign}{_SIGNS[unit]}{written}" if unit in _SIGNS else f"{sign}{written} {unit}"


def price(amount: int, currency: str) -> str:
    """Write a price, without hundredths where there are none: `$9`."""
    return money(amount, currency).replace(".00", "")


def known(words: Mapping[str, str]) -> Callable[[str], str]:
    """Say a code in these words; one without words as well as it can be said."""
    return lambda code: words.get(code, code.replace("_", " ").capitalize())


def left(until: datetime) -> str:
    """Write how long something is still there."""
    days = max((until - utc_now()).days, 0)
    return "Goes today" if days == 0 else f"{counted(days, 'day')} left"


def signed(number: int) -> str:
    """Write a change with its sign."""
    return f"{number:+,}" if number else "0"


def clock(time: datetime) -> str:
    """Write a time of day, in UTC, to the second."""
    return time.astimezone(UTC).strftime("%H:%M:%S")


def device(agent: str) -> str:
    """Name a device by what its browser calls itself: `Firefox on Windows`."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), "")
    return " on ".join(filter(None, (browser, system))) or agent.partition(" ")[0] or "An unknown device"


def roles_given(by: str) -> list[tuple[str, str]]:
    """List the roles that somebody may give, the highest first."""
    return [(role, name) for role, name in ROLES.items() if role != "owner" or by == "owner"]


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "moment": moment,
    "day": day,
    "ordinal": ordinal,
    "left": left,
    "signed": signed,
    "clock": clock,
    "entry": known(ENTRIES),
    "counted": counted,
    "money": money,
    "price": price,
    "number": lambda number: f"{number:,}",
    "same": lambda values: [(value, value) for value in values],
    "titles": lambda values: [(value, value.capitalize()) for value in values],
    "labels": lambda options: [(name, option[0]) for name, option in options.items()],
    "status": known(STATUSES),
    "happened": known(HAPPENED),
    "operation": known(OPERATIONS),
    "standing": known(STANDINGS),
    "device": device,
    "role": known(ROLES),
    "act": known(ACTS),
    "doing": lambda label: LABELS.get(label, label.replace("_", " ") or "working"),
    "waiting": lambda code: WAITING.get(code, "it will start as soon as it can"),
}
GLOBALS: dict[str, Any] = {"now": utc_now, "once": new_id, "entries": ENTRIES, "operations": OPERATIONS}
GLOBALS |= {"roles_given": roles_given, "scopes": SCOPES, "event_types": get_args(EventType)}
