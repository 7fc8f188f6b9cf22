from datetime import UTC, datetime

import pytest

from contracts.credits import Price, PricingChanged, SizeStep
from contracts.orders import Operation, Size
from gateway.domain.prices import unit_price

IMAGES = Operation.GENERATE_IMAGES
PRICING = PricingChanged(
    version=1,
    effective_at=datetime(2026, 1, 1, tzinfo=UTC),
    prices=(
        Price(
            operation=IMAGES,
            base=2,
            qualities={"draft": 0.5, "standard": 1, "high": 2},
            sizes=(SizeStep(pixels=1024 * 1024, factor=1), SizeStep(pixels=2 * 1024 * 1024, factor=2)),
        ),
        Price(operation=Operation.CREATE_MODEL, base=100),
    ),
)


@pytest.mark.parametrize(
    ("quality", "width", "height", "credits"),
    [
        ("draft", 1024, 1024, 1),
        ("standard", 1024, 1024, 2),
        ("high", 1024, 1024, 4),
        ("standard", 1408, 1408, 4),
        ("high", 1408, 1408, 8),
        ("draft", 64, 64, 1),
    ],
)
def test_an_image_costs_what_the_list_says(quality, width, height, credits):
    assert unit_price(PRICING, IMAGES, quality, Size(width=width, height=height)) == credits


def test_a_training_has_its_base_price():
    assert unit_price(PRICING, Operation.CREATE_MODEL) == 100


def test_parts_of_a_credit_are_rounded_up():
    odd = PRICING.model_copy(update={"prices": (Price(operation=IMAGES, base=3, qualities={"draft": 0.1}),)})
    assert unit_price(odd, IMAGES, "draft") == 1


@pytest.mark.parametrize("pricing", [None, PRICING])
def test_without_a_price_nothing_is_promised(pricing):
    assert unit_price(pricing, Operation.REFINE_MODEL) is None
