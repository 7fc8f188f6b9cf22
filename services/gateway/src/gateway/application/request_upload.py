"""Let a team put one image where jobs will find it."""

from gateway.application.ports import Links, Transaction, UploadLink
from gateway.domain.requests import Request


async def request_upload(
    request: Request, content_type: str, size: int, links: Links, transaction: Transaction
) -> tuple[str, UploadLink, bool]:
    """Sign a link for one object of just this type and size; asked again, a fresh link to the same key."""
    async with transaction() as work:
        earlier = await work.requests.earlier(request) or await work.requests.open(request)
    noted = earlier or request
    key = f"uploads/{noted.team_id}/{noted.subject}"
    return key, links.upload(key, content_type, size), earlier is not None
