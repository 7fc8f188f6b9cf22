"""How a hold ends: captured, released or expired, once; what comes later hears how it ended."""

from datetime import datetime
from uuid import UUID

from contracts.credits import CaptureCredits, CreditsSettled, Forgotten, ReleaseCredits
from credits.domain.account import Account
from credits.domain.books import Books, ConflictingContent, Hold, HoldStatus
from credits.domain.bucket import split
from credits.domain.ledger import About


class UnknownHold(Exception):
    """A capture came for a job that no credits were ever set aside for."""


def capture(books: Books, command: CaptureCredits, asked_by: UUID, now: datetime) -> CreditsSettled | None:
    """Charge what was delivered and give the rest back, or say how the hold ended before.

    None for the very message answered already. Raises UnknownHold unless the command tells what was held,
    NotEnoughCredits when that much is not there, and ConflictingContent when the hold is another team's or
    smaller than what was delivered.
    """
    hold = books.holds.get(command.job_id)
    if hold is None and command.held is not None:
        hold = _hold_again(books, command, command.held, now)
    if hold is None:
        raise UnknownHold(f"job {command.job_id} was never held")
    _same_team(hold, command.team_id)
    if hold.status in ("held", "expired"):
        if command.quantity > hold.quantity:
            raise ConflictingContent(f"{command.quantity} of {hold.quantity} units of job {hold.id} captured")
        return _capture(books, hold, command.quantity, asked_by, now)
    return _replayed(hold, asked_by)


def release(books: Books, command: ReleaseCredits, asked_by: UUID, now: datetime) -> CreditsSettled | None:
    """Give a whole hold back, or say how it ended before; before its hold it leaves a tombstone.

    None for the very message answered already. Raises ConflictingContent when the hold is another team's.
    """
    hold = books.holds.get(command.job_id)
    if hold is None:
        books.hold(_tombstone(command, asked_by, now))
        return books.holds[command.job_id].settled()
    _same_team(hold, command.team_id)
    if hold.status != "held":
        return _replayed(hold, asked_by)
    _give_back(books, hold, command.reason, now)
    return _ended(books, hold, "released", asked_by, now)


def expire(books: Books, job_id: UUID, now: datetime) -> CreditsSettled | None:
    """End a hold whose job nobody settled in time; None when it has ended or has time left."""
    hold = books.holds[job_id]
    if hold.status != "held" or hold.expires_at is None or hold.expires_at > now:
        return None
    _give_back(books, hold, "not settled in time", now)
    return _ended(books, hold, "expired", None, now)


def says_otherwise(hold: Hold, command: CaptureCredits) -> bool:
    """Whether a capture asks for other than what was captured before."""
    return hold.captured + hold.uncollected != command.quantity * hold.unit_price


def _capture(books: Books, hold: Hold, quantity: int, asked_by: UUID, now: datetime) -> CreditsSettled:
    if hold.status == "expired":
        return _capture_late(books, hold, quantity, asked_by, now)
    account = books.accounts[hold.team_id]
    charged, returned = split(hold.parts, quantity * hold.unit_price)
    about = _about(hold, f"{quantity} of {hold.quantity} delivered")
    entries = [account.spend(charged, about, now)] if charged else []
    if returned:
        entries += account.give_back(returned, about, now)
    hold.captured = sum(part.amount for part in charged)
    hold.released = hold.amount - hold.captured
    hold.reason, hold.entry_ids = about.reason, tuple(entries)
    books.count(hold.key, -hold.released)
    return _ended(books, hold, "captured", asked_by, now)


def _capture_late(books: Books, hold: Hold, quantity: int, asked_by: UUID, now: datetime) -> CreditsSettled:
    account, due = books.accounts[hold.team_id], quantity * hold.unit_price
    account.expire_due(now)
    about = _about(hold, f"{quantity} of {hold.quantity} delivered after the hold expired")
    entry, hold.captured = account.charge(due, about, now)
    hold.uncollected = due - hold.captured
    hold.released = hold.amount - due
    hold.reason, hold.entry_ids = about.reason, (*hold.entry_ids, entry)
    books.count(hold.key, hold.captured)
    return _ended(books, hold, "uncollected" if hold.uncollected else "late_captured", asked_by, now)


def _give_back(books: Books, hold: Hold, reason: str, now: datetime) -> None:
    account: Account = books.accounts[hold.team_id]
    hold.reason, hold.released = reason, hold.amount
    hold.entry_ids = tuple(account.give_back(hold.parts, _about(hold, reason), now))
    books.count(hold.key, -hold.amount)


def _ended(
    books: Books, hold: Hold, status: HoldStatus, asked_by: UUID | None, now: datetime
) -> CreditsSettled:
    hold.status, hold.settled_by, hold.settled_at = status, asked_by, now
    books.settle(hold)
    return hold.settled()


def _hold_again(books: Books, command: CaptureCredits, held: Forgotten, now: datetime) -> Hold:
    hold = Hold(
        id=command.job_id,
        team_id=command.team_id,
        created_at=now,
        request_id=command.job_id,  # its own is forgotten as well
        operation=held.operation,
        quantity=held.quantity,
        unit_price=held.unit_price,
        price_version=held.price_version,
        expires_at=now,
        reason="held before, and forgotten",
    )
    account = books.accounts[command.team_id]
    account.expire_due(now)
    hold.parts = account.reserve(hold.amount, _about(hold, hold.reason), now)
    books.hold(hold)
    return hold


def _tombstone(command: ReleaseCredits, asked_by: UUID, now: datetime) -> Hold:
    return Hold(
        id=command.job_id,
        team_id=command.team_id,
        created_at=now,
        status="released",
        reason=command.reason,
        settled_by=asked_by,
        settled_at=now,
    )


def _replayed(hold: Hold, asked_by: UUID) -> CreditsSettled | None:
    return None if hold.settled_by == asked_by else hold.settled()


def _same_team(hold: Hold, team_id: UUID) -> None:
    if hold.team_id != team_id:
        raise ConflictingContent(f"job {hold.id} belongs to another team")


def _about(hold: Hold, reason: str) -> About:
    return About(hold.id, hold.operation, reason)
