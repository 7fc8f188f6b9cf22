"""The errors of Stripe's API (https://docs.stripe.com/api/errors)."""

from typing import Any


class StripeError(Exception):
    """An answer that is not 2xx: its status and the `error` object of its body."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:  # noqa: ANN401 (JSON)
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {name: value for name, value in more.items() if value is not None}
            | {"type": kind, "message": message}
        }


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """Return the answer to a request that cannot be carried out as asked."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def missing(param: str) -> StripeError:
    """Return the answer to a request without something it needs."""
    return invalid(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown_parameters(names: list[str]) -> StripeError:
    """Return the answer to a request that says more than the call understands."""
    word = "parameter" if len(names) == 1 else "parameters"
    listed = ", ".join(names)
    return invalid(f"Received unknown {word}: {listed}", code="parameter_unknown", param=names[0])


def no_such(kind: str, key: str, param: str = "id") -> StripeError:
    """Return the answer when an object is not there: 404 by its address, 400 when a parameter names it."""
    return StripeError(
        404 if param == "id" else 400,
        "invalid_request_error",
        f"No such {kind}: '{key}'",
        code="resource_missing",
        param=param,
    )
