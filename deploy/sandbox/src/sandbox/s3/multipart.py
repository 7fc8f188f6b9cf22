"""Uploads in parts; kept in memory until completed, so a restart forgets unfinished ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from uuid import uuid4
from xml.etree.ElementTree import ParseError

from sandbox.s3.problem import S3Problem
from sandbox.s3.xml import parse


@dataclass(slots=True)
class Upload:
    """One unfinished object."""

    key: str
    headers: dict[str, str]
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, number: int, body: bytes) -> str:
        """Keep a part, or replace it; return its ETag."""
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.parts[number] = (etag, body)
        return etag

    def join(self, document: bytes) -> tuple[bytes, str]:
        """Return the whole body and its ETag: the MD5 of the parts' MD5s, and their number."""
        wanted = _wanted_parts(document)
        chosen = [self.parts.get(number) for number, _ in wanted]
        matching = [part for part, (_, etag) in zip(chosen, wanted, strict=True) if part and part[0] == etag]
        if len(matching) != len(wanted) or not wanted:
            message = "One or more of the specified parts could not be found or its ETag does not match."
            raise S3Problem(400, "InvalidPart", message)
        digests = b"".join(bytes.fromhex(etag) for etag, _ in matching)
        etag = hashlib.md5(digests, usedforsecurity=False).hexdigest()
        return b"".join(body for _, body in matching), f"{etag}-{len(matching)}"


def _wanted_parts(document: bytes) -> list[tuple[int, str]]:
    try:
        parts = list(parse(document).iter("Part"))
        wanted = [
            (int(part.findtext("PartNumber", "")), part.findtext("ETag", "").strip('"')) for part in parts
        ]
    except (ParseError, ValueError):
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise S3Problem(400, "MalformedXML", message) from None
    if [number for number, _ in wanted] != sorted({number for number, _ in wanted}):
        raise S3Problem(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    return wanted


class Uploads:
    """All unfinished objects of the bucket."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    def begin(self, key: str, headers: dict[str, str]) -> str:
        """Open an upload; return its id."""
        upload_id = uuid4().hex
        self._uploads[upload_id] = Upload(key, headers)
        return upload_id

    def find(self, upload_id: str, key: str) -> Upload:
        """Return an open upload of this key."""
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            message = "The specified multipart upload does not exist."
            raise S3Problem(404, "NoSuchUpload", message, UploadId=upload_id)
        return upload

    def end(self, upload_id: str) -> None:
        """Forget an upload, completed or aborted."""
        self._uploads.pop(upload_id, None)
