"""Lists: newest first, by cursor, with the filters of each kind (https://docs.stripe.com/api/pagination)."""

import operator
from collections.abc import Iterable

from sandbox.stripe.account import Account, Obj
from sandbox.stripe.errors import invalid, no_such
from sandbox.stripe.params import Params

PAGING = frozenset({"limit", "starting_after", "ending_before", "created"})
_COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_MOST = 100


def page(found: Iterable[Obj], params: Params, url: str) -> Obj:
    """Return one page of objects given oldest first."""
    things = [thing for thing in reversed(list(found)) if _in_range(thing, params)]
    limit = params.number("limit") or 10
    if not 1 <= limit <= _MOST:
        raise invalid(
            "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit"
        )
    before = params.text("ending_before")
    if before:
        earlier = things[: _position(things, before, "ending_before")]
        return listed(earlier[-limit:], url, more=len(earlier) > limit)
    after = params.text("starting_after")
    rest = things[_position(things, after, "starting_after") + 1 :] if after else things
    return listed(rest[:limit], url, more=len(rest) > limit)


def listed(things: list[Obj], url: str, *, more: bool = False) -> Obj:
    """Return a list object."""
    return {"object": "list", "data": things, "has_more": more, "url": url}


def matching(account: Account, kind: str, params: Params, names: Iterable[str]) -> list[Obj]:
    """Return the objects of a kind whose fields are what the parameters of those names ask for."""
    wanted: dict[str, object] = {}
    for name in names:
        if (value := params.text(name)) is not None:
            wanted[name] = {"true": True, "false": False}.get(value, value)
    return list(account.all(kind, **wanted))


def _in_range(thing: Obj, params: Params) -> bool:
    if "created" not in params:
        return True
    if not isinstance(params.plain("created"), dict):
        return bool(thing["created"] == params.number("created"))
    bounds = params.group("created")
    bounds.only(frozenset(_COMPARE))
    return all(_COMPARE[name](thing["created"], bounds.number(name) or 0) for name in bounds.names())


def _position(things: list[Obj], key: str, param: str) -> int:
    for position, thing in enumerate(things):
        if thing["id"] == key:
            return position
    raise no_such("object", key, param)
