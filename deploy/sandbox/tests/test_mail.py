"""The mail catcher, with the standard library's unmodified client."""

import asyncio
import smtplib
from email.message import EmailMessage

import pytest
from aiohttp import ClientSession

from sandbox.testing import Running


@pytest.fixture
async def sandbox(box: Running) -> Running:
    await box.control.call("DELETE", "/mail")
    await box.control.mail_faults()
    return box


def letter(to: str = "ada@example.com", subject: str = "Welcome, Zoë") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Atelier <post@atelier.test>", to, subject
    message.set_content("Follow https://atelier.test/verify?token=abc\n")
    message.add_alternative("<p>Follow <b>me</b></p>", subtype="html")
    return message


async def send(sandbox: Running, message: EmailMessage) -> None:
    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as client:
            client.send_message(message)

    await asyncio.to_thread(deliver)


async def test_a_letter_is_caught_with_its_parts_and_its_links(sandbox: Running):
    await send(sandbox, letter())
    [caught] = await sandbox.control.mail("ADA@example.com")

    assert (caught["sender"], caught["recipients"]) == ("post@atelier.test", ["ada@example.com"])
    assert (caught["subject"], caught["from"]) == ("Welcome, Zoë", "Atelier <post@atelier.test>")
    assert caught["text"].strip() == "Follow https://atelier.test/verify?token=abc"
    assert caught["html"].strip() == "<p>Follow <b>me</b></p>"
    assert caught["links"] == ["https://atelier.test/verify?token=abc"]


async def test_letters_are_listed_by_address_newest_first_and_dropped(sandbox: Running):
    for to, subject in (("ada@example.com", "one"), ("bob@example.com", "two"), ("ada@example.com", "three")):
        await send(sandbox, letter(to, subject))
    http, url = sandbox.control.http, sandbox.control.url

    assert [one["subject"] for one in await sandbox.control.mail()] == ["three", "two", "one"]
    assert [one["subject"] for one in await sandbox.control.mail("ada@example.com")] == ["three", "one"]
    assert (await http.delete(f"{url}/mail", params={"to": "ada@example.com"})).status == 204
    assert [one["subject"] for one in await sandbox.control.mail()] == ["two"]
    assert (await http.delete(f"{url}/mail")).status == 204
    assert await sandbox.control.mail() == []
    assert (await http.get(f"{url}/mail/none")).status == 404


async def test_a_browser_gets_pages_that_run_nothing_of_a_letter(sandbox: Running):
    await send(sandbox, letter(subject="<script>alert(1)</script>"))
    [caught] = await sandbox.control.mail()
    async with ClientSession(headers={"Accept": "text/html"}) as browser:
        pages = [
            await (await browser.get(f"{sandbox.control.url}/mail{path}")).text()
            for path in ("", f"/{caught['id']}")
        ]

    assert all("<script>" not in page and "&lt;script&gt;" in page for page in pages)
    assert '<a href="https://atelier.test/verify?token=abc">' in pages[1]


async def test_letters_are_refused_when_told_so(sandbox: Running):
    await sandbox.control.mail_faults(refuse=1, code=451)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        await send(sandbox, letter())
    await send(sandbox, letter())

    assert len(await sandbox.control.mail()) == 1


async def test_an_answer_can_get_lost_although_the_letter_was_taken(sandbox: Running):
    await sandbox.control.mail_faults(lose_answer=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await send(sandbox, letter())

    assert len(await sandbox.control.mail()) == 1


async def test_wrong_faults_are_refused(sandbox: Running):
    answer = await sandbox.control.http.put(f"{sandbox.control.url}/mail/faults", json={"refuse": -1})

    assert answer.status == 422
