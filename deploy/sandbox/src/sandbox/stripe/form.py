"""The form encoding of Stripe's v1 API: `a[b][0]=c` (https://docs.stripe.com/api)."""

import re
from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import invalid

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the nested parameters; what is counted from 0 (or not named) between its brackets is a list."""
    tree: dict[str, Any] = {}
    for key, value in pairs:
        found = _KEY.match(key)
        if found is None:
            raise invalid(f"Invalid parameter name: {key}", param=key)
        _put(tree, [found[1], *_PART.findall(found[2])], value)
    return {key: _settled(value) for key, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    for name, following in zip(path, [*path[1:], None], strict=True):
        slot = name or str(len(tree))
        if following is None:
            tree[slot] = value
            return
        inner = tree.setdefault(slot, {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid object: {path[0]} is given as a value and as an object", param=path[0])
        tree = inner


def _settled(value: Any) -> Any:  # noqa: ANN401 (JSON)
    if not isinstance(value, dict):
        return value
    settled = {key: _settled(inner) for key, inner in value.items()}
    counted = [str(position) for position in range(len(settled))]
    return [settled[key] for key in counted] if settled and set(counted) == set(settled) else settled
