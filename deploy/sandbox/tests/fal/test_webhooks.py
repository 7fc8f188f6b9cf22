import asyncio
import base64
import hashlib
import time

import fal_client
import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from deploy.sandbox.tests.hook import Hook

from sandbox import certificates

DEV = "fal-ai/flux/dev"


async def verify(raw: httpx.AsyncClient, headers: dict[str, str], body: bytes) -> None:
    """As fal documents it: four lines, signed with a key of the published set."""
    names = ("Request-Id", "User-Id", "Timestamp", "Signature")
    request_id, user_id, timestamp, signature = (headers[f"X-Fal-Webhook-{name}"] for name in names)
    assert abs(time.time() - int(timestamp)) < 300
    message = "\n".join([request_id, user_id, timestamp, hashlib.sha256(body).hexdigest()])
    x = (await raw.get("/.well-known/jwks.json")).json()["keys"][0]["x"]
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    key.verify(bytes.fromhex(signature), message.encode())


async def submit(
    fal: fal_client.AsyncClient, hook: Hook, prompt: str = "a tree"
) -> fal_client.AsyncRequestHandle:
    return await fal.submit(DEV, {"prompt": prompt}, webhook_url=hook.url)


async def fault(control: httpx.AsyncClient, name: str, **rule: object) -> None:
    (await control.put("/faults", json=[{"fault": name, **rule}])).raise_for_status()


async def deliveries(control: httpx.AsyncClient) -> list[dict]:
    return (await control.get("/deliveries")).json()


async def test_the_result_arrives_signed(fal, raw, hook: Hook):
    handle = await submit(fal, hook)
    (body,) = await hook.bodies(1)
    assert (body["request_id"], body["status"], body["error"]) == (handle.request_id, "OK", None)
    assert body["payload"] == await handle.get(interval=0.01)
    await verify(raw, *hook.received[0])


async def test_a_failure_arrives_as_an_error(fal, hook: Hook):
    await fal.submit(DEV, {}, webhook_url=hook.url)
    (body,) = await hook.bodies(1)
    assert (body["status"], body["error"]) == ("ERROR", "Unexpected status code: 422")
    assert body["payload"]["detail"][0]["type"] == "missing"


async def test_a_refused_delivery_is_tried_again(fal, control, hook: Hook):
    await control.put("/timing", json={"webhook_scale": 0.001})
    hook.answers = [503, 404]
    await submit(fal, hook)
    await hook.bodies(3)
    await asyncio.sleep(0.05)
    (delivery,) = await deliveries(control)
    assert delivery["state"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 404, 200]


async def test_a_redirect_is_final(fal, control, hook: Hook):
    hook.answers = [302]
    await submit(fal, hook)
    await hook.bodies(1)
    await asyncio.sleep(0.05)
    assert [one["state"] for one in await deliveries(control)] == ["failed"]


async def test_lost_then_delivered_on_demand(fal, control, hook: Hook):
    await fault(control, "webhook_lost")
    handle = await submit(fal, hook)
    await handle.get(interval=0.01)
    (lost,) = await deliveries(control)
    assert (lost["state"], hook.received) == ("lost", [])
    again = (await control.post(f"/deliveries/{lost['id']}/redeliver")).json()
    assert again["attempts"][0]["status"] == 200
    assert len(hook.received) == 1


async def test_duplicated(fal, control, hook: Hook):
    await fault(control, "webhook_duplicated", params={"copies": 3})
    await submit(fal, hook)
    bodies = await hook.bodies(3)
    assert bodies[0] == bodies[1] == bodies[2]


async def test_late_until_flushed(fal, control, hook: Hook):
    await fault(control, "webhook_late", params={"seconds": 60})
    await (await submit(fal, hook)).get(interval=0.01)
    assert hook.received == []
    assert (await control.post("/webhooks/flush")).json() == {"flushed": 1}
    await hook.bodies(1)


async def test_reordered(fal, control, hook: Hook):
    await fault(control, "webhook_reordered", match={"nth": 1})
    first = await submit(fal, hook)
    await first.get(interval=0.01)
    second = await submit(fal, hook)
    bodies = await hook.bodies(2)
    assert [body["request_id"] for body in bodies] == [second.request_id, first.request_id]


@pytest.mark.parametrize("name", ["webhook_forged", "webhook_truncated"])
async def test_forged_and_truncated_do_not_verify(fal, raw, control, hook: Hook, name: str):
    await fault(control, name)
    await (await submit(fal, hook)).get(interval=0.01)
    await hook.arrived(1)
    with pytest.raises(InvalidSignature):
        await verify(raw, *hook.received[0])


async def test_a_restart_keeps_the_signing_key(tmp_path):
    first, second = (certificates.webhook_key(tmp_path).private_bytes_raw() for _ in range(2))
    assert first == second


async def test_a_restart_keeps_the_authority(tmp_path):
    first, second = (certificates.authority(tmp_path).cert_pem.bytes() for _ in range(2))
    assert first == second
