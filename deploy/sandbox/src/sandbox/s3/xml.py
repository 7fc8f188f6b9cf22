"""The little XML that S3 speaks: answers from nested dicts, requests into elements without namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def document(root: str, elements: Mapping[str, object], namespace: str = _NAMESPACE) -> bytes:
    """Render an answer; a list repeats its element, a mapping nests."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    inside = _render(elements)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{attribute}>{inside}</{root}>'.encode()


def _render(elements: Mapping[str, object]) -> str:
    return "".join(_element(name, value) for name, value in elements.items())


def _element(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{_render(value)}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(_element(name, item) for item in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def parse(body: bytes) -> ET.Element:
    """Read a request body, without namespaces.

    Raises:
        ET.ParseError: the body is not well-formed.
    """
    root = ET.fromstring(body)  # noqa: S314 - a stand-in for local use; expat limits entity expansion itself
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
