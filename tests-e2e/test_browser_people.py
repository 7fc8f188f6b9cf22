"""Several people at the dashboard: letters, roles, and one team in two browsers."""

import re
import uuid
from collections.abc import AsyncIterator

import pytest
from e2e.browser import PASSWORD, Visitor
from e2e.house import House
from e2e.letters import link
from playwright.async_api import Browser, expect

pytestmark = pytest.mark.long


def address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


async def invited(owner: Visitor, house: House, browser: Browser, name: str, role: str) -> Visitor:
    """Let somebody new join through the letter."""
    guest = await Visitor.at(house.stack.url, browser)
    guest.email = address()
    await owner.page.goto("/team")
    await owner.page.get_by_label("E-mail").fill(guest.email)
    await owner.page.get_by_label("As", exact=True).select_option(label=role)
    await owner.page.get_by_role("button", name="Invite").click()
    await expect(owner.page.get_by_text(f"The invitation to {guest.email} is on its way.")).to_be_visible()
    await guest.page.goto(await link(house.stack.sandbox_url, guest.email, "Join"))
    await guest.judge()
    await guest.page.get_by_label("Your name").fill(name)
    await guest.page.get_by_label("Password").fill(PASSWORD)
    await guest.page.get_by_role("button", name="Join the team").click()
    await guest.page.wait_for_url(f"{guest.url}/")
    return guest


@pytest.fixture
async def member(house: House, browser: Browser, person: Visitor) -> AsyncIterator[Visitor]:
    """A member of the person's team, in a browser of their own."""
    guest = await invited(person, house, browser, "Grace Hopper", "Member")
    yield guest
    await guest.leave()


async def test_a_returning_member_sees_no_controls_that_are_not_theirs(person: Visitor, member: Visitor):
    await (await person.generate("made by the owner")).locator("h3 a").wait_for()
    await member.page.locator(".menu summary").click()
    await member.page.get_by_role("button", name="Sign out").click()
    await member.sign_in(member.email)
    page = member.page
    await expect(page.get_by_role("button", name="Generate 4 images")).to_be_visible()
    await page.locator(".menu summary").click()
    for hidden in ("API keys", "Webhooks"):
        await expect(page.get_by_role("link", name=hidden)).to_have_count(0)
    await page.goto("/team")
    await expect(page.locator("#people").get_by_text("Grace Hopper")).to_be_visible()
    for hidden in ("Invite", "Rename", "Close the team", "Change role", "Remove"):
        await expect(page.get_by_role("button", name=hidden)).to_have_count(0)
    await page.goto("/credits")
    await expect(page.get_by_text("An owner or admin can change that and buy credits.")).to_be_visible()
    for hidden in ("Choose Starter", "Buy", "Turn on", "Change plan or card"):
        await expect(page.get_by_role("button", name=hidden)).to_have_count(0)
    await member.judge()


async def test_a_member_is_refused_kindly_where_they_may_not_go(member: Visitor):
    for path in ("/api-keys", "/webhooks", "/team/activity"):
        answer = await member.page.goto(path)
        assert answer.status == 403, path
        await expect(member.page.get_by_text("Ask an owner or an admin of the team.")).to_be_visible()
        await member.judge()
    await member.page.get_by_role("link", name="Back to the studio").click()
    await expect(member.page.get_by_role("heading", name="Generate", exact=True)).to_be_visible()


async def test_an_owner_sees_live_who_joins(house: House, browser: Browser, person: Visitor):
    await person.page.goto("/team")
    await person.page.get_by_label("E-mail").fill("half an addr")
    watching = await person.context.new_page()
    await watching.goto("/team")
    await watching.get_by_label("E-mail").fill("half an addr")
    guest = await invited(person, house, browser, "Katherine Johnson", "Admin")

    await expect(watching.locator("#people")).to_contain_text("Katherine Johnson")
    await expect(watching.get_by_text("Nobody is invited at the moment.")).to_be_visible()
    await expect(watching.get_by_label("E-mail")).to_have_value("half an addr")
    await expect(watching.get_by_text("Others work in this team.")).to_be_visible()
    await guest.leave()


