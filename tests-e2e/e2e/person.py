"""A person with a browser and a mailbox."""

import uuid
from dataclasses import dataclass, field

import httpx

from e2e.client import Json
from e2e.letters import link

PASSWORD = "a long password"


@dataclass
class Person:
    """Somebody who signs in, and reads their mail in the sandbox."""

    url: str
    sandbox_url: str
    email: str = field(default_factory=lambda: f"{uuid.uuid4().hex[:12]}@example.com")
    address: str = field(default_factory=lambda: f"10.1.{uuid.uuid4().int % 250}.{uuid.uuid4().int % 250}")

    def __post_init__(self) -> None:
        self.browsers: list[httpx.AsyncClient] = []
        self.http = self.browser()

    def browser(self) -> httpx.AsyncClient:
        """Open another browser, at the same place in the network."""
        headers = {"X-Forwarded-For": self.address}
        self.browsers.append(httpx.AsyncClient(base_url=self.url, timeout=30, headers=headers))
        return self.browsers[-1]

    async def close(self) -> None:
        """Close all browsers."""
        for browser in self.browsers:
            await browser.aclose()

    async def call(
        self, method: str, path: str, body: Json | None = None, status: int | None = None
    ) -> httpx.Response:
        """Ask the API for something that must be answered with this status."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        answer = await self.http.request(method, f"/api{path}", json=body, headers=headers)
        assert status is None or answer.status_code == status, answer.text
        return answer

    async def sign_up(self) -> Json:
        """Open an account."""
        body = {"name": "Ada", "email": self.email, "password": PASSWORD, "team_name": "Studio"}
        return (await self.call("POST", "/auth/sign-up", body, 201)).json()

    async def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        """Open a session, or fail to."""
        return await self.call("POST", "/auth/sign-in", {"email": self.email, "password": password})

    async def token(self, subject: str) -> str:
        """Wait for a letter and take the token out of its link."""
        return (await link(self.sandbox_url, self.email, subject)).rpartition("/")[2]

    async def verify(self) -> None:
        """Follow the link of the letter."""
        token = await self.token("Verify your e-mail address")
        await self.call("POST", "/auth/verify", {"token": token}, 204)

    async def me(self) -> httpx.Response:
        """Ask who one is."""
        return await self.call("GET", "/me")
