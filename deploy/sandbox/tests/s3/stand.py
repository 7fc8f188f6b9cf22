"""The S3 stand-in on ports of its own, and clients for it."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import boto3
import pytest
import trustme
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.s3 import control_routes, create_app

BUCKET = "atelier"

KEYS = {
    "jobs-key": {"secret": "jobs-secret", "policy": "jobs"},
    "gateway-key": {"secret": "gateway-secret", "policy": "gateway"},
}


@dataclass(frozen=True)
class Settings:
    ca_dir: Path
    s3_bucket: str = BUCKET

    @property
    def s3_keys(self):
        return KEYS


class Sandbox:
    """The S3 application, plain and over TLS, and its control API, on a loop of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        self.run(self._start())

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _start(self) -> None:
        app = create_app(Settings(ca_dir=self._folder / "ca"))
        control = web.Application()
        control.add_routes(control_routes(app))
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        self.authority = self._folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self._runners = [web.AppRunner(app, auto_decompress=False), web.AppRunner(control)]
        ports = []
        for runner in self._runners:
            await runner.setup()
        for runner, context in zip((*self._runners, self._runners[0]), (None, None, tls), strict=True):
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        ports = [address[1] for runner in self._runners for address in runner.addresses]
        plain, secure, steer = ports
        self.url, self.secure_url = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"
        self.control_url = f"http://127.0.0.1:{steer}"

    def stop(self) -> None:
        for runner in self._runners:
            self.run(runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def client(self, access_key="jobs-key", secret=None, **options):
        return boto3.client(
            "s3",
            endpoint_url=options.pop("endpoint_url", self.url),
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret or KEYS[access_key]["secret"],
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
            ),
            **options,
        )

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = fetch(method, self.control_url + path, data, {"Content-Type": "application/json"})
        assert status == 200, answer
        return json.loads(answer)


def fetch(method, url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def code_of(work):
    with pytest.raises(ClientError) as refused:
        work()
    return refused.value.response["Error"]["Code"]
