"""The pages of webhooks: endpoints, their secrets, and what was sent."""

import re
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.pages import Page, address, browser
from services.gateway.tests.stage import Stage

URL = "http://127.0.0.1:9000/hook"
PATH = re.compile(r'href="(/webhooks/[0-9a-f-]{36})"')
SECRET = re.compile(r'data-copy="(whsec_[^"]+)"')


async def with_endpoint(stage: Stage, **form: object) -> tuple[Page, httpx.Response, str]:
    page = await browser(await stage.person())
    made = await page.post("/webhooks", **({"url": URL, "key": uuid4().hex} | form))
    assert made.status_code == 200, made.text
    return page, made, PATH.findall(made.text)[0]


async def test_an_endpoint_is_added_and_its_secret_shown_once(stage: Stage):
    key = uuid4().hex
    page, made, path = await with_endpoint(stage, description="shop <b>", types=["job.changed"], key=key)
    again = await page.post("/webhooks", url=URL, description="shop <b>", types=["job.changed"], key=key)
    listed = (await page.get("/webhooks")).text
    [secret] = SECRET.findall(made.text)

    assert path in listed
    assert "shop &lt;b&gt; · job.changed" in listed
    assert secret not in listed + again.text
    assert "was made already" in again.text


async def test_an_address_that_may_not_be_asked_is_told(stage: Stage):
    page = await browser(await stage.person())
    inside = await page.post("/webhooks", url="http://169.254.169.254/latest", key=uuid4().hex)
    none = await page.post("/webhooks", url="nowhere", types=["no.such"], key=uuid4().hex)

    assert inside.status_code == 422
    assert "<html" not in inside.text
    assert none.status_code == 422
    assert "Url:" in none.text


async def test_an_endpoint_is_tried_disabled_and_enabled(stage: Stage):
    page, _, path = await with_endpoint(stage)
    tested = await page.post(f"{path}/test")
    shown = (await page.get(path)).text
    await page.post(f"{path}/disable")
    disabled = (await page.get(path)).text
    refused = await page.post(f"{path}/test")
    await page.post(f"{path}/enable")

    assert tested.headers["hx-redirect"] == f"{path}?done=tested"
    assert "webhook_endpoint.ping" in shown
    assert "Disabled by the team." in disabled
    assert refused.status_code == 409
    assert "Working" in (await page.get(path)).text


async def test_a_delivery_is_sent_again(stage: Stage):
    page, _, path = await with_endpoint(stage)
    await page.post(f"{path}/test")
    await page.post(f"{path}/disable")
    await page.post(f"{path}/enable")
    [delivery] = re.findall(rf'hx-post="{path}(/deliveries/[0-9a-f-]+)"', (await page.get(path)).text)
    again = await page.post(f"{path}{delivery}")

    assert again.headers["hx-redirect"] == f"{path}?done=again"
    assert "On its way" in (await page.get(path)).text


async def test_a_new_secret_takes_the_place_of_the_old_one(stage: Stage):
    page, made, path = await with_endpoint(stage)
    key = uuid4().hex
    rotated, again = [await page.post(f"{path}/secret", key=key) for _ in range(2)]

    assert SECRET.findall(rotated.text) != SECRET.findall(made.text)
    assert "was made already" in again.text


async def test_an_endpoint_is_changed_and_deleted(stage: Stage):
    page, _, path = await with_endpoint(stage)
    changed = await page.post(path, url=f"{URL}/2", description="new", types=["model.changed"])
    shown = (await page.get(path)).text
    deleted = await page.delete(path)

    assert changed.headers["hx-redirect"] == f"{path}?done=changed"
    assert f"{URL}/2" in shown
    assert deleted.headers["hx-redirect"] == "/webhooks"
    assert (await page.get(path)).status_code == 404


async def test_another_teams_endpoint_is_not_there(stage: Stage):
    _, _, path = await with_endpoint(stage)
    stranger = await browser(await stage.person())

    assert (await stranger.get(path)).status_code == 404
    for action in ("", "/test", "/secret", "/disable"):
        assert (await stranger.post(f"{path}{action}", url=URL)).status_code == 404


@pytest.mark.parametrize("action", ["", "/test", "/secret", "/disable", "/enable"])
async def test_a_member_may_not_see_to_webhooks(stage: Stage, action: str):
    owner, _, path = await with_endpoint(stage)
    member = await browser(await stage.invited(owner.person, address()))

    assert (await member.get("/webhooks")).status_code == 403
    assert (await member.get(path)).status_code == 403
    assert (await member.post(f"{path}{action}", url=URL)).status_code == 403
    assert (await member.post("/webhooks", url=URL)).status_code == 403
