"""The parameters of one call, read by type."""

from typing import Any

from sandbox.stripe.errors import invalid, missing, unknown_parameters

_FLAGS = {"true": True, "false": False}


class Params:
    """What a caller sent; an empty value unsets, so it reads as nothing."""

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> list[str]:
        """Return what was given."""
        return list(self._values)

    def only(self, known: frozenset[str]) -> None:
        """Raise `parameter_unknown` for whatever the call does not know."""
        strange = [self._name(name) for name in self._values if name not in known]
        if strange:
            raise unknown_parameters(strange)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return a text."""
        value = self._values.get(name, default)
        if isinstance(value, dict | list):
            raise invalid(f"Invalid string: {self._name(name)}", param=self._name(name))
        return value or None

    def required(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if value is None:
            raise missing(self._name(name))
        return value

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        value = self.text(name)
        try:
            return None if value is None else int(value)
        except ValueError:
            message = f"Invalid integer: {value}"
            raise invalid(message, code="parameter_invalid_integer", param=self._name(name)) from None

    def flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 (reads as a question)
        """Return a truth value."""
        value = self.text(name)
        if value is not None and value not in _FLAGS:
            raise invalid(f"Invalid boolean: {value}", param=self._name(name))
        return default if value is None else _FLAGS[value]

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of a few words."""
        value = self.text(name, default) or default
        if value not in allowed:
            listed = ", ".join(allowed)
            raise invalid(f"Invalid {self._name(name)}: must be one of {listed}", param=self._name(name))
        return value

    def group(self, name: str) -> "Params":
        """Return the parameters inside a parameter."""
        value = self._values.get(name) or {}
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=self._name(name))
        return Params(value, self._name(name))

    def rows(self, name: str) -> list["Params"]:
        """Return a list of groups of parameters."""
        value = self._values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise invalid("Invalid array", param=self._name(name))
        return [Params(row, f"{self._name(name)}[{n}]") for n, row in enumerate(value)]

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        value = self._values.get(name) or []
        if not isinstance(value, list):
            raise invalid("Invalid array", param=self._name(name))
        return [str(item) for item in value]

    def plain(self, name: str) -> Any:  # noqa: ANN401 (JSON)
        """Return a value as it was sent, for what is kept and never read."""
        return self._values.get(name)

    def metadata(self, before: dict[str, str] | None = None) -> dict[str, str]:
        """Return the metadata after this call: named keys change, empty ones go, `metadata=` clears."""
        if "metadata" in self._values and not self._values["metadata"]:
            return {}
        changed = (before or {}) | {key: str(value) for key, value in self.group("metadata").values().items()}
        return {key: value for key, value in changed.items() if value}

    def values(self) -> dict[str, Any]:
        """Return everything as it was sent."""
        return dict(self._values)

    def _name(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name
