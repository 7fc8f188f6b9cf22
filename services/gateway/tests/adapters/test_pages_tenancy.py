"""Who may see and do what on the dashboard: every page, signed out, from elsewhere, and in each role."""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.doors import House
from services.gateway.tests.stage import Person, Stage

from gateway.adapters.inbound.dashboard.site import ROUTES
from gateway.adapters.inbound.http.caller import COOKIE, CSRF_HEADER
from gateway.domain.secrets import csrf_token

# What needs nobody: a page is shown, a form without its fields is told so.
PUBLIC = {
    "GET /sign-in": 200,
    "POST /sign-in": 422,
    "GET /sign-up": 200,
    "POST /sign-up": 422,
    "POST /sign-out": 303,
    "GET /reset": 200,
    "POST /reset": 422,
    "GET /reset/{token}": 200,
    "POST /reset/{token}": 422,
    "GET /verify/{token}": 200,
    "POST /verify/{token}": 400,
    "GET /invitations/{token}": 404,
    "POST /invitations/{token}": 404,
}
MEMBERS = """
    GET /  GET /generate  POST /generate  GET /generate/price
    GET /models  GET /reference-models  GET /models/new  POST /models  GET /models/{model_id}
    POST /models/{model_id}  POST /models/{model_id}/refine  POST /models/{model_id}/compare
    POST /models/{model_id}/versions/{number}/activate  DELETE /models/{model_id}
    GET /jobs  GET /jobs/{job_id}  GET /jobs/{job_id}/part  DELETE /jobs/{job_id}
    GET /gallery  POST /gallery/delete  POST /gallery/export  GET /exports/{export_id}/part
    POST /images/{id}/pin  DELETE /images/{id}/pin
    GET /credits  POST /uploads  GET /live  GET /here  GET /parts/balance  GET /parts/banners
    GET /team  DELETE /team/members/{user_id}  GET /teams/new  POST /teams  POST /teams/{team_id}/switch
    GET /account  POST /account/name  POST /account/email  POST /account/letter  POST /account/password
    POST /account/notices
    DELETE /account/sessions  DELETE /account/sessions/{session_id}  POST /account/delete"""
ADMINS = """
    POST /billing/checkout  POST /billing/top-ups  POST /billing/portal  POST /billing/auto-top-up
    POST /team/invitations  POST /team/invitations/{invitation_id}/again
    DELETE /team/invitations/{invitation_id}
    GET /team/activity  POST /team  POST /team/members/{user_id}
    GET /api-keys  POST /api-keys  DELETE /api-keys/{key_id}
    GET /webhooks  POST /webhooks  GET /webhooks/{endpoint_id}  POST /webhooks/{endpoint_id}
    POST /webhooks/{endpoint_id}/disable  POST /webhooks/{endpoint_id}/enable  DELETE /webhooks/{endpoint_id}
    POST /webhooks/{endpoint_id}/secret  POST /webhooks/{endpoint_id}/test
    POST /webhooks/{endpoint_id}/deliveries/{delivery_id}"""
OWNERS = "POST /team/close"
# Everybody may leave, so the door is open; who else is in the team is no business of a member.
TOLD_AFTERWARDS = "DELETE /team/members/{user_id}"
FORMS = {
    "/models/{model_id}": {"name": "Mine now"},
    "/webhooks/{endpoint_id}": {"url": "https://127.0.0.1/mine", "types": ["job.changed"]},
    "/team/members/{user_id}": {"role": "admin"},
    "/models/{model_id}/refine": {"instructions": "softer light"},
    "/models/{model_id}/compare": {"versions": ["1", "2"], "prompt": "at dawn"},
}


def doors() -> Iterator[tuple[str, str]]:
    for module in ROUTES:
        for route in module.router.routes:
            for method in route.methods:
                yield method, route.path


def entries(table: str) -> list[str]:
    words = table.split()
    return [f"{method} {path}" for method, path in zip(words[::2], words[1::2], strict=True)]


def guarded() -> list[tuple[str, str]]:
    return [(method, path) for method, path in doors() if f"{method} {path}" not in PUBLIC]


