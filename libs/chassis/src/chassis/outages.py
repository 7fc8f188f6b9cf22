"""Telling an outage from a bug: an outage is waited out, a bug goes up the ladder."""

from asyncpg import CannotConnectNowError, DataError, InterfaceError, PostgresConnectionError
from asyncpg.exceptions import (
    AdminShutdownError,
    CrashShutdownError,
    DeadlockDetectedError,
    InvalidCachedStatementError,
    SerializationError,
)

_OUTAGES = (
    OSError,
    TimeoutError,
    PostgresConnectionError,
    CannotConnectNowError,
    AdminShutdownError,
    CrashShutdownError,
    InterfaceError,
)
_CONFLICTS = (DeadlockDetectedError, SerializationError, InvalidCachedStatementError)


def is_outage(error: BaseException) -> bool:
    """Tell whether a part we depend on is away, so that trying again later is all there is to do."""
    # The driver's own word for a value it cannot write is an InterfaceError, too.
    return isinstance(error, _OUTAGES) and not isinstance(error, DataError)


def is_conflict(error: BaseException) -> bool:
    """Tell whether trying again at once helps: two transactions met, or one met a migration."""
    return isinstance(error, _CONFLICTS)
