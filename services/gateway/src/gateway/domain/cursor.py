"""Where a list was left: an opaque text that holds the sort key of the last row shown."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


class InvalidCursor(Exception):
    """The cursor was not made by this list."""


def encode(*parts: str | int) -> str:
    """Write the sort key of a row down."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Read a sort key back; raises InvalidCursor unless it has parts of just these kinds."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise InvalidCursor
        return tuple(_read(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error) as error:
        raise InvalidCursor from error


def _read(part: object, kind: type) -> Any:  # noqa: ANN401 - of the kind asked for
    if kind is UUID:
        return UUID(str(part))
    if kind is datetime:
        return datetime.fromisoformat(str(part)).astimezone(UTC)
    if kind is int and (not isinstance(part, int) or isinstance(part, bool) or abs(part) >= 2**63):
        raise InvalidCursor
    if kind is str and (not isinstance(part, str) or "\x00" in part.encode().decode()):
        raise InvalidCursor
    return part


def first_id(at: datetime) -> UUID:
    """Return the least id (UUIDv7) that can have been made at this time or later."""
    milliseconds = max(0, int(at.timestamp() * 1_000))
    return UUID(int=min(milliseconds, 2**48 - 1) << 80)
