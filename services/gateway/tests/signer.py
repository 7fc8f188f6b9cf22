"""A provider that signs its webhooks and publishes its keys over HTTP."""

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.domain.callback import SignedCall


@dataclass
class Signer:
    """Signs as documented; `published` are the keys that its JWKS shows, `fetched` counts who looked."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    published: list[Ed25519PrivateKey] = field(default_factory=list)
    fetched: int = 0
    broken: bool = False
    server: Any = None

    def __post_init__(self) -> None:
        self.published.append(self.key)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port if self.server else 9}/jwks.json"

    def headers(self, body: bytes, age: float = 0) -> dict[str, str]:
        call = SignedCall("req-1", "user-1", str(int(time.time() - age)), "", body)
        return {
            "X-Fal-Webhook-Request-Id": call.request_id,
            "X-Fal-Webhook-User-Id": call.user_id,
            "X-Fal-Webhook-Timestamp": call.timestamp,
            "X-Fal-Webhook-Signature": self.key.sign(call.message()).hex(),
        }

    def start(self) -> None:
        signer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                signer.fetched += 1
                body = b"not json" if signer.broken else json.dumps({"keys": signer.jwks()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Whoever stops it waits for it to look.
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def jwks(self) -> list[dict[str, str]]:
        raw = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in self.published]
        return [
            {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(x).decode().rstrip("=")}
            for x in raw
        ]