def at_nobody(path: str) -> str:
    known = {"{id}": f"{uuid4()}_1", "{number}": "1", "{token}": "x" * 43}
    for name, value in known.items():
        path = path.replace(name, value)
    return re.sub(r"{\w+_id}", lambda _: str(uuid4()), path)


def at_home(house: House, path: str) -> str:
    ids = {
        "model_id": "models",
        "job_id": "jobs",
        "export_id": "exports",
        "id": "images",
        "invitation_id": "team/invitations",
        "user_id": "team/members",
        "team_id": "teams",
        "session_id": "me/sessions",
        "key_id": "api-keys",
        "endpoint_id": "webhook-endpoints",
        "delivery_id": "deliveries",
    }
    return path.format(number="1", **{name: house.things[kind] for name, kind in ids.items()})


def token(person: Person) -> dict[str, str]:
    return {CSRF_HEADER: csrf_token(person.client.cookies[COOKIE])}


async def shown(client: httpx.AsyncClient, method: str, path: str) -> int:
    return (await client.request(method, at_nobody(path))).status_code


@pytest.fixture
async def house(stage: Stage) -> House:
    return await House.built(stage)


def test_every_page_has_an_entry_and_every_entry_a_page():
    named = [*PUBLIC, *entries(MEMBERS), *entries(ADMINS), *entries(OWNERS)]
    assert sorted(named) == sorted(f"{method} {path}" for method, path in doors())


async def test_who_is_signed_out_is_led_to_the_sign_in(stage: Stage):
    told = {}
    async with stage.client() as client:
        for method, path in guarded():
            page = await client.request(method, at_nobody(path))
            part = await client.request(method, at_nobody(path), headers={"HX-Request": "true"})
            told[method, path] = (page.status_code, page.headers.get("location", "").partition("?")[0])
            told[method, path] += (part.status_code, part.headers.get("hx-redirect"))
    wanted = (303, "/sign-in", 401, "/sign-in")
    assert {door: answer for door, answer in told.items() if answer != wanted} == {}


async def test_what_needs_nobody_is_shown_to_anybody(stage: Stage):
    async with stage.client() as client:
        told = {door: await shown(client, *door.split()) for door in PUBLIC}
    assert told == PUBLIC


async def test_what_was_not_sent_from_our_own_page_is_refused_and_changes_nothing(house: House):
    owner, told = house.people["owner"], {}
    before, said = await house.contents(), len(house.stage.said)
    for method, path in guarded():
        if method != "GET":
            for which, headers in (("none", {}), ("wrong", {CSRF_HEADER: "x" * 64})):
                answer = await owner.client.request(method, at_home(house, path), headers=headers)
                told[method, path, which] = answer.status_code
    assert len(told) > 20
    assert {door: status for door, status in told.items() if status != 403} == {}
    assert (await house.contents(), len(house.stage.said)) == (before, said)


async def test_the_things_of_another_team_do_not_exist_and_nothing_changes(house: House):
    stranger = await house.stage.person()
    before, told = await house.contents(), {}
    for method, path in guarded():
        if "{" in path:
            form = {"data": FORMS.get(path, {})} if method == "POST" else {}
            answer = await stranger.client.request(
                method, at_home(house, path), headers=token(stranger), **form
            )
            told[method, path] = answer.status_code
    after = await house.contents()

    assert len(told) > 10
    assert {door: status for door, status in told.items() if status != 404} == {}
    assert house.without(after, stranger) == house.without(before, stranger)


async def test_a_role_opens_its_pages_and_no_others(house: House):
    closed = {
        "member": {*entries(ADMINS), *entries(OWNERS), TOLD_AFTERWARDS},
        "admin": set(entries(OWNERS)),
        "owner": set(),
    }
    for role, wanted in closed.items():
        person, told = house.people[role], {}
        for method, path in guarded():
            answer = await person.client.request(method, at_nobody(path), headers=token(person))
            told[f"{method} {path}"] = answer.status_code
        assert {door for door, status in told.items() if status in (303, 401, 403)} == wanted, role
        assert {door: status for door, status in told.items() if status >= 500} == {}
