"""What a request ends with, in the two shapes fal uses for failures."""

from dataclasses import dataclass
from typing import Any

# Model errors that are worth another try, and their status; any other is the input's fault (422).
RETRYABLE_MODEL_ERRORS = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
}
# Failures of the machinery around the model: a flat body `{"detail": text, "error_type": type}`.
REQUEST_ERRORS = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 503,
    "runner_server_error": 503,
    "client_disconnected": 499,
    "client_cancelled": 499,
    "bad_request": 400,
    "internal_error": 500,
}


@dataclass(frozen=True)
class Outcome:
    """The answer to `GET response_url`, and what the queue says about it."""

    status: int
    body: dict[str, Any]
    error_type: str | None = None
    retryable: bool = False
    units: float = 0.0  # billable, in the endpoint's own unit (megapixels, steps)

    @property
    def ok(self) -> bool:
        """Whether the model produced its output."""
        return self.error_type is None

    @property
    def error(self) -> str | None:
        """The one line that status and webhook carry."""
        if self.ok:
            return None
        detail = self.body.get("detail")
        return detail if isinstance(detail, str) else f"Unexpected status code: {self.status}"

    def headers(self) -> dict[str, str]:
        """Return the headers fal adds to the result."""
        if self.ok:
            return {"x-fal-billable-units": f"{self.units:g}"}
        headers = {"X-Fal-Error-Type": str(self.error_type), "X-Fal-Retryable": str(self.retryable).lower()}
        if self.error_type == "request_timeout":
            headers["X-Fal-Request-Timeout-Type"] = "user"
        return headers


class ModelError(Exception):
    """The model refuses its input or fails: a list of typed details."""

    def __init__(self, details: list[dict[str, Any]], *, units: float = 0.0) -> None:
        self.details = details
        self.units = units
        super().__init__(str(details))

    def outcome(self) -> Outcome:
        """Return the failure as the answer to the result call."""
        kind = str(self.details[0]["type"])
        status = RETRYABLE_MODEL_ERRORS.get(kind, 422)
        retryable = kind in RETRYABLE_MODEL_ERRORS
        return Outcome(status, {"detail": self.details}, kind, retryable, self.units)


def model_error(kind: str, msg: str, *loc: str, **ctx: object) -> ModelError:
    """One typed detail about one field of the input."""
    detail: dict[str, Any] = {"loc": list(loc) or ["body"], "msg": msg, "type": kind}
    detail["url"] = f"https://docs.fal.ai/errors#{kind}"
    if ctx:
        detail["ctx"] = ctx
    return ModelError([detail])


def request_error(kind: str, msg: str) -> Outcome:
    """Return a failure of the machinery, never of the input."""
    status = REQUEST_ERRORS[kind]
    return Outcome(status, {"detail": msg, "error_type": kind}, kind, retryable=status in {500, 503})
