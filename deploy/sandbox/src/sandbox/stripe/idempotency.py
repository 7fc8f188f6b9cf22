"""Idempotency keys: the first answer is kept and given again (https://docs.stripe.com/api/idempotent_requests)."""

from dataclasses import dataclass

from sandbox.stripe.errors import StripeError


@dataclass(frozen=True)
class Answer:
    """What a call was answered with."""

    status: int
    body: bytes
    request_id: str


class Idempotency:
    """The answers to calls with a key."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, Answer]] = {}

    def find(self, key: str, call: str) -> Answer | None:
        """Return the kept answer to a call.

        Raises StripeError when the key was used for another call.
        """
        if key not in self._kept:
            return None
        before, answer = self._kept[key]
        if before != call:
            raise StripeError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
            )
        return answer

    def keep(self, key: str, call: str, answer: Answer) -> None:
        """Keep the answer to a call; one that was refused before it began may be tried again."""
        if answer.status not in {401, 409, 429}:
            self._kept[key] = (call, answer)

    def clear(self) -> None:
        """Forget every answer."""
        self._kept.clear()
