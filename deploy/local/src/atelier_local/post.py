"""Letters that the sandbox caught, and following their links as a person would."""

import json
import re
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from atelier_local.errors import CannotStart

Json = dict[str, Any]

_TOKEN = re.compile(r"/verify/([A-Za-z0-9_-]+)")
_LOOK_EVERY = 0.1

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def verification_token(sandbox_url: str, email: str, seconds: float = 30) -> str:
    """Wait for the letter that asks to verify an address, and return the token of its link."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (token := _token(sandbox_url, email)) is not None:
            return token
        time.sleep(_LOOK_EVERY)
    raise CannotStart(f"no letter to {email} after {seconds:.0f} s")


def _token(sandbox_url: str, email: str) -> str | None:
    listed = _read(f"{sandbox_url}/mail?{urlencode({'to': email})}")
    for letter in listed["letters"]:
        if found := _TOKEN.search(_read(f"{sandbox_url}/mail/{letter['id']}")["text"]):
            return found.group(1)
    return None


def _read(url: str) -> Json:
    with _direct.open(url, timeout=10) as answer:
        found: Json = json.loads(answer.read())
        return found
