"""How the pages put things: times, numbers, and what a status means to a person."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from chassis.clock import utc_now
from chassis.ids import new_id
from gateway.adapters.inbound.http.bodies.events import EventType

STATUSES = {
    "accepted": "Accepted",
    "queued": "Waiting",
    "processing": "Working",
    "cancelling": "Cancelling",
    "completed": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "expired": "Expired",
    "pending": "Waiting",
    "training": "Training",
    "ready": "Ready",
    "deleted": "Deleted",
}
OPERATIONS = {"generate_images": "Images", "create_model": "New model", "refine_model": "Refinement"}
WAITING = {
    "plan_slots_busy": "your plan's slots are busy",
    "provider_busy": "the image provider is busy",
    "provider_unavailable": "the image provider is not answering; it will be tried again",
    "storage_unavailable": "the image store is not answering; it will be tried again",
}
ENTRIES = {
    "reserve": "Held",
    "deduct": "Charged",
    "refund": "Given back",
    "replenish": "Monthly credits",
    "bonus": "Bonus",
    "top_up": "Bought",
    "adjustment": "Adjusted",
    "expire": "Expired",
    "claw_back": "Taken back",
}
LABELS = {
    "generate": "drawing",
    "reference_set": "drawing what to learn from",
    "train": "training",
    "samples": "drawing samples",
    "stored": "storing",
}
ROLES = {"owner": "Owner", "admin": "Admin", "member": "Member"}
ACTS = {
    "signed_up": "Signed up",
    "signed_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "signed_out": "Signed out",
    "session_ended": "Signed a device out",
    "other_sessions_ended": "Signed all other devices out",
    "password_changed": "Changed the password",
    "password_reset_asked": "Asked for a new password",
    "password_reset": "Chose a new password",
    "email_change_asked": "Asked for another e-mail address",
    "email_verified": "Verified the e-mail address",
    "account_renamed": "Changed the own name",
    "team_opened": "Made the team",
    "team_renamed": "Renamed the team",
    "member_invited": "Invited",
    "invitation_revoked": "Revoked the invitation of",
    "invitation_accepted": "Joined the team",
    "role_changed": "Changed the role of",
    "member_removed": "Removed",
    "member_left": "Left the team",
    "key_created": "Made an API key",
    "key_revoked": "Revoked an API key",
}
SCOPES = (
    ("read", "Read", "models, jobs, images, credits", True),
    ("generate", "Generate", "make images", True),
    ("models", "Models", "make, refine and delete models", True),
    ("billing", "Billing", "plans, payments and invoices", False),
    ("admin", "Admin", "people, activity and webhooks", False),
)
"""What an API key may do: its name, what that is to a person, and whether it is usual."""
STANDINGS = {
    "trialing": "Trial",
    "past_due": "Payment failed",
    "canceled": "Cancelled",
    "paid": "Paid",
    "open": "To be paid",
    "void": "Void",
    "uncollectible": "Not paid",
    "refunded": "Refunded",
    "pending": "On its way",
    "superseded": "A newer one was sent",
}
"""What the status of a plan, an invoice or a webhook means."""
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
    return time.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")


def day(time: datetime) -> str:
    """Write a date."""
    return time.astimezone(UTC).strftime("%d %b %Y")


def ordinal(number: int) -> str:
    """Write a place in a line: 1st, 2nd, 3rd, 11th."""
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def money(amount: int, currency: str) -> str:
    """Write an amount given in the smallest unit of its currency."""
    return f"{amount / 100:,.2f} {currency.upper()}"


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
    "entry": lambda kind: ENTRIES.get(kind, kind),
    "counted": counted,
    "money": money,
    "number": lambda number: f"{number:,}",
    "same": lambda values: [(value, value) for value in values],
    "titles": lambda values: [(value, value.capitalize()) for value in values],
    "labels": lambda options: [(name, option[0]) for name, option in options.items()],
    "status": lambda status: STATUSES.get(status, status.replace("_", " ").capitalize()),
    "operation": lambda operation: OPERATIONS.get(operation, operation),
    "standing": lambda status: STANDINGS.get(status, status.replace("_", " ").capitalize()),
    "device": device,
    "role": lambda role: ROLES.get(role, role),
    "act": lambda act: ACTS.get(act, act.replace("_", " ").capitalize()),
    "doing": lambda label: LABELS.get(label, label or "working"),
    "waiting": lambda code: WAITING.get(code, "it will start as soon as it can"),
}
GLOBALS: dict[str, Any] = {"now": utc_now, "once": new_id, "entries": ENTRIES, "operations": OPERATIONS}
GLOBALS |= {"roles_given": roles_given, "scopes": SCOPES, "event_types": get_args(EventType)}
