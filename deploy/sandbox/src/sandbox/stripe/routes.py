"""What a call is: its address, the parameters it knows, and the function that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe.account import Account, Obj
from sandbox.stripe.listing import PAGING, matching, page
from sandbox.stripe.params import Params

_EVERYWHERE = frozenset({"expand"})


@dataclass(frozen=True)
class Call:
    """One call on its way to its answer."""

    account: Account
    params: Params
    keys: tuple[str, ...]
    path: str

    @property
    def key(self) -> str:
        """The id in the address."""
        return self.keys[0]


class Route:
    """One call of the API; `{}` in the path stands for an id, `knows` lists its parameters."""

    def __init__(self, method: str, path: str, answer: Callable[[Call], Obj], knows: str = "") -> None:
        self.method = method
        self.answer = answer
        self.knows = frozenset(knows.split()) | _EVERYWHERE
        self._pattern = re.compile("^" + path.replace("{}", "([^/]+)") + "$")

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """Return the ids in the path when this is the call, else nothing."""
        found = self._pattern.match(path) if method == self.method else None
        return found.groups() if found else None


def reader(kind: str, path: str) -> Route:
    """Return the call that retrieves an object of a kind."""
    return Route("GET", path + "/{}", lambda call: call.account.get(kind, call.key))


def lister(kind: str, path: str, filters: str = "") -> Route:
    """Return the call that lists the objects of a kind."""

    def answer(call: Call) -> Obj:
        return page(matching(call.account, kind, call.params, filters.split()), call.params, path)

    return Route("GET", path, answer, f"{filters} {' '.join(PAGING)}")
