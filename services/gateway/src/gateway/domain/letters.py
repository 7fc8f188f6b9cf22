"""Letters to people: what they say, and how often their delivery is tried."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from uuid import UUID

LEASE = timedelta(minutes=1)
"""Longer than one delivery takes; after it another process may try again."""
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 4 * 3600, 12 * 3600))
PARKED_LIVE = timedelta(days=14)


class Undelivered(Exception):
    """A letter was not taken; `for_good` when another try would be refused as well."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says, as plain text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person; `attempt` counts how often its delivery has begun."""

    id: UUID
    recipient: str
    content: Content
    created_at: datetime
    attempt: int = 0
    last_error: str = ""


def next_attempt(attempt: int, now: datetime) -> datetime | None:
    """Say when to try again after this many attempts; None when it is enough."""
    return now + PAUSES[attempt - 1] if attempt <= len(PAUSES) else None


def verification(name: str, link: str) -> Content:
    """Ask to follow a link that shows that an address is theirs."""
    words = f"Hello {name},", "please follow this link to verify your e-mail address:"
    return _content("Verify your e-mail address", words, link, "It works for 3 days.")


def invitation(inviter: str, team: str, link: str) -> Content:
    """Invite somebody into a team."""
    what = f"{inviter} invites you to work in the team “{team}” at Atelier. To accept, follow this link:"
    words = "Hello,", what
    return _content(f"Join {team} at Atelier", words, link, "It works for 7 days.")


def reset(name: str, link: str) -> Content:
    """Let somebody choose a new password."""
    words = f"Hello {name},", "somebody, hopefully you, has forgotten your password. Choose a new one here:"
    after = "The link works for an hour. If it was not you, there is nothing you need to do."
    return _content("Choose a new password", words, link, after)


def password_changed(name: str) -> Content:
    """Tell somebody that their password is another one now."""
    words = f"Hello {name},", "your password has been changed, and all other devices have been signed out."
    after = "If it was not you, reset your password at once."
    return _content("Your password was changed", words, None, after)


def address_changing(name: str, address: str) -> Content:
    """Tell somebody at their old address that it is to be replaced."""
    words = f"Hello {name},", f"your account is to get the e-mail address {address}."
    after = "If it was not you, change your password."
    return _content("Your e-mail address is to change", words, None, after)


def webhook_disabled(team: str, url: str, reason: str, link: str) -> Content:
    """Tell who manages a team that nothing is sent to one of its webhook endpoints any more."""
    what = f"the team “{team}” gets no more webhooks at {url}. {reason} Look at it and enable it again here:"
    after = "What happened meanwhile is not sent afterwards; it can be read as events."
    return _content("A webhook endpoint was disabled", ("Hello,", what), link, after)


def low_balance(team: str, spendable: int, threshold: int, link: str) -> Content:
    """Tell that a team has few credits left."""
    left = f"{spendable} credit" if spendable == 1 else f"{spendable} credits"
    what = (
        f"the team “{team}” can spend {left}, fewer than {threshold}. What they went to, and more, is here:"
    )
    after = "You get this letter because your account asks for it; it is written once each time they run low."
    return _content(f"{team} is running low on credits", ("Hello,", what), link, after)


def _content(subject: str, words: tuple[str, str], link: str | None, after: str) -> Content:
    parts = [*words, *([link] if link else []), after, "Atelier"]
    anchor = f'<a href="{escape(link)}">{escape(link)}</a>' if link else ""
    html = "".join(f"<p>{anchor if part == link else escape(part)}</p>" for part in parts)
    # One line, whatever a name contains: a header must not be able to begin another one.
    return Content(" ".join(subject.split()), "\n\n".join(parts) + "\n", f"<!doctype html>{html}")
