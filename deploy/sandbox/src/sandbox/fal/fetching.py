"""Downloads of what an input names by address: archives, weights, pictures."""

import base64

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from sandbox.fal.outcomes import ModelError, model_error

_LIMIT = 512 * 1024 * 1024
_TIMEOUT = ClientTimeout(total=60, connect=10)


class Fetcher:
    """Fetches http, https and data addresses as a model does before it starts."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def fetch(self, url: str, *loc: str) -> bytes:
        """Return what `url` holds, or raise the `file_download_error` of the field `loc`."""
        try:
            if url.startswith("data:"):
                return base64.b64decode(url.partition(",")[2], validate=True)
            async with self._session.get(url, timeout=_TIMEOUT) as answer:
                return await _body(answer, *loc)
        except (ClientError, TimeoutError, ValueError) as reason:
            raise _failed(str(reason) or type(reason).__name__, *loc) from reason


async def _body(answer: ClientResponse, *loc: str) -> bytes:
    if answer.status != 200:
        raise _failed(f"the server answered {answer.status}", *loc)
    content = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 18):
        content += chunk
        if len(content) > _LIMIT:
            raise model_error("file_too_large", "File size exceeds the limit", *loc, max_size=_LIMIT)
    return bytes(content)


def _failed(reason: str, *loc: str) -> ModelError:
    return model_error("file_download_error", f"Failed to download the file: {reason}", *loc)
