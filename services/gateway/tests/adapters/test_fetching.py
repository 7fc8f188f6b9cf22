"""Uploads by address: what is taken, what is refused, and that nothing private is reached."""

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread

import pytest
from services.gateway.tests.stage import Stage

from gateway.adapters.outbound.fetcher import LARGEST, GuardedFetcher
from gateway.application.ports import CannotFetch, Fetched, StoreUnavailable, UploadLink

JPEG = b"\xff\xd8\xff\xe0 picture"
PAGES = {
    "/picture.jpg": (200, {"Content-Type": "text/plain"}, JPEG),
    "/picture.png": (200, {}, b"\x89PNG\r\n\x1a\n..."),
    "/picture.webp": (200, {}, b"RIFF\x04\x00\x00\x00WEBPVP8 "),
    "/moved": (302, {"Location": "/picture.jpg"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/private": (302, {"Location": "http://10.0.0.1/picture.jpg"}, b""),
    "/file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/page": (200, {"Content-Type": "image/jpeg"}, b"<html>"),
    "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(JPEG + bytes(LARGEST))),
    "/huge": (200, {}, JPEG + bytes(LARGEST)),
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = PAGES.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403 if self.path == "/closed" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output readable."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetcher() -> GuardedFetcher:
    return GuardedFetcher([ip_network("127.0.0.0/8")])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/picture.jpg", "image/jpeg"),
        ("/picture.png", "image/png"),
        ("/picture.webp", "image/webp"),
        ("/moved", "image/jpeg"),
    ],
)
async def test_an_image_is_known_by_its_bytes(fetcher: GuardedFetcher, site: str, path: str, kind: str):
    assert (await fetcher.fetch(site + path)).content_type == kind


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/page", "not_an_image"),
        ("/nothing", "url_unreachable"),
        ("/loop", "url_unreachable"),
        ("/huge", "image_too_large"),
        ("/bomb", "not_an_image"),
        ("/private", "url_refused"),
        ("/file", "url_refused"),
    ],
)
async def test_what_is_no_image_is_refused_with_its_reason(
    fetcher: GuardedFetcher, site: str, path: str, code: str
):
    with pytest.raises(CannotFetch) as refused:
        await fetcher.fetch(site + path)
    assert refused.value.code == code


async def test_a_private_address_is_never_connected_to(site: str):
    with pytest.raises(CannotFetch) as refused:
        await GuardedFetcher(()).fetch(f"{site}/picture.jpg")
    assert refused.value.code == "url_refused"


async def test_a_name_that_does_not_exist_is_unreachable(fetcher: GuardedFetcher):
    with pytest.raises(CannotFetch) as refused:
        await fetcher.fetch("http://nowhere.invalid/picture.jpg")
    assert refused.value.code == "url_unreachable"


async def test_a_bucket_that_refuses_is_told_apart_from_a_bad_address(fetcher: GuardedFetcher, site: str):
    link = UploadLink(f"{site}/closed", {}, expires_at=None)
    with pytest.raises(StoreUnavailable):
        await fetcher.put(link, Fetched("image/jpeg", JPEG))


@pytest.mark.parametrize("url", ["http://10.0.0.1/p.jpg", "http://169.254.169.254/latest/meta-data"])
async def test_clients_are_told_that_an_address_is_refused(stage: Stage, url: str):
    person = await stage.person()
    answer = await person.client.post("/api/uploads/from-url", json={"url": url})

    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://example.com/1", "picture.jpg", ""])
async def test_what_is_no_web_address_is_invalid(stage: Stage, url: str):
    person = await stage.person()
    answer = await person.client.post("/api/uploads/from-url", json={"url": url})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_an_address_is_measured_as_it_was_written(stage: Stage):
    person = await stage.person()
    longest = "http://10.0.0.1?".ljust(2000, "x")  # in its usual form it has one sign more
    answers = [
        await person.client.post("/api/uploads/from-url", json={"url": url})
        for url in (longest, f"{longest}x")
    ]

    assert [answer.json()["code"] for answer in answers] == ["url_refused", "invalid_request"]
