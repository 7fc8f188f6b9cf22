"""Photograph every page of the dashboard, light and dark, phone and desktop: `make screenshots`."""

import asyncio
import re
import uuid
from itertools import product
from pathlib import Path

from e2e.browser import DESKTOP, PHONE, Visitor, browsing
from e2e.letters import link

from atelier_local.stack import Stack

LOCAL = Path(__file__).parent.parent / ".local"
FOLDER = LOCAL / "screenshots"
SIZES = {"phone": PHONE, "desktop": DESKTOP}
GUEST = f"grace.{uuid.uuid4().hex[:4]}@example.com"
LOADED = """() => Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.decode().catch(() => {});
}))"""
OUTSIDE = {"sign-in": "/sign-in", "sign-up": "/sign-up", "reset": "/reset", "nowhere": "/nowhere"}
NEW = {name: f"/{name}" for name in ("generate", "models", "jobs", "gallery", "credits", "webhooks")}
INSIDE = {
    "generate": "/generate",
    "models": "/models",
    "model-new": "/models/new",
    "reference-models": "/reference-models",
    "jobs": "/jobs",
    "gallery": "/gallery",
    "credits": "/credits",
    "team": "/team",
    "activity": "/team/activity",
    "team-new": "/teams/new",
    "api-keys": "/api-keys",
    "webhooks": "/webhooks",
    "account": "/account",
}
PROMPTS = (
    "a lighthouse at dusk, long exposure",
    "a red coat in the rain",
    "breakfast on a balcony, morning sun",
)


async def main(url: str, sandbox: str) -> None:
    """Make something worth looking at, then look at every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with browsing() as browser:
        visitor = await Visitor.at(url, browser)
        await photograph(visitor, OUTSIDE)
        await visitor.sign_up("Ada Lovelace", f"ada.{uuid.uuid4().hex[:4]}@example.com")
        await photograph(visitor, {"first-run": "/"})
        verify = await link(sandbox, visitor.email, "Verify your e-mail address")
        await photograph(visitor, {"verify": verify})
        await visitor.ask("/auth/verify", {"token": verify.rpartition("/")[2]})
        await photograph(visitor, {f"{name}-empty": address for name, address in NEW.items()})
        await pay(visitor)
        model = await work(visitor)
        await fill(visitor)
        hook = (await visitor.tell("/webhook-endpoints"))["data"][0]
        job = (await visitor.tell("/jobs?status=completed"))["data"][0]
        details = {"model": model, "job": f"/jobs/{job['id']}", "webhook": f"/webhooks/{hook['id']}"}
        await photograph(visitor, INSIDE | details)
        letters = {"invitation": await link(sandbox, GUEST, "Join")}
        await visitor.context.clear_cookies()
        letters["new-password"] = await link(sandbox, visitor.email, "Choose a new password")
        await photograph(visitor, letters)
        await visitor.context.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


async def pay(visitor: Visitor) -> None:
    """Take a plan and a pack, on the payment pages."""
    for path, body in (("checkout", {"plan": "pro"}), ("top-ups", {"pack": "small"})):
        await visitor.page.goto((await visitor.ask(f"/billing/{path}", body))["url"])
        await visitor.page.locator("button.primary").click()
        await visitor.page.wait_for_url(f"{visitor.url}/credits**")
    await visitor.page.locator("#billing").get_by_text("Pro", exact=True).first.wait_for()


async def fill(visitor: Visitor) -> None:
    """Put something on the pages about people, keys and webhooks."""
    await visitor.ask("/api-keys", {"name": "Web shop", "scopes": ["read", "generate"], "credit_budget": 500})
    await visitor.ask(
        "/webhook-endpoints", {"url": "https://127.0.0.1:8443/atelier", "description": "Web shop"}
    )
    await visitor.ask("/team/invitations", {"email": GUEST, "role": "admin"})
    await visitor.ask("/auth/reset", {"email": visitor.email})


async def work(visitor: Visitor) -> str:
    """Make a model and some images; returns where the model is."""
    page = visitor.page
    await page.goto("/reference-models")
    await page.get_by_role("link", name="Make a model from").first.click()
    await page.get_by_label("Name", exact=True).fill("Harbour portraits")
    await page.get_by_label("Who or what does it show?").fill("a calm woman with short red hair")
    await page.get_by_role("button", name="Create the model").click()
    await page.get_by_role("heading", name=re.compile("^Version 1")).wait_for(timeout=120_000)
    model = page.url.removeprefix(visitor.url)
    for prompt in PROMPTS:
        await page.goto("/generate")
        await page.get_by_label("What do you want to see?").fill(prompt)
        await page.locator("#go").click()
        await page.locator("#jobs .job").first.get_by_text("Done").wait_for(timeout=60_000)
    return model


async def photograph(visitor: Visitor, pages: dict[str, str]) -> None:
    """Take four pictures of each page, once its own pictures are there."""
    for name, address in pages.items():
        await visitor.page.goto(address)
        for scheme, (size, viewport) in product(("light", "dark"), SIZES.items()):
            await visitor.page.emulate_media(color_scheme=scheme)
            await visitor.page.set_viewport_size(viewport)
            await visitor.page.evaluate(LOADED)
            file = FOLDER / f"{name}-{size}-{scheme}.png"
            await visitor.page.screenshot(path=file, full_page=True, caret="initial")


if __name__ == "__main__":
    stack = Stack(LOCAL)
    try:
        stack.start()
        asyncio.run(main(stack.url, stack.sandbox_url))
    finally:
        stack.stop()
