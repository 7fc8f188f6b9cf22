"""Letters on their way to a real mail server."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from services.gateway.tests.stage import Stage

from chassis.clock import utc_now
from chassis.statement import text
from contracts.credits import LowBalance
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.smtp import SmtpPostman
from gateway.application.send_letters import send_letters
from gateway.domain.letters import Content, Letter
from sandbox.testing import Running, running

SENDER = "Atelier <post@atelier.test>"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as sandbox:
        yield sandbox


async def write(stage: Stage, recipient: str = "ada@example.com", subject: str = "Hello") -> None:
    async with transaction(stage.database)() as work:
        content = Content(subject, "Follow https://atelier.test/verify?token=abc\n", "<p>Follow</p>")
        await work.post.write(recipient, content, utc_now())


async def deliver(stage: Stage, url: str, at: datetime | None = None) -> bool:
    return await send_letters(transaction(stage.database), SmtpPostman(url, SENDER), lambda: at or utc_now())


async def test_a_letter_arrives_once_and_is_forgotten(stage: Stage, sandbox: Running):
    await write(stage, "zoë@example.com", "Grüße")
    for _ in range(2):
        assert await deliver(stage, f"smtp://127.0.0.1:{sandbox.smtp_port}") is False
    [caught] = await sandbox.control.mail()

    assert (caught["from"], caught["to"], caught["subject"]) == (SENDER, "zoë@example.com", "Grüße")
    assert caught["links"] == ["https://atelier.test/verify?token=abc"]
    assert caught["message_id"].endswith("@atelier.test>")
    assert await stage.rows("select id from gateway.letters") == []


async def test_a_letter_that_is_not_taken_is_tried_again_later_under_the_same_id(
    stage: Stage, sandbox: Running
):
    url, now = f"smtp://127.0.0.1:{sandbox.smtp_port}", utc_now()
    await write(stage)
    await sandbox.control.mail_faults(refuse=1, code=451)
    await deliver(stage, url, now + timedelta(seconds=1))
    [waiting] = await stage.rows("select attempts, last_error, next_attempt_at from gateway.letters")
    await deliver(stage, url, now + timedelta(seconds=3))
    assert await sandbox.control.mail() == []
    await sandbox.control.mail_faults(lose_answer=1)
    await deliver(stage, url, now + timedelta(seconds=10))
    await deliver(stage, url, now + timedelta(minutes=2))

    assert (waiting.attempts, "451" in waiting.last_error) == (1, True)
    caught = await sandbox.control.mail()
    assert len({letter["message_id"] for letter in caught}) == 1
    assert len(caught) == 2  # its taking was not told: better twice than never


async def test_a_letter_whose_delivery_was_interrupted_is_tried_again_after_a_minute(
    stage: Stage, sandbox: Running
):
    url, now = f"smtp://127.0.0.1:{sandbox.smtp_port}", utc_now()
    await write(stage)
    async with transaction(stage.database)() as work:
        assert len(await work.post.claim(now + timedelta(seconds=1), 10)) == 1
    await deliver(stage, url, now + timedelta(seconds=50))
    early = await sandbox.control.mail()
    await deliver(stage, url, now + timedelta(seconds=62))

    assert early == []
    assert len(await sandbox.control.mail()) == 1


async def test_a_letter_refused_for_good_is_parked_until_an_operator_decides(stage: Stage, sandbox: Running):
    url = f"smtp://127.0.0.1:{sandbox.smtp_port}"
    await write(stage, "nobody@example.com")
    await write(stage, "broken address\r\nBcc: all@example.com")
    await sandbox.control.mail_faults(refuse=1, code=550)
    await deliver(stage, url)
    async with transaction(stage.database)() as work:
        parked = await work.post.parked()
        assert await work.post.count_parked() == 2
        assert await work.post.drop([letter.id for letter in parked if "broken" in letter.recipient]) == 1
        assert await work.post.unpark([letter.id for letter in parked], utc_now()) == 1
    await deliver(stage, url)

    assert parked[0].recipient == "nobody@example.com"
    assert [letter["recipients"] for letter in await sandbox.control.mail()] == [["nobody@example.com"]]


async def test_without_a_mail_server_letters_wait(stage: Stage):
    await write(stage)
    await deliver(stage, "smtp://127.0.0.1:9")
    [letter] = await stage.rows("select attempts, parked_at, last_error from gateway.letters")

    assert (letter.attempts, letter.parked_at) == (1, None)
    assert letter.last_error


async def test_a_password_does_not_go_over_an_open_line(stage: Stage, sandbox: Running):
    await write(stage)
    await deliver(stage, f"smtp://post:secret@127.0.0.1:{sandbox.smtp_port}")
    [letter] = await stage.rows("select last_error from gateway.letters")

    assert "STARTTLS" in letter.last_error
    assert await sandbox.control.mail() == []


def test_no_name_begins_a_header_of_its_own():
    content = Content("Join x\r\nBcc: all@example.com", "x", "x")
    letter = Letter(uuid4(), "ada@example.com", content, utc_now())
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        SmtpPostman("smtp://127.0.0.1:9", SENDER).message(letter)


async def test_a_low_balance_is_written_once_to_each_who_wants_that(stage: Stage, sandbox: Running):
    ada = await stage.person("ada@example.com")
    grace = await stage.invited(ada, "grace@example.com")
    await stage.invited(ada, "linus@example.com")
    async with stage.database.begin() as connection:
        await connection.execute(text("delete from gateway.letters"))
    for person in (ada, grace):
        chosen = await person.client.patch("/api/me", json={"notices": ["low_balance"]})
        assert (chosen.status_code, chosen.json()["notices"]) == (200, ["low_balance"])
    low = LowBalance(team_id=ada.team_id, spendable=8, threshold=20, at=utc_now())
    await stage.hear(low)
    await stage.hear(low)
    await stage.hear(low, low)
    await deliver(stage, f"smtp://127.0.0.1:{sandbox.smtp_port}")
    caught = await sandbox.control.mail()

    assert sorted(letter["to"] for letter in caught) == ["ada@example.com", "grace@example.com"]
    assert {letter["subject"] for letter in caught} == {"Ada's team is running low on credits"}
    assert {tuple(letter["links"]) for letter in caught} == {("http://127.0.0.1:8000/credits",)}
    assert (await grace.client.patch("/api/me", json={"notices": []})).json()["notices"] == []
    await stage.hear(low.model_copy(update={"at": utc_now(), "spendable": 1}))  # above in between
    assert [row.recipient for row in await stage.rows("select recipient from gateway.letters")] == [
        "ada@example.com"
    ]


async def test_what_somebody_wants_letters_about_is_chosen_for_each_team(stage: Stage):
    ada = await stage.person("ada@example.com")
    await ada.client.patch("/api/me", json={"notices": ["low_balance"]})
    assert (await ada.client.post("/api/teams", json={"name": "Second"})).status_code == 201
    there = (await ada.client.get("/api/me")).json()
    unknown = await ada.client.patch("/api/me", json={"notices": ["horoscope"]})
    await ada.client.post(f"/api/teams/{ada.team_id}/switch")
    here = (await ada.client.get("/api/me")).json()

    assert (there["team"]["name"], there["notices"]) == ("Second", [])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_request")
    assert here["notices"] == ["low_balance"]
