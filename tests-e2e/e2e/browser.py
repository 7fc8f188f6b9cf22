"""A person at the dashboard: a real browser that notes whatever a page does that it should not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

from atelier_local.binaries import chromium

PASSWORD = "correct horse battery"
AXE = Path(__file__).parent.parent / "vendor" / "axe-core-4.14.1.min.js"
PATIENCE = 30_000
"""Milliseconds to wait for what a page will show."""
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
expect.set_options(timeout=PATIENCE)
_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_INLINE = """() => [...document.querySelectorAll("*")]
  .filter((one) => one.matches("script:not([src]), style, [style]") && !one.closest("svg, dialog")
    || [...one.attributes].some(({ name }) => name.startsWith("on")))
  .map((one) => one.outerHTML.slice(0, 80))"""
_JUDGE = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Start a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own; `complaints` is what its console said."""

    url: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    email: str = ""
    offline: bool = False

    @classmethod
    async def at(cls, url: str, browser: Browser, **options: Any) -> "Visitor":
        """Open a browser window at a dashboard."""
        context = await browser.new_context(base_url=url, viewport=DESKTOP, bypass_csp=False, **options)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        visitor = cls(url, context, page)
        page.on("console", visitor._said)
        page.on("pageerror", lambda error: visitor.complaints.append(f"script: {error}"))
        page.on("request", visitor._asked)
        return visitor

    async def judge(self) -> None:
        """Let axe judge the page as it is; what is serious, inline or too wide counts as a complaint."""
        # Beside the page's own policy, which rightly lets no script in from elsewhere.
        session = await self.context.new_cdp_session(self.page)
        await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        await session.detach()
        where = urlsplit(self.page.url).path
        self.complaints += [f"{where}: {complaint}" for complaint in await self.page.evaluate(_JUDGE)]
        self.complaints += [f"{where}: inline {code}" for code in await self.page.evaluate(_INLINE)]
        if (excess := await self.page.evaluate(_WIDE)) > 0:
            self.complaints.append(f"{where}: {excess} pixels too wide")

    async def sign_up(self, name: str, email: str, password: str = PASSWORD) -> None:
        """Make an account."""
        self.email = email
        await self.page.goto("/sign-up")
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Make the account").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Come back."""
        self.email = email
        await self.page.goto("/sign-in")
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def generate(self, prompt: str) -> Locator:
        """Ask for four images; returns what the page shows of it."""
        await self.page.goto("/generate")
        await self.page.get_by_label("What do you want to see?").fill(prompt)
        await self.page.get_by_role("button", name="Generate 4 images · 8 credits").click()
        return self.page.locator("#jobs .job").first

    async def ask(self, path: str, body: Any) -> Any:
        """Ask the API for something, as the page's own session."""
        answer = await self.context.request.post(f"/api{path}", data=body)
        assert answer.ok, await answer.text()
        return await answer.json() if await answer.body() else None

    async def tell(self, path: str) -> Any:
        """Read something from the API, as the page's own session."""
        answer = await self.context.request.get(f"/api{path}")
        assert answer.ok, await answer.text()
        return await answer.json()

    async def leave(self) -> None:
        """Close the window; nothing must have gone wrong in it."""
        await self.context.close()
        assert not self.complaints, "\n".join(self.complaints)

    def _said(self, message: ConsoleMessage) -> None:
        # An answer of 4xx is told by the page itself.
        refusal = message.text.startswith(("Failed to load resource", "Response Status Error Code"))
        if message.type in ("error", "warning") and not refusal and not self.offline:
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in (urlsplit(self.url).hostname, None) and not request.url.startswith(("data:", "blob:")):
            self.complaints.append(f"another host: {request.url}")
