"""The sandbox in the tests of others: run beside them, steered through its control API."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from sandbox.app import Sandbox
from sandbox.settings import Settings


@dataclass(frozen=True)
class Control:
    """The control API at an address; also for a sandbox that runs in a process of its own."""

    url: str
    http: ClientSession

    async def faults(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force instead of any other: `{"fault", "match", "at", "times", "params"}`."""
        await self.call("PUT", "/faults", list(rules))

    async def timing(self, **changes: float | str | bool | None) -> None:
        """Change how long things take; what is not named stays."""
        await self.call("PUT", "/timing", changes)

    async def requests(self, **query: str) -> list[dict[str, Any]]:
        """List the POSTs so far, oldest first."""
        found: list[dict[str, Any]] = await self.call("GET", "/requests", query=query)
        return found

    async def request(self, request_id: str) -> dict[str, Any]:
        """Show one request with its input and its log."""
        found: dict[str, Any] = await self.call("GET", f"/requests/{request_id}")
        return found

    async def deliveries(self, **query: str) -> list[dict[str, Any]]:
        """List the webhooks so far, oldest first."""
        found: list[dict[str, Any]] = await self.call("GET", "/deliveries", query=query)
        return found

    async def lose_files(self) -> None:
        """Make the provider forget every file it made."""
        await self.call("DELETE", "/files")

    async def s3_faults(self, **faults: int | list[str]) -> None:
        """Let the object store answer slowly or `503 SlowDown`; without arguments, normally again."""
        await self.call("PUT", "/s3/faults", faults)

    async def advance_days(self, days: float) -> list[str]:
        """Move the object store's clock; return the keys its lifecycle rules ended."""
        answer = await self.call("POST", "/s3/clock", {"advance_days": days})
        expired: list[str] = answer["expired"]
        return expired

    async def objects(self, prefix: str = "") -> list[str]:
        """List the keys in the bucket."""
        answer = await self.call("GET", "/s3/objects", query={"prefix": prefix})
        return [found["key"] for found in answer["objects"]]

    async def mail(self, to: str | None = None) -> list[dict[str, Any]]:
        """List the caught letters in full, newest first; with `to` those to one address."""
        listed = await self.call("GET", "/mail", query={"to": to} if to else None)
        return [await self.call("GET", f"/mail/{letter['id']}") for letter in listed["letters"]]

    async def mail_faults(self, **faults: int) -> None:
        """Let the mail server refuse letters or lose its answer; without arguments, take all again."""
        await self.call("PUT", "/mail/faults", faults)

    async def reset(self) -> None:
        """Forget all requests and faults of fal and S3, and take the usual timing; files and objects stay."""
        await self.call("POST", "/reset")
        await self.s3_faults()

    async def call(
        self, method: str, path: str, body: object = None, query: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401 (JSON)
        """Make any call of the control API and return its JSON.

        Raises ValueError with the answer when it is refused.
        """
        data = None if body is None else json.dumps(body)
        async with self.http.request(method, self.url + path, data=data, params=query) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise ValueError(f"{method} {path}: {answer.status} {text}")
            return json.loads(text) if text else None


@dataclass(frozen=True)
class StripeControl:
    """The part of the control API that steers Stripe."""

    control: Control

    async def reset(self) -> None:
        """Forget every object, webhook and fault of Stripe, and go back to the present."""
        await self.control.call("POST", "/stripe/reset")

    async def faults(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force instead of any other: `{"fault", "match", "times", "params"}`."""
        await self.control.call("PUT", "/stripe/faults", list(rules))

    async def webhooks(self, **how: float | bool | None) -> None:
        """Change how webhooks are sent (`hold`, `spread_seconds`, `seed`, `retry_seconds` ...)."""
        await self.control.call("PUT", "/stripe/webhooks", how)

    async def flush(self, order: str = "as_happened", seed: int | None = None) -> int:
        """Send what is held `as_happened`, `reversed` or `shuffled`, and hurry the rest; return how many."""
        answer = await self.control.call("POST", "/stripe/webhooks/flush", {"order": order, "seed": seed})
        flushed: int = answer["flushed"]
        return flushed

    async def deliveries(self, **query: str) -> list[dict[str, Any]]:
        """List the webhooks so far, oldest first (`type`, `state`, `event`)."""
        found: list[dict[str, Any]] = await self.control.call("GET", "/stripe/deliveries", query=query)
        return found

    async def advance(self, days: float) -> int:
        """Move the time of everything without a test clock, do what is due, and return the new time."""
        answer = await self.control.call("POST", "/stripe/clock", {"days": days})
        now: int = answer["now"]
        return now

    async def collecting(self, **how: int | str | list[int]) -> None:
        """Change when invoices are collected (`retry_days`, `after_retries`, `renewal_seconds` ...)."""
        await self.control.call("PUT", "/stripe/collecting", how)

    async def dispute(self, charge: str, **fields: int | str | bool) -> dict[str, Any]:
        """Open a dispute on a charge (or the payment intent it was for)."""
        made: dict[str, Any] = await self.control.call(
            "POST", "/stripe/disputes", {"charge": charge} | fields
        )
        return made

    async def close_dispute(self, dispute: str, outcome: str) -> None:
        """Let the bank decide: `won` or `lost`."""
        await self.control.call("POST", f"/stripe/disputes/{dispute}/close", {"outcome": outcome})

    async def refund(self, charge: str, **fields: int | str) -> dict[str, Any]:
        """Refund a charge (or a payment intent) as somebody does in Stripe's dashboard."""
        made: dict[str, Any] = await self.control.call("POST", "/stripe/refunds", {"charge": charge} | fields)
        return made


@dataclass(frozen=True)
class Running:
    """A sandbox that listens: where, whom to trust, and how to steer it."""

    fal_host: str
    s3_endpoint: str
    stripe_base: str
    smtp_port: int
    control: Control
    ca_file: Path
    settings: Settings

    @property
    def stripe(self) -> StripeControl:
        """What steers Stripe."""
        return StripeControl(self.control)

    def environment(self, policy: str = "jobs") -> dict[str, str]:
        """Return the variables by which a service finds and trusts it, with the S3 rights of a policy."""
        name, key = next((name, key) for name, key in self.settings.s3_access.items() if key.policy == policy)
        return {
            "FAL_KEY": self.settings.fal_key,
            "FAL_QUEUE_RUN_HOST": self.fal_host,
            "FAL_JWKS_URL": f"https://{self.fal_host}/.well-known/jwks.json",
            "S3_ENDPOINT": self.s3_endpoint,
            "S3_PUBLIC_ENDPOINT": self.s3_endpoint,
            "S3_BUCKET": self.settings.s3_bucket,
            "AWS_ACCESS_KEY_ID": name,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_REGION": "us-east-1",
            "STRIPE_API_BASE": self.stripe_base,
            "STRIPE_SECRET_KEY": self.settings.stripe_key,
            "STRIPE_WEBHOOK_SECRET": self.settings.stripe_webhook_secret,
            "SSL_CERT_FILE": str(self.ca_file),
            "TRUSTED_NETWORKS": "127.0.0.0/8,::1/128",
        }


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """Run a sandbox in this process on free ports, with its data in `folder`."""
    settings = Settings(
        ca_dir=folder / "ca", fal_port=0, s3_port=0, stripe_port=0, control_port=0, smtp_port=0
    )
    sandbox = Sandbox(settings)
    try:
        await sandbox.start()
        async with ClientSession() as http:
            host = settings.host
            yield Running(
                fal_host=f"localhost:{sandbox.fal_port}",
                s3_endpoint=f"http://{host}:{sandbox.s3_port}",
                stripe_base=f"http://{host}:{sandbox.stripe_port}",
                smtp_port=sandbox.smtp_port,
                control=Control(f"http://{host}:{sandbox.control_port}", http),
                ca_file=settings.ca_dir / "ca.pem",
                settings=settings,
            )
    finally:
        await sandbox.stop()
