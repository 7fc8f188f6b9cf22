"""Fifty at once: nobody spends what the team does not have, nobody gets more than its slots."""

from collections import Counter

from e2e.house import PLENTY, together

AT_ONCE = 50


async def ask(team, prompt, **more):
    wishes = [await team.wish(f"{prompt} {n}", quality="draft", **more) for n in range(AT_ONCE)]
    return await together(team.post("/api/generate", wish) for wish in wishes)


async def test_fifty_at_once_on_credits_for_twenty(house):
    team = await house.team(credits_added=-180, **PLENTY)
    answers = await ask(team, "on credits for twenty")
    assert Counter(answer.status_code for answer in answers) == {202: 20, 402: 30}
    for refused in (answer.json() for answer in answers if answer.status_code == 402):
        assert (refused["code"], refused["required"]) == ("insufficient_credits", 1)
        assert refused["spendable"] == 0
    jobs = await team.ends(job for answer in answers if answer.is_success for job in answer.json()["jobs"])
    assert Counter(job["status"] for job in jobs) == {"completed": 20}
    assert len(await team.all("/api/jobs")) == 20
    balance = await team.balance()
    assert (balance["available"], balance["reserved"], balance["open"]) == (0, 0, 0)
    assert min(line["balance_after"] for line in await team.history()) == 0
    accounts = [event["data"] for event in await team.all("/api/events", after=0)
                if event["type"] == "account.changed"]  # fmt: skip
    assert min(min(account["available"], account["reserved"]) for account in accounts) == 0
    assert len(await house.submits_are_explained("on credits for twenty")) == 20
    await house.is_settled()


async def test_fifty_at_once_with_slots_for_twenty(house):
    team = await house.team(credits_added=1_000, **PLENTY | {"open": 20})
    async with house.provider.behaving(image_seconds=8):  # nothing ends, so no slot comes free meanwhile
        answers = await ask(team, "with slots for twenty")
        assert Counter(answer.status_code for answer in answers) == {202: 20, 429: 30}
        for refused in (answer.json() for answer in answers if answer.status_code == 429):
            assert (refused["code"], refused["open"], refused["allowed"]) == ("queue_full", 20, 20)
        assert (await team.balance())["open"] == 20
    jobs = await team.ends(job for answer in answers if answer.is_success for job in answer.json()["jobs"])
    assert Counter(job["status"] for job in jobs) == {"completed": 20}
    balance = await team.balance()
    assert (balance["available"], balance["reserved"], balance["open"]) == (1_180, 0, 0)
    await house.submits_are_explained("with slots for twenty")
    await house.is_settled()
