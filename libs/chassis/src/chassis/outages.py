"""Telling an outage from a bug: an outage is waited out, a bug goes up the ladder."""

from asyncpg import CannotConnectNowError, PostgresConnectionError, PostgresError
from asyncpg.exceptions import (
    AdminShutdownError,
    CrashShutdownError,
    DeadlockDetectedError,
    InvalidCachedStatementError,
    SerializationError,
)
from asyncpg.exceptions import InterfaceError as AsyncpgInterfaceError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_OUTAGES = (
    OSError,
    TimeoutError,
    PoolTimeout,
    PostgresConnectionError,
    CannotConnectNowError,
    AdminShutdownError,
    CrashShutdownError,
    AsyncpgInterfaceError,
)
_CONFLICTS = (DeadlockDetectedError, SerializationError, InvalidCachedStatementError)


def _cause(error: BaseException) -> BaseException:
    original = error.orig if isinstance(error, DBAPIError) else None
    return (original.__cause__ or original) if original is not None else error


def is_outage(error: BaseException) -> bool:
    """Tell whether a part we depend on is away, so that trying again later is all there is to do."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(_cause(error), _OUTAGES)


def is_conflict(error: BaseException) -> bool:
    """Tell whether trying again at once helps: two transactions met, or one met a migration."""
    cause = _cause(error)
    return isinstance(cause, PostgresError) and isinstance(cause, _CONFLICTS)
