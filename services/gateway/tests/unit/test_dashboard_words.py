from datetime import timedelta

import pytest
from pydantic import ValidationError

from chassis.clock import utc_now
from gateway.adapters.inbound.dashboard import words
from gateway.adapters.inbound.dashboard.forms import complaints, filled
from gateway.adapters.inbound.dashboard.routes.people import _inside
from gateway.adapters.inbound.http.bodies.people import SignUpBody


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1, seconds=5), "1 minute ago"),
        (timedelta(hours=3, seconds=5), "3 hours ago"),
        (timedelta(days=2, seconds=5), "2 days ago"),
        (-timedelta(days=2, seconds=5), "in 2 days"),
        (-timedelta(seconds=5), "in a moment"),
    ],
)
def test_times_are_told_as_people_do(distance, said):
    assert words.ago(utc_now() - distance) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")]
)
def test_places_are_told_in_order(number, said):
    assert words.ordinal(number) == said


def test_things_are_counted():
    assert [words.counted(n, "credit") for n in (0, 1, 1200)] == ["0 credits", "1 credit", "1,200 credits"]


def test_money_is_told_with_its_currency():
    assert [words.money(4900, "usd"), words.money(-50, "eur"), words.money(123456, "chf")] == [
        "$49.00",
        "-€0.50",
        "1,234.56 CHF",
    ]
    assert [words.price(4900, "usd"), words.price(499, "usd"), words.price(900, "chf")] == [
        "$49",
        "$4.99",
        "9 CHF",
    ]


def test_codes_without_words_are_said_as_well_as_they_can_be():
    say = words.FILTERS["happened"]
    assert [say("settling"), say("queued"), say("something_newer")] == [
        "Settling the price",
        "Waiting",
        "Something newer",
    ]


def test_each_field_is_told_what_is_wrong_with_it():
    with pytest.raises(ValidationError) as error:
        SignUpBody(name="", email="nobody", password="short")

    told = complaints(error.value)
    assert (told["name"], told["password"]) == (
        "Please fill this in.",
        "This is too short: at least 10 characters.",
    )
    assert told["email"].startswith("Value is not a valid email address")


def test_empty_fields_are_left_out():
    assert filled({"seed": "", "count": 0, "prompt": "a hat", "key": None}) == {"count": 0, "prompt": "a hat"}


@pytest.mark.parametrize(
    ("there", "leads"),
    [
        ("/models?status=ready", "/models?status=ready"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_on_only_within_the_dashboard(there, leads):
    assert _inside(there) == leads
