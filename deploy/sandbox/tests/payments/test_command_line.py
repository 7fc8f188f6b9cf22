"""Stripe's own command line as the judge: what it does to Stripe it can do to the sandbox."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

_VERSION = "1.52.0"
_FOLDER = Path(__file__).parents[4] / ".local" / "tools" / f"stripe-cli-{_VERSION}"

# Each trigger, and what it must have made happen.
TRIGGERS = {
    "checkout.session.completed": ["checkout.session.completed", "payment_intent.succeeded"],
    "checkout.session.async_payment_succeeded": ["checkout.session.completed", "payment_intent.processing"],
    "customer.subscription.created": ["customer.subscription.created", "invoice.paid"],
    "customer.subscription.updated": ["customer.subscription.updated"],
    "customer.subscription.deleted": ["customer.subscription.deleted"],
    "customer.subscription.trial_will_end": ["customer.subscription.trial_will_end"],
    "invoice.paid": ["invoice.paid", "invoice.payment_succeeded"],
    "invoice.payment_succeeded": ["invoice.payment_succeeded"],
    "invoice.payment_failed": ["invoice.payment_failed", "charge.failed"],
    "invoice.payment_action_required": ["invoice.payment_action_required"],
    "invoice.voided": ["invoice.voided"],
    "payment_intent.succeeded": ["payment_intent.succeeded"],
    "payment_intent.payment_failed": ["payment_intent.payment_failed"],
    "charge.refunded": ["charge.refunded", "refund.created"],
    "charge.dispute.created": ["charge.dispute.created"],
    "charge.dispute.closed": ["charge.dispute.closed"],
    "customer.deleted": ["customer.deleted"],
    "billing_portal.session.created": ["billing_portal.session.created"],
    "test_helpers.test_clock.ready": ["test_helpers.test_clock.advancing"],
}


@pytest.fixture(scope="session")
def command() -> Path:
    """Return the command, installed once by npm into the repository's own tools."""
    found = _FOLDER / "node_modules" / ".bin" / "stripe"
    if found.exists():
        return found
    npm = shutil.which("npm")
    if npm is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("Stripe's command line comes by npm, which is not installed here")
    subprocess.run(
        [npm, "install", "--prefix", _FOLDER, "--no-audit", "--no-fund", f"@stripe/cli@{_VERSION}"],
        check=True,
        capture_output=True,
        timeout=240,
    )
    return found


@pytest.fixture
def run(command, box, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
        "NO_PROXY": "127.0.0.1",
    }

    async def run(*words: str) -> str:
        account = ["--api-base", box.stripe_base, "--api-key", box.settings.stripe_key]
        process = await asyncio.create_subprocess_exec(
            *(str(command), *words, *account),
            env=environment,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        return said

    return run


@pytest.mark.parametrize("event", TRIGGERS)
async def test_it_triggers(shop, run, event):
    assert "Trigger succeeded!" in await run("trigger", event)
    happened = await shop.events()
    assert [kind for kind in TRIGGERS[event] if kind not in happened] == []


async def test_it_reads_and_writes(shop, run):
    customer = await shop.customer()
    assert '"email": "ada@example.com"' in await run("get", f"/v1/customers/{customer.id}")
    await run("post", f"/v1/customers/{customer.id}", "-d", "metadata[team_id]=t1")
    assert (await shop.api.customers.retrieve_async(customer.id)).metadata.team_id == "t1"
