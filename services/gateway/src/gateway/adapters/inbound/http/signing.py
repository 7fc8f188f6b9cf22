"""The session cookie, and what is told of a session."""

from fastapi import Response

from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.bodies.credits import Balance
from gateway.adapters.inbound.http.bodies.people import Session
from gateway.adapters.inbound.http.caller import COOKIE
from gateway.domain.people import SESSIONS_LAST, Membership


async def signed_in(membership: Membership, token: str, response: Response, api: Api) -> Session:
    """Set the cookie of a new session, and tell whose it is."""
    give_cookie(response, token, api)
    return await shown(membership, token, api)


def give_cookie(response: Response, token: str, api: Api) -> None:
    """Let the browser keep a session."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSIONS_LAST.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=api.secure_cookies,
    )


def forget_cookie(response: Response, api: Api) -> None:
    """Let the browser drop the cookie."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=api.secure_cookies)


async def shown(membership: Membership, token: str, api: Api) -> Session:
    """Tell who is signed in to what, and what can be spent there."""
    standing = await api.views.standing(membership.team.id)
    return Session.of(membership, Balance.standing(standing) if standing.account else None, token)
