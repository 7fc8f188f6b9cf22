"""What things cost, before and after: the price list, offers that bind, and the history as a file."""

import csv
import io

import httpx
from e2e.client import Client, Json
from e2e.house import House

SIZE = {"width": 256, "height": 256}


async def offer(client: Client, **item: object) -> Json:
    body = {"items": [{"operation": "generate_images", "size": SIZE, **item}]}
    answer = await client.post("/api/credits/quotes", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(client: Client, prompt: str, count: int, **more: object) -> httpx.Response:
    return await client.post("/api/generate", await client.wish(prompt, count, **more))


async def test_an_offer_is_taken_up_once_and_never_exceeded(house: House):
    client = await house.team()
    quote = await offer(client, quantity=4, quality="high")
    assert (quote["total"], quote["items"][0]["unit_price"]) == (16, 4)
    job = await client.generate("an offer taken up", 3, quality="high", quote_id=quote["id"])
    ended = await client.end(job)
    again = await ask(client, "once more", 4, quality="high", quote_id=quote["id"])

    assert ended["receipt"]["captured"] == 12
    assert (again.status_code, again.json()["code"]) == (409, "quote_mismatch")
    await house.is_settled()


async def test_an_offer_does_not_cover_something_else(house: House):
    client = await house.team()
    quote = await offer(client, quantity=1)
    more = await ask(client, "more than offered", 2, quote_id=quote["id"])
    other = await ask(client, "other than offered", 1, quality="high", quote_id=quote["id"])

    assert [(a.status_code, a.json()["code"]) for a in (more, other)] == [(409, "quote_mismatch")] * 2
    assert (await client.balance())["reserved"] == 0


async def test_the_price_list_says_what_is_charged(house: House):
    client = await house.team()
    pricing = await client.get("/api/credits/pricing")
    bases = {price["operation"]: price["base"] for price in pricing["prices"]}
    job = await client.end(await client.generate("by the list"))

    assert bases == {"generate_images": 2, "create_model": 100, "refine_model": 50}
    assert job["receipt"]["captured"] == bases["generate_images"]
    assert job["cost"]["price_version"] == pricing["version"]


async def test_the_history_is_the_same_as_a_file(house: House):
    client = await house.team()
    await client.end(await client.generate("for the history", 2))
    lines = await client.history()
    file = (await client.read("/api/credits/history", format="csv")).text
    rows = list(csv.DictReader(io.StringIO(file, newline="")))

    assert [row["id"] for row in reversed(rows)] == [line["id"] for line in lines]
    assert [int(row["balance_after"]) for row in rows][:1] == [196]
