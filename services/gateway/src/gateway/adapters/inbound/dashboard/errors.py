"""What a person is told when something does not work: in place when the page asked, else as a page."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from chassis.http import Problem
from gateway.adapters.inbound.dashboard.pages import asked_in_place, part
from gateway.adapters.inbound.http.problems import PROBLEMS, invalid, unusual

Handler = Callable[[Request, Any], Awaitable[Response]]
HELP = {
    "insufficient_credits": ("Top up, or wait for the next replenishment", "/credits"),
    "max_credits_exceeded": ("See the new price", "/generate"),
    "account_frozen": ("See what is in question", "/credits"),
    "queue_full": ("See what is running", "/jobs"),
    "model_in_use": ("See what is running", "/jobs"),
}

WORDS = {
    "not_permitted": "Your role in this team does not allow that. Ask an owner or an admin of the team.",
    "owners_only": "Only an owner can do that to an owner, or make somebody one.",
    "email_not_verified": "Verify your e-mail address first: the link is in the letter we sent you.",
    "insufficient_credits": "Your team has too few credits for this.",
    "account_frozen": "Your team's credits are frozen while a payment is in question.",
}
"""What a person is told in other words than a program."""


def told(kind: type[Exception]) -> Handler:
    """Make the handler of one kind of error."""
    tell: Callable[[Any], Problem] = (
        PROBLEMS.get(kind)
        or {
            Problem: lambda error: error,
            HTTPException: unusual,
            RequestValidationError: invalid,
        }[kind]
    )

    async def handle(request: Request, error: Exception) -> Response:
        return show(request, tell(error))

    return handle


def show(request: Request, problem: Problem) -> Response:
    """Tell a problem in place or as a page."""
    template = "parts/problem.html" if asked_in_place(request) else "problem.html"
    headers = {name: value for name, value in problem.headers.items() if name == "Retry-After"}
    words = WORDS.get(problem.code, problem.detail)
    return part(template, problem.status, headers, problem=problem, words=words, help=HELP.get(problem.code))


async def sign_in_first(request: Request, _error: Exception) -> Response:
    """Lead to the sign-in, and back to where one wanted to go."""
    if asked_in_place(request):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    there = "" if request.method != "GET" or wanted == "/" else f"?next={quote(wanted)}"
    return RedirectResponse(f"/sign-in{there}", 303)