async def test_a_change_of_role_changes_the_page_that_is_open(person: Visitor, member: Visitor):
    await member.page.goto("/credits")
    await person.page.goto("/team")
    await person.page.get_by_role("button", name="Change role of Grace Hopper").click()
    dialog = person.page.get_by_role("dialog", name="What is Grace Hopper?")
    await dialog.get_by_label("Admin").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(person.page.locator("#people li", has_text="Grace Hopper")).to_contain_text("Admin")

    await expect(member.page.get_by_role("button", name="Choose Starter")).to_be_visible()


async def test_who_is_removed_is_out_at_once(person: Visitor, member: Visitor):
    await member.page.goto("/jobs")
    await person.page.goto("/team")
    await person.page.get_by_role("button", name="Remove Grace Hopper").click()
    await person.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    await expect(person.page.locator("#people")).not_to_contain_text("Grace Hopper")

    await expect(member.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_an_open_dialog_stays_open_while_the_team_changes(person: Visitor, member: Visitor):
    await person.page.goto("/team")
    await person.page.get_by_role("button", name="Change role of Grace Hopper").click()
    dialog = person.page.get_by_role("dialog", name="What is Grace Hopper?")
    await dialog.get_by_label("Admin").check()
    async with person.page.expect_response("**/team"):
        await member.context.request.patch("/api/me", data={"name": "Grace B. Hopper"})
    await expect(dialog.get_by_label("Admin")).to_be_checked()
    await dialog.get_by_role("button", name="Keep it").click()

    await expect(person.page.locator("#people")).to_contain_text("Grace B. Hopper")


async def test_two_browsers_of_one_team_see_each_others_jobs_and_balance(person: Visitor, member: Visitor):
    await member.page.goto("/jobs")
    await person.generate("seen from the other side")

    await expect(member.page.locator("#found h3 a", has_text="seen from the other side")).to_be_visible()
    await expect(member.page.locator("#found .badge").first).to_have_text("Done")
    await expect(member.page.locator("#balance")).to_contain_text("192 credits")


async def test_nothing_is_made_in_another_team_than_the_page_shows(person: Visitor):
    await person.page.goto("/generate")
    await person.page.get_by_label("What do you want to see?").fill("for the first team")
    other = await person.context.new_page()
    await other.goto("/teams/new")
    await other.get_by_label("Name").fill("Second studio")
    await other.get_by_role("button", name="Make the team").click()
    await other.wait_for_url(f"{person.url}/")

    await person.page.get_by_role("button", name="Generate 4 images").click()
    await expect(person.page.get_by_text(re.compile("Reload it|Second studio")).first).to_be_visible()
    await person.page.goto("/jobs")
    await expect(person.page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    await expect(person.page.locator(".menu summary")).to_have_text("Second studio")


async def test_a_forgotten_password_is_replaced_through_the_letter(
    house: House, browser: Browser, person: Visitor
):
    await person.page.goto("/models")
    elsewhere = await Visitor.at(house.stack.url, browser)
    page = elsewhere.page
    await page.goto("/sign-in")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("E-mail").fill(person.email)
    await page.get_by_role("button", name="Send the letter").click()
    await expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    letter = await link(house.stack.sandbox_url, person.email, "Choose a new password")
    await page.goto(letter)
    await elsewhere.judge()
    await page.get_by_label("New password").fill("another horse battery")
    await page.get_by_role("button", name="Save and sign in").click()
    await expect(page.get_by_role("heading", name="Generate", exact=True)).to_be_visible()
    await page.goto(letter)
    await page.get_by_label("New password").fill("a third horse battery")
    await page.get_by_role("button", name="Save and sign in").click()
    await expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()

    await person.page.reload()
    await expect(person.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await person.sign_in(person.email, "another horse battery")
    await elsewhere.leave()
