import asyncio
import gzip
import io
import ipaddress
import json

import httpx
import pytest
from aiohttp import web

from jobs.adapters.outbound import media as media_module
from jobs.adapters.outbound.media import Media
from jobs.application.ports import ProviderUnavailable, ResultGone
from sandbox import certificates

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


async def endless(request):
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65_536)


async def silent(_):
    await asyncio.sleep(600)


async def cut(request):
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b"x" * 10)
    request.transport.close()
    return answer


async def redirect(request):
    raise web.HTTPFound(request.query["to"])


async def circle(_):
    raise web.HTTPFound("/circle")


async def status(request):
    return web.Response(status=int(request.match_info["status"]))


async def bomb(request):
    assert request.headers["Accept-Encoding"] == "identity"
    return web.Response(body=gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"})


async def file(request):
    assert "Authorization" not in request.headers
    return web.Response(body=b"y" * 1000)


@pytest.fixture(scope="module")
async def server(running_sandbox):
    """A host of files that behaves in every bad way; its address."""
    app = web.Application()
    app.add_routes(
        [web.get(f"/{get.__name__}", get) for get in (endless, silent, cut, redirect, circle, bomb, file)]
    )
    app.add_routes([web.get("/status/{status}", status)])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    ca = certificates.authority(running_sandbox.settings.ca_dir)
    tls = certificates.server_context(ca, ["localhost", "127.0.0.1"])
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"https://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_file_is_fetched(media, server):
    assert await media.download(f"{server}/file", 1000) == b"y" * 1000


@pytest.mark.parametrize("path", ["/file", "/endless"])
async def test_a_file_beyond_the_limit_is_given_up(media, server, path):
    with pytest.raises(ResultGone, match="larger than 999"):
        await media.download(server + path, 999)


@pytest.mark.parametrize("path", ["/cut", "/status/500", "/status/503", "/status/429"])
async def test_a_bad_moment_is_worth_another_try(media, server, path):
    with pytest.raises(ProviderUnavailable):
        await media.download(server + path, 1000)


@pytest.mark.parametrize("path", ["/status/404", "/status/403", "/status/410", "/status/204"])
async def test_a_deleted_file_never_comes(media, server, path):
    with pytest.raises(ResultGone):
        await media.download(server + path, 1000)


async def test_a_packed_file_is_refused_before_it_can_grow(media, server):
    with pytest.raises(ResultGone, match="sent as gzip"):
        await media.download(f"{server}/bomb", 100_000)


async def test_a_silent_host_does_not_hold_us_up(server, monkeypatch, running_sandbox):
    monkeypatch.setattr(media_module, "_PATIENCE", 0.3)
    media = Media(trusted=LOOPBACK)
    with pytest.raises(ProviderUnavailable, match="TimeoutError"):
        await media.download(f"{server}/silent", 1000)
    await media.close()


async def test_a_redirect_is_followed_to_https_only(media, server):
    assert len(await media.download(f"{server}/redirect?to={server}/file", 1000)) == 1000
    for elsewhere in ("http://example.test/x", "ftp://example.test/x"):
        with pytest.raises(ResultGone):
            await media.download(f"{server}/redirect?to={elsewhere}", 1000)
    with pytest.raises(ResultGone, match="TooManyRedirects"):
        await media.download(f"{server}/circle", 1000)


@pytest.mark.parametrize("url", ["http://localhost/x", "file:///etc/passwd", "", "https//x", "gopher://x"])
async def test_only_https_is_fetched(media, url):
    with pytest.raises(ResultGone):
        await media.download(url, 1000)


async def test_a_private_address_is_refused_unless_its_network_is_trusted(server):
    careful = Media()
    with pytest.raises(ResultGone, match="ForbiddenAddress"):
        await careful.download(f"{server}/file", 1000)
    with pytest.raises(ResultGone, match="ForbiddenAddress"):
        await careful.download("https://169.254.169.254/latest/meta-data", 1000)
    await careful.close()


async def test_a_redirect_to_a_private_address_is_refused(running_sandbox, server):
    only_this_host = Media(trusted=(ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128")))
    with pytest.raises(ResultGone, match="ForbiddenAddress"):
        await only_this_host.download(f"{server}/redirect?to=https://127.0.0.2/file", 1000)
    await only_this_host.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(server, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    trusting_nobody = Media(trusted=LOOPBACK)
    with pytest.raises(ProviderUnavailable, match="ConnectError"):
        await trusting_nobody.download(f"{server}/file", 1000)
    await trusting_nobody.close()


async def test_a_certificate_of_another_name_is_refused(media, server, monkeypatch):
    port = httpx.URL(server).port
    with pytest.raises(ProviderUnavailable, match="ConnectError"):
        await media.download(f"https://127.0.0.2:{port}/file", 1000)


def weights(header: object, data: bytes) -> bytes:
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data


WHOLE = weights(
    {"__metadata__": {"a": "b"}, "x": {"data_offsets": [0, 4]}, "y": {"data_offsets": [4, 8]}}, b"12345678"
)


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (WHOLE, True),
        (WHOLE[:-1], False),
        (WHOLE + b"more", False),
        (WHOLE[:20], False),
        (weights({}, b""), False),
        (weights({"x": {}}, b"1234"), False),
        (weights({"x": {"data_offsets": ["a", "b"]}}, b"1234"), False),
        (weights([1], b"1234"), False),
        (b"<html>not found</html>", False),
        (b"\xff" * 100, False),
        (b"", False),
    ],
)
def test_only_whole_weights_are_weights(data, good):
    assert media_module._is_safetensors(io.BytesIO(data), len(data)) is good
