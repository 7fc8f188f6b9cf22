from __future__ import annotations

from aiohttp import web

from sandbox.s3.xml import document


class S3Problem(Exception):
    """A refusal in S3's own words: HTTP status, error code, message and further elements of the body."""

    def __init__(self, status: int, code: str, message: str, **elements: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.elements = elements

    def response(self, resource: str, request_id: str, *, with_body: bool) -> web.Response:
        """Render the error document; an answer to HEAD has none."""
        elements = {"Code": self.code, "Message": self.message, **self.elements}
        body = document("Error", {**elements, "Resource": resource, "RequestId": request_id}, namespace="")
        return web.Response(
            status=self.status, body=body if with_body else None, content_type="application/xml"
        )


def access_denied(message: str = "Access Denied", **elements: str) -> S3Problem:
    """Return the refusal S3 gives to whoever may not do this, or did not say who they are."""
    return S3Problem(403, "AccessDenied", message, **elements)
