"""Who may pass which door: every route of the API, each kind of caller, the status told."""

from typing import Any

import pytest
from services.gateway.tests.doors import (
    BODY,
    DOORS,
    PUBLIC,
    RANKS,
    SCOPES,
    SHARED,
    TOLD_AFTERWARDS,
    House,
    at_nobody,
    body_of,
    doors,
    guarded,
    key_of,
    keys_without,
    knock,
    routes,
)
from services.gateway.tests.stage import Stage


@pytest.fixture
async def house(stage: Stage) -> House:
    return await House.built(stage)


def test_every_route_has_an_entry_and_every_entry_a_route():
    named = [name for names in DOORS.values() for name in names.split()] + list(PUBLIC)
    assert sorted(named) == sorted(route.name for route in routes())


async def test_who_is_nobody_or_lacks_the_role_or_the_scope_changes_nothing(house: House):
    table, told = doors(), {}
    revoked = {"Authorization": "Bearer atl_" + "x" * 43}
    keys = {route.name: await keys_without(house, *table[route.name]) for route in guarded()}
    before, said = await house.contents(), len(house.stage.said)
    async with house.stage.client() as nobody:
        for route in guarded():
            role, _ = table[route.name]
            path, body = house.at_home(route.path) if route.has_ids else route.path, body_of(route)
            told[route.name, "nobody"] = await knock(nobody, route, path, **body)
            told[route.name, "unknown key"] = await knock(nobody, route, path, headers=revoked, **body)
            for which, key in keys[route.name].items():
                told[route.name, which] = await knock(nobody, route, path, headers=key, **body)
            for lower in RANKS[: RANKS.index(role)]:
                told[route.name, lower] = await knock(house.people[lower].client, route, path, **body)

    wanted = {cell: 401 if cell[1] in ("nobody", "unknown key") else 403 for cell in told}
    assert {cell: (status, wanted[cell]) for cell, status in told.items() if status != wanted[cell]} == {}
    assert await house.contents() == before
    assert len(house.stage.said) == said


async def test_a_revoked_key_is_nobody_at_once(house: House):
    owner = house.people["owner"].client
    made = (await owner.post("/api/api-keys", json={"name": "old", "scopes": sorted(SCOPES)})).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with house.stage.client() as client:
        assert (await client.get("/api/jobs", headers=headers)).status_code == 200
        assert (await owner.delete(f"/api/api-keys/{made['id']}")).status_code == 204
        told = {
            route.name: await knock(client, route, at_nobody(route.path), headers=headers, json=BODY)
            for route in guarded()
        }
    assert set(told.values()) == {401}


async def test_whoever_has_the_role_or_the_scope_is_let_in(house: House):
    table, told, wanted = doors(), {}, {}
    for route in guarded():
        role, scopes = table[route.name]
        path, body = at_nobody(route.path), {"json": BODY} if "requestBody" in route.described else {}
        for rank in RANKS[RANKS.index(role) :]:
            told[route.name, rank] = await knock(house.people[rank].client, route, path, **body)
            wanted[route.name, rank] = TOLD_AFTERWARDS.get((rank, route.name), route.let_in())
        for scope in SCOPES if scopes == {"any"} else scopes - {"-"}:
            async with house.stage.client(**await house.key("owner", {scope})) as client:
                told[route.name, f"key {scope}"] = await knock(client, route, path, **body)
                wanted[route.name, f"key {scope}"] = route.let_in()
    assert {cell: (status, wanted[cell]) for cell, status in told.items() if status != wanted[cell]} == {}


async def test_what_needs_nobody_is_told_to_anybody(house: House):
    async with house.stage.client() as client:
        told = {
            route.name: await knock(client, route, at_nobody(route.path), json=BODY)
            for route in routes()
            if route.name in PUBLIC
        }
    assert told == PUBLIC


async def test_the_ids_of_another_team_do_not_exist_and_nothing_changes(house: House):
    stranger = await house.stage.person()
    async with house.stage.client(**await key_of(stranger)) as by_key:
        before = await house.contents()
        ids = [route for route in guarded() if route.has_ids and route.name not in SHARED]
        told = {
            (route.name, who): await knock(client, route, house.at_home(route.path), **body_of(route))
            for route in ids
            for who, client in (("person", stranger.client), ("key", by_key))
            if who == "person" or doors()[route.name][1] != {"-"}
        }
    assert len(ids) > 25
    assert {cell: status for cell, status in told.items() if status != 404} == {}
    assert house.without(await house.contents(), stranger) == house.without(before, stranger)
    everything = str(before)
    assert [kind for kind, id_ in house.things.items() if id_.partition("_")[0] not in everything] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/generate", {"model_id": "{models}", "prompt": "at dawn"}),
        ("/api/images/export", {"jobs": ["{jobs}"]}),
        ("/api/images/export", {"images": ["{images}"]}),
    ],
)
async def test_the_ids_of_another_team_do_not_exist_inside_a_body_either(house: House, path: str, body: dict):
    def filled(value: Any) -> Any:
        return [filled(one) for one in value] if isinstance(value, list) else value.format(**house.things)

    stranger = await house.stage.person()
    before = await house.contents()
    answer = await stranger.client.post(path, json={name: filled(value) for name, value in body.items()})

    assert answer.status_code == 404, answer.text
    assert house.without(await house.contents(), stranger) == house.without(before, stranger)


async def test_deleting_images_of_another_team_deletes_none(house: House):
    stranger = await house.stage.person()
    before, image = await house.contents(), house.things["images"]
    answer = await stranger.client.post("/api/images/delete", json={"images": [image]})

    assert [(one["id"], one["status"]) for one in answer.json()["data"]] == [(image, "refused")]
    assert house.without(await house.contents(), stranger) == house.without(before, stranger)
