from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a UUID that sorts by the time it was made (version 7, RFC 9562)."""
    return uuid7()
