"""Paying at the dashboard, on the payment pages of the sandbox."""

import pytest
from e2e.browser import Visitor
from playwright.async_api import Page, expect

pytestmark = pytest.mark.long


async def checkout(page: Page, button: str) -> None:
    await page.goto("/credits")
    await page.get_by_role("button", name=button).click()
    await expect(page.get_by_text("Paying as")).to_be_visible()


async def test_a_declined_card_changes_nothing_and_a_good_one_brings_the_plan(person: Visitor):
    page, watching = person.page, await person.context.new_page()
    await watching.goto("/credits")
    await checkout(page, "Choose Business")
    await page.get_by_role("button", name="Decline").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was paid.")
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_text("Nothing was paid, and nothing has changed.")).to_be_visible()
    await expect(page.locator("#billing dd").first).to_have_text("Free")
    await expect(watching.locator("#balance")).to_contain_text("200 credits")

    await checkout(page, "Choose Business")
    await page.get_by_label("Card").select_option(label="Visa ending in 4242: pays")
    await page.get_by_role("button", name="Pay").click()
    await expect(page.get_by_text("Thank you. Your plan and its credits appear here")).to_be_visible()
    for shown in (page, watching):
        await expect(shown.locator("#billing dd").first).to_contain_text("Business")
        await expect(shown.locator("#balance")).to_contain_text("20,000 credits")
    await expect(watching.locator("#billing")).to_contain_text("ending in 4242")
    await expect(watching.get_by_role("region", name="Invoices")).to_contain_text("$119.00")
    await person.judge()
    await page.get_by_role("button", name="Change plan or card").click()
    await expect(page.get_by_role("button", name="Update card")).to_be_visible()


async def test_a_pack_is_paid_for_and_the_history_is_filtered_and_downloaded(person: Visitor):
    page = person.page
    await checkout(page, "Buy 500 credits")
    await page.get_by_role("button", name="Pay").click()
    await expect(page.locator("#balance")).to_contain_text("700 credits")
    await page.get_by_label("What", exact=True).select_option(label="Bought")
    await expect(page.locator("#lines tbody tr")).to_have_count(1)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download these lines as CSV").click()
    lines = (await (await download.value).path()).read_text().splitlines()
    assert len(lines) == 2
    assert ",top_up," in lines[1]
    await person.judge()
