"""The mailbox of a person, which the sandbox keeps."""

import asyncio
import re

import httpx

_LINK = re.compile(r"https?://[^/\s]+(/(?:verify|reset|invitations)/[A-Za-z0-9_-]+)")


async def letter(sandbox_url: str, email: str, subject: str) -> str:
    """Wait for a letter about something, and read the newest one."""
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=sandbox_url) as post:
        while True:
            listed = (await post.get("/mail", params={"to": email})).json()["letters"]
            for one in listed:
                if subject in one["subject"]:
                    return (await post.get(f"/mail/{one['id']}")).json()["text"]
            await asyncio.sleep(0.2)


async def link(sandbox_url: str, email: str, subject: str) -> str:
    """Wait for a letter about something, and take the page its link leads to."""
    return _LINK.search(await letter(sandbox_url, email, subject))[1]
