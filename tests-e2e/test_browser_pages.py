"""Every page in each size, light and dark: judged by axe, no wider than the window, with nothing inline."""

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from e2e.browser import DESKTOP, PHONE, Visitor
from e2e.house import House
from e2e.letters import link
from e2e.till import Till
from playwright.async_api import Browser, expect

pytestmark = pytest.mark.long
EMPTY = (
    "/generate", "/models", "/models/new", "/reference-models", "/jobs", "/gallery", "/gallery?show=pinned",
    "/credits", "/team", "/team/activity", "/teams/new", "/api-keys", "/webhooks", "/account",
)  # fmt: skip
WAYS = [
    pytest.param("light", DESKTOP, id="desktop-light"),
    pytest.param("dark", DESKTOP, id="desktop-dark"),
    pytest.param("light", PHONE, id="phone-light"),
    pytest.param("dark", PHONE, id="phone-dark"),
]


@dataclass
class Full:
    """A team that has everything a page can show, and the pages that show it; and the pages of letters."""

    email: str
    inside: tuple[str, ...]
    outside: tuple[str, ...]


@pytest.fixture(scope="module")
async def full(house: House, browser: Browser) -> AsyncIterator[Full]:
    visitor, post = await Visitor.at(house.stack.url, browser), house.stack.sandbox_url
    await visitor.sign_up("Grace Hopper", f"{uuid.uuid4().hex[:12]}@example.com")
    verify = await link(post, visitor.email, "Verify your e-mail address")
    await visitor.ask("/auth/verify", {"token": verify.rpartition("/")[2]})
    till = Till(house)
    for path, body in (("checkout", {"plan": "pro"}), ("top-ups", {"pack": "small"})):
        await till.pay((await visitor.ask(f"/billing/{path}", body))["url"])
    await till.close()
    job = await visitor.generate("everything a page can show")
    await expect(job.locator(".badge")).to_have_text("Done")
    reference = (await visitor.tell("/reference-models"))["data"][0]["id"]
    model = await visitor.ask(
        "/models", {"name": "Harbour", "description": "calm", "reference_model_id": reference}
    )
    await visitor.page.goto(f"/models/{model['model']['id']}")
    await expect(visitor.page.get_by_role("heading", name=re.compile("^Version 1"))).to_be_visible()
    await visitor.ask("/api-keys", {"name": "shop", "scopes": ["read"], "credit_budget": 100})
    hook = await visitor.ask("/webhook-endpoints", {"url": "https://127.0.0.1:8443/hook"})
    guest = f"{uuid.uuid4().hex[:12]}@example.com"
    await visitor.ask("/team/invitations", {"email": guest, "role": "admin"})
    await visitor.ask("/auth/reset", {"email": visitor.email})
    jobs = (await visitor.tell("/jobs"))["data"]
    inside = (f"/models/{model['model']['id']}", f"/jobs/{jobs[-1]['id']}", f"/webhooks/{hook['id']}")
    letters = [await link(post, guest, "Join"), await link(post, visitor.email, "Choose a new password")]
    yield Full(visitor.email, (*EMPTY, *inside), (verify, *letters))
    await visitor.leave()


async def seen(visitor: Visitor, *addresses: str) -> None:
    for address in addresses:
        await visitor.page.goto(address)
        await visitor.judge()


async def at(house: House, browser: Browser, scheme: str, size: dict) -> Visitor:
    visitor = await Visitor.at(house.stack.url, browser, color_scheme=scheme)
    await visitor.page.set_viewport_size(size)
    return visitor


@pytest.mark.parametrize(("scheme", "size"), WAYS)
async def test_every_page_of_somebody_new_is_accessible_and_fits(
    house: House, browser: Browser, scheme: str, size: dict
):
    visitor = await at(house, browser, scheme, size)
    await seen(visitor, "/sign-in", "/sign-up", "/reset", "/nowhere")
    await visitor.sign_up("Grace", f"{uuid.uuid4().hex[:12]}@example.com")
    await seen(visitor, *EMPTY)
    await visitor.leave()


@pytest.mark.parametrize(("scheme", "size"), WAYS)
async def test_every_page_of_a_busy_team_and_of_letters_is_accessible_and_fits(
    house: House, browser: Browser, full: Full, scheme: str, size: dict
):
    visitor = await at(house, browser, scheme, size)
    await seen(visitor, *full.outside)
    await visitor.sign_in(full.email)
    await seen(visitor, *full.inside)
    await visitor.page.locator(".menu summary").click()
    await visitor.judge()
    await visitor.leave()
