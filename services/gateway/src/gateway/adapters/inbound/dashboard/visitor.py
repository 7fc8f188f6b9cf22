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
    teams: list[Membership]
    standing: Standing
    billing: BillingChanged | None
    csrf: str
    notices: frozenset[Topic]
    head: int
    """The newest event when the page was made: from there on it keeps itself up to date."""

    def may(self, permission: str) -> bool:
        """Tell whether to show what only some may do; the server checks again when it is done."""
        return Permission(permission) in self.caller.permissions


async def _acting(request: Request, api: Ports, session: SessionCookie) -> Caller:
    caller = await identify(api, None, session)
    if caller is None or session is None:
        raise NotSignedIn
    if request.method not in ("GET", "HEAD"):
        check_origin(request, api)
        if not is_csrf_token(request.headers.get(CSRF_HEADER, ""), session):
            raise Problem(403, "stale_page", "This page is out of date. Reload it and try again.")
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
    head = await api.events.head()
    async with api.asking.transaction() as work:
        teams = await work.teams.of_user(caller.user_id)
        standing = await work.views.standing(caller.team_id)
    here = next((one for one in teams if one.team.id == caller.team_id), None)
    if here is None or session is None:
        raise NotSignedIn
    pays = Permission.BILLING in caller.permissions
    billing = await api.payments.billing(caller.team_id) if pays else None
    return Visitor(
        caller, here.user, here.team, teams, standing, billing, csrf_token(session), here.notices, head
    )


Visiting = Annotated[Visitor, Depends(_visiting)]
"""Who looks at a whole page."""
