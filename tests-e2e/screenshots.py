"""Photograph every page of the dashboard, light and dark, phone and desktop: `make screenshots`."""

import asyncio
import uuid
from itertools import product
from pathlib import Path

from e2e.browser import DESKTOP, PHONE, Visitor, browsing

from atelier_local.post import verification_token
from atelier_local.stack import Stack

LOCAL = Path(__file__).parent.parent / ".local"
FOLDER = LOCAL / "screenshots"
SIZES = {"phone": PHONE, "desktop": DESKTOP}
PASSWORD = "correct horse battery"
OUTSIDE = ("/sign-in", "/sign-up", "/reset")
INSIDE = (
    "/generate", "/models", "/models/new", "/reference-models", "/jobs", "/gallery", "/credits", "/team",
    "/api-keys", "/webhooks", "/account",
)  # fmt: skip
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
        for address in OUTSIDE:
            await photograph(visitor, address)
        email = f"{uuid.uuid4().hex[:8]}@example.com"
        await visitor.sign_up("Ada Lovelace", email, PASSWORD)
        token = await asyncio.to_thread(verification_token, sandbox, email)
        await visitor.context.request.post("/api/auth/verify", data={"token": token})
        model = await work(visitor)
        job = await visitor.page.locator("#jobs h3 a").first.get_attribute("href") or "/jobs"
        for address in (*INSIDE, model, job):
            await photograph(visitor, address)
        await visitor.context.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


async def work(visitor: Visitor) -> str:
    """Make a model and some images; returns where the model is."""
    page = visitor.page
    await page.goto("/reference-models")
    await page.get_by_role("link", name="Make a model from").first.click()
    await page.get_by_label("Name", exact=True).fill("Harbour portraits")
    await page.get_by_label("Who or what does it show?").fill("a calm woman with short red hair")
    await page.get_by_role("button", name="Create the model").click()
    await page.get_by_role("heading", name="Version 1").wait_for(timeout=120_000)
    model = page.url.removeprefix(visitor.url)
    for prompt in PROMPTS:
        await page.goto("/generate")
        await page.get_by_label("What do you want to see?").fill(prompt)
        await page.locator("#go").click()
        await page.locator("#jobs .job").first.get_by_text("Done").wait_for(timeout=60_000)
    return model


async def photograph(visitor: Visitor, address: str) -> None:
    """Take four pictures of a page."""
    await visitor.page.goto(address)
    for scheme, (size, viewport) in product(("light", "dark"), SIZES.items()):
        await visitor.page.emulate_media(color_scheme=scheme)
        await visitor.page.set_viewport_size(viewport)
        await visitor.page.wait_for_timeout(500)  # for pictures that load late
        name = "-".join(address.strip("/").split("/")[:1])
        part = "detail" if address.count("/") > 1 and not address.endswith("/new") else ""
        part = "new" if address.endswith("/new") else part
        file = "-".join(filter(None, (name, part, size, scheme)))
        await visitor.page.screenshot(path=FOLDER / f"{file}.png", full_page=True, caret="initial")


if __name__ == "__main__":
    stack = Stack(LOCAL)
    try:
        stack.start()
        asyncio.run(main(stack.url, stack.sandbox_url))
    finally:
        stack.stop()
