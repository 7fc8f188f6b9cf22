"""Who looks at a page: a person with a session. What they send must come from our own pages."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from chassis.http import Problem
from contracts.billing import BillingChanged
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.caller import CSRF_HEADER, SessionCookie, check_origin, device_of, identify
from gateway.application.reading import Standing
from gateway.domain.people import Membership, Team, Topic, User
from gateway.domain.permissions import Caller, Permission
from gateway.domain.secrets import csrf_token, is_csrf_token

PLACE_HEADER = "X-Place"


class NotSignedIn(Exception):
    """The page is for people with a session."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person, the team they act for, where that team stands, and the token their forms carry.

    `teams` are all they are in, `notices` what they want letters about from this one; `billing` is what the
    team pays for, and None for who may not see that.
    """

    caller: Caller
    user: User
    team: Team
    teams: tuple[Membership, ...]
    standing: Standing
    billing: BillingChanged | None
    csrf: str
    notices: frozenset[Topic]
    head: int
    """The newest event when the page was made: from there on it keeps itself up to date."""

    @property
    def place(self) -> str:
        """The team and the role that the page was made for."""
        return place_of(self.caller)

    def may(self, permission: str) -> bool:
        """Tell whether to show what only some may do; the server checks again when it is done."""
        return Permission(permission) in self.caller.permissions


def place_of(caller: Caller) -> str:
    """Name the team somebody acts for, and as what."""
    return f"{caller.team_id}.{caller.role}"


async def _acting(request: Request, api: Ports, session: SessionCookie) -> Caller:
    caller = await identify(api, None, session)
    if caller is None or session is None:
        raise NotSignedIn
    if request.method not in ("GET", "HEAD"):
        check_origin(request, api)
        if not is_csrf_token(request.headers.get(CSRF_HEADER, ""), session):
            raise Problem(403, "stale_page", "This page is out of date. Reload it and try again.")
        if request.headers.get(PLACE_HEADER, place_of(caller)) != place_of(caller):
            raise Problem(
                403,
                "stale_page",
                "You work in another team, or as something else, since this page was made. Reload it.",
            )
        _count(caller, api)
    return replace(caller, address=device_of(request).address)


def _count(caller: Caller, api: Api) -> None:
    allowance = api.limiter.take(caller.team_id, caller.per_minute)
    if not allowance.allowed:
        raise Problem(
            429, "rate_limited", f"Your plan allows {allowance.limit} requests a minute. Wait a moment."
        )


Acting = Annotated[Caller, Depends(_acting)]
"""Who acts; for what a page does and the parts it loads again."""


async def _visiting(caller: Acting, api: Ports, session: SessionCookie) -> Visitor:
    frame = await api.frames.frame(caller.user_id, caller.team_id)
    here = next((one for one in frame.teams if one.team.id == caller.team_id), None)
    if here is None or session is None:
        raise NotSignedIn
    return Visitor(
        caller=caller,
        user=here.user,
        team=here.team,
        teams=frame.teams,
        standing=frame.standing,
        billing=frame.billing if Permission.BILLING in caller.permissions else None,
        csrf=csrf_token(session),
        notices=here.notices,
        head=frame.head,
    )


Visiting = Annotated[Visitor, Depends(_visiting)]
"""Who looks at a whole page."""
