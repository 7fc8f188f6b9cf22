"""The sandbox's control API: how the provider behaves, and what it saw."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

TINY = 64
FOR_EVER = 86_400.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Provider:
    """The provider behind a stack."""

    url: str

    def answer_at_once(self, *, tiny: bool) -> None:
        """Forget what was, and be done with each request as soon as it comes."""
        self._call("POST", "/reset")
        self.behave(image_seconds=0, concurrency=100_000, tiny_images=TINY if tiny else None)

    def hold_on(self) -> None:
        """Take every request and finish none of them."""
        self.behave(image_seconds=FOR_EVER, concurrency=1_000_000, tiny_images=TINY)

    def behave(self, **timing: object) -> None:
        """Change how long things take."""
        self._call("PUT", "/timing", timing)

    def summary(self) -> dict[str, int]:
        """Count the requests by state."""
        found: dict[str, int] = self._call("GET", "/requests?summary=1")
        return found

    def called_back(self) -> dict[str, str]:
        """Tell by prompt, as the provider was given it, when the webhook of each request was first sent."""
        sent = {one["request_id"]: one["attempts"] for one in self._call("GET", "/deliveries")}
        asked = self._call("GET", "/requests")
        return {
            one["prompt"]: sent[one["request_id"]][0]["at"] for one in asked if sent.get(one["request_id"])
        }

    def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - what it answers
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 - our own sandbox
        with _direct.open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")
