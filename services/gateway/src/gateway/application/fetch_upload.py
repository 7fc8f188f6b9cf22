"""Let a team hand an image in by its address: it is fetched once, and kept like any other upload."""

from gateway.application.ports import Fetched, Fetcher, Links, Transaction
from gateway.domain.requests import Request


async def fetch_upload(
    request: Request, url: str, fetcher: Fetcher, links: Links, transaction: Transaction
) -> tuple[str, Fetched, bool]:
    """Fetch the image and put it where jobs will find it; asked again, once more to the same key.

    Raises CannotFetch, and StoreUnavailable when the bucket does not take it.
    """
    async with transaction() as work:
        earlier = await work.requests.earlier(request) or await work.requests.open(request)
    noted = earlier or request
    key = f"uploads/{noted.team_id}/{noted.subject}"
    image = await fetcher.fetch(url)
    await fetcher.put(links.upload(key, image.content_type, len(image.data)), image)
    return key, image, earlier is not None
