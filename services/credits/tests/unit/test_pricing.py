import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import order

from contracts.orders import Operation, Size
from credits.domain.pricing import Price, PriceList
from credits.domain.quote import Rates


def size(width: int, height: int) -> Size:
    return Size(width=width, height=height)


@pytest.mark.parametrize(
    ("quality", "picture", "unit"),
    [
        ("draft", None, 1),
        ("standard", None, 2),
        ("high", None, 4),
        ("standard", size(1024, 1024), 2),
        ("standard", size(1032, 1024), 4),
        ("standard", size(2048, 1024), 4),
        ("standard", size(2048, 1032), 8),
        ("high", size(2048, 2048), 16),
        ("draft", size(2048, 1024), 2),
    ],
)
def test_an_image_costs_base_times_quality_times_size(quality, picture, unit):
    assert PRICES.unit(order(1, quality=quality, size=picture)) == unit


def test_a_training_costs_the_same_whatever_the_picture():
    large = size(2048, 2048)
    assert PRICES.unit(order(1, Operation.CREATE_MODEL, "high", large)) == 100
    assert PRICES.unit(order(1, Operation.REFINE_MODEL, "draft", large)) == 50


def test_the_demo_costs_158():
    orders = [order(1, Operation.CREATE_MODEL), order(1, Operation.REFINE_MODEL), order(4)]
    assert Rates(PRICES).total(orders) == 158


@given(st.integers(0, 1000), st.decimals("0.001", 10, places=3), st.integers(1, 16), st.integers(0, 16))
def test_so_many_of_n_images_cost_exactly_so_many_units(base, multiplier, n, k):
    prices = PriceList(1, PRICES.effective_at, {Operation.GENERATE_IMAGES: Price(base, {"high": multiplier})})
    unit = prices.unit(order(1, quality="high"))
    assert 0 <= unit - base * multiplier < 1
    assert Rates(prices).total([order(n, quality="high")]) == n * unit
    assert k * unit + (n - k) * unit == n * unit
    assert prices.unit(order(1)) == base
    assert isinstance(unit, int)
