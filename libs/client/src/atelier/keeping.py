"""Files: images and exports on the way out, images on the way in. A file is there whole or not at all."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx

from atelier.calling import AGAIN, Patience, ask, call
from atelier.documents import Image, Upload, UploadLink
from atelier.flow import Answer, Flow, Request, Save, Sleep
from atelier.problems import FileRefused, Unreachable

_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
_UNSAFE = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 48


def file_name(image: Image, prompt: str, url: str) -> str:
    """Name an image after what it shows and where it is from: `harbour-at-dawn-4b5c5e6f-2.jpg`."""
    words = _UNSAFE.sub("-", prompt.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "image"
    job_id, _, n = image.id.partition("_")
    return f"{words}-{job_id[-8:]}-{n}{_ending(url)}"


def _ending(url: str) -> str:
    ending = Path(urlsplit(url).path).suffix.lower()
    return ending if re.fullmatch(r"\.[a-z0-9]{1,5}", ending) else ""


def save(patience: Patience, link: Callable[[], Flow[str]], path: Path) -> Flow[Path]:
    """Fetch what a link leads to into a file. The link is asked for before each try: links end."""
    for pause in (*patience.pauses(), None):
        url = yield from link()
        lost: Unreachable | FileRefused | None = None
        try:
            with whole(path) as file:
                answer: Answer = yield Save(Request("GET", url), file)
                if not answer.ok:
                    raise _Refused(answer.status)
        except httpx.TransportError as error:
            lost = Unreachable(f"{path.name} was not saved: {error or type(error).__name__}")
        except _Refused as error:
            lost = FileRefused(f"{path.name} was not saved: its link answered {error.status}")
            if error.status not in AGAIN | {HTTPStatus.FORBIDDEN}:
                raise lost from None
        if lost is None:
            return path
        if pause is None:
            raise lost
        yield Sleep(pause)
    raise AssertionError("the last try returns or raises")


class _Refused(Exception):
    """A link gives nothing; so nothing is put in the file's place."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Write beside a file and put the whole in its place; nothing is left of what failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def hand_in(patience: Patience, content: bytes) -> Flow[Upload]:
    """Put an image where jobs find it. Raises FileRefused for what is no JPEG, PNG or WebP."""
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise FileRefused("only JPEG, PNG and WebP images can be handed in")
    wanted = Request("POST", "/api/uploads", json={"content_type": kind, "size": len(content)})
    link = yield from ask(patience, UploadLink, wanted)
    put = Request(link.method, link.url, headers=link.headers, content=content)
    yield from call(patience, put)
    return Upload(key=link.key)
