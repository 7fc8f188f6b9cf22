"""What the use cases need of the outside world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from jobs.domain.calls import (
    Failed,
    Outcome,
    ProviderCall,
    ProviderImage,
    ProviderStatus,
    StepKind,
    Submitted,
    Succeeded,
)

__all__ = [
    "CallForgotten",
    "Callbacks",
    "Failed",
    "Images",
    "NotAccepted",
    "NotAnImage",
    "ObjectMissing",
    "ObjectTooLarge",
    "Outcome",
    "Picture",
    "Provider",
    "ProviderCall",
    "ProviderImage",
    "ProviderStatus",
    "ProviderUnavailable",
    "ResultGone",
    "StepKind",
    "Storage",
    "StorageUnavailable",
    "StoredObject",
    "SubmitInDoubt",
    "SubmitRefused",
    "Submitted",
    "Succeeded",
]


class SubmitRefused(Exception):
    """The provider answered and will not do it; `retryable` when the same call may be taken later."""

    def __init__(self, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.retryable = code, detail, retryable


class NotAccepted(Exception):
    """The provider surely did not take the call: no connection, locked account, too many requests."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class SubmitInDoubt(Exception):
    """The answer was lost after the call was sent: it may run or not."""


class ProviderUnavailable(Exception):
    """The provider cannot be asked now, or cannot say yet; ask again later."""


class CallForgotten(ProviderUnavailable):
    """The provider knows no such call: not yet, or, once it was asked to stop it, not any more."""


class ResultGone(Exception):
    """A file of the provider will never come: deleted, larger than allowed, or at a forbidden address."""


class StorageUnavailable(Exception):
    """The object store cannot be reached now; try again later."""


class ObjectMissing(Exception):
    """There is no object of that key."""


class ObjectTooLarge(Exception):
    """An object is larger than the caller allows."""


class NotAnImage(Exception):
    """The bytes are not an image we take (JPEG, PNG or WebP, of sane dimensions)."""


class Provider(Protocol):
    """The outside service that draws and trains. Every call ends within a bounded time."""

    def endpoint(self, call: ProviderCall) -> str:
        """Give the provider's own name for what does this call; pure."""
        ...

    async def submit(self, call: ProviderCall, attempt_id: UUID, callback_url: str) -> Submitted:
        """Hand the call over: one POST, never repeated.

        Raises SubmitRefused, NotAccepted, SubmitInDoubt.
        """
        ...

    def locate(self, endpoint: str, request_id: str) -> Submitted:
        """Say where to ask about a call whose answer was lost and whose id a callback told; pure."""
        ...

    async def status(self, submitted: Submitted) -> ProviderStatus:
        """Ask how far it is. Raises ProviderUnavailable, CallForgotten."""
        ...

    async def fetch(self, submitted: Submitted) -> Outcome:
        """Fetch the outcome of a completed call. Raises ProviderUnavailable."""
        ...

    async def cancel(self, submitted: Submitted) -> bool:
        """Ask it to stop; True when it will, False when it is completed or unknown.

        Raises ProviderUnavailable.
        """
        ...

    def parse_callback(self, body: str) -> Outcome | None:
        """Read the outcome a callback carries, or None when it has to be fetched; pure.

        Raises ValueError when the body is malformed.
        """
        ...

    async def download(self, url: str, limit: int) -> bytes:
        """Get a result file of at most `limit` bytes. Raises ProviderUnavailable, ResultGone."""
        ...


class Callbacks(Protocol):
    """The addresses the provider calls back, each with a MAC only we can make."""

    def url(self, attempt_id: UUID, traceparent: str | None = None) -> str:
        """Make the address for this attempt: `{PUBLIC_URL}/api/webhooks/fal?attempt={id}&mac={mac}`.

        With a `traceparent` the address carries it as `trace`, so that the answer joins the job's trace.
        """
        ...

    def genuine(self, attempt_id: UUID, mac: str) -> bool:
        """Tell whether the MAC is ours for this attempt (compared in constant time)."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Size in bytes and content type of a stored object."""

    size: int
    content_type: str


class Storage(Protocol):
    """The private object store. All raise StorageUnavailable; writes to an existing key change nothing."""

    async def put_image(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object once (a zip too): when the key exists it is left as it is, and that is fine."""
        ...

    async def copy_from(self, url: str, key: str, limit: int) -> int:
        """Stream a provider's file of at most `limit` bytes to a key, once; its size.

        Raises ProviderUnavailable, ResultGone (too large too).
        """
        ...

    async def get(self, key: str, limit: int) -> bytes:
        """Read an object's bytes. Raises ObjectMissing, ObjectTooLarge."""
        ...

    async def head(self, key: str) -> StoredObject | None:
        """Say what is known of an object, or None when there is none."""
        ...

    def link(self, key: str, seconds: int) -> str:
        """Sign a link the provider can read for so long; pure."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Copy an object as it is. Raises ObjectMissing."""
        ...

    async def delete(self, keys: Sequence[str]) -> set[str]:
        """Delete objects; missing ones are fine. Returns the keys of those that are still there."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """List up to 1,000 keys that begin so. Raises StorageUnavailable."""
        ...

    async def apply_lifecycle(self) -> None:
        """Set the bucket's expiry rules: `uploads/` 7 days, `images/` and `thumbs/` 90, `exports/` 1."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image: its format as in our keys (`jpeg`, `png`, `webp`) and its size in pixels."""

    format: str
    width: int
    height: int


class Images(Protocol):
    """Image work, done beside the event loop."""

    async def inspect(self, data: bytes) -> Picture:
        """Say what the bytes are, proven by decoding them whole. Raises NotAnImage."""
        ...

    async def inspect_and_shrink(self, data: bytes) -> tuple[Picture, bytes]:
        """Say what the bytes are, as `inspect`, and make a small WebP of them. Raises NotAnImage."""
        ...

    async def zip(self, images: Sequence[bytes], captions: Sequence[str]) -> bytes:
        """Make a training archive: `NN.ext` for each image, and `NN.txt` where its caption is not empty."""
        ...
