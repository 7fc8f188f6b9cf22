from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.books import refused
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import order

from contracts import credits as said
from contracts.orders import Operation, Size
from credits.domain.pricing import InvalidPrices, Price, PriceList, Step, complete
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


def test_a_price_list_is_shown_by_operation_with_what_multiplies_the_base():
    listed = PriceList(
        3,
        PRICES.effective_at,
        {
            Operation.GENERATE_IMAGES: Price(2, {"high": Decimal("1.1")}, (Step(100, Decimal("0.3")),)),
            Operation.CREATE_MODEL: Price(100),
        },
    )
    assert listed.face() == said.PricingChanged(
        version=3,
        effective_at=PRICES.effective_at,
        prices=(
            said.Price(operation=Operation.CREATE_MODEL, base=100),
            said.Price(
                operation=Operation.GENERATE_IMAGES,
                base=2,
                qualities={"high": 1.1},
                sizes=(said.SizeStep(pixels=100, factor=0.3),),
            ),
        ),
    )


def test_a_picture_larger_than_the_last_step_costs_as_much_as_the_last():
    prices = Price(1, sizes=(Step(64 * 64, Decimal(3)), Step(128 * 64, Decimal(5))))
    units = [prices.unit(order(1, size=size(width, 64)).recipe) for width in (64, 65, 128, 129, 2048)]
    assert units == [3, 5, 5, 5, 5]


@pytest.mark.parametrize(
    ("price", "problems"),
    [
        (Price(0), []),
        (Price(-1), ["base is below zero"]),
        (Price(1, {"high": Decimal("0.01")}, (Step(1, Decimal(1)), Step(2, Decimal(1)))), []),
        (Price(1, {"high": Decimal(0)}), ["a multiplier is not above zero"]),
        (Price(1, {}, (Step(1, Decimal(-1)),)), ["a multiplier is not above zero"]),
        (Price(1, {}, (Step(2, Decimal(1)), Step(1, Decimal(2)))), ["sizes do not rise"]),
        (Price(1, {}, (Step(1, Decimal(1)), Step(1, Decimal(2)))), ["sizes do not rise"]),
        (
            Price(-1, {"high": Decimal(0)}, (Step(1, Decimal(1)), Step(1, Decimal(2)))),
            ["base is below zero", "a multiplier is not above zero", "sizes do not rise"],
        ),
    ],
)
def test_a_price_says_what_is_wrong_with_it(price, problems):
    assert list(price.problems()) == problems


def test_a_list_needs_one_sound_price_of_each_operation_and_says_all_that_is_missing():
    good = [(operation, Price(1)) for operation in Operation]
    assert complete(good) == dict.fromkeys(Operation, Price(1))
    why = (
        "refine_model has no prices; generate_images has 2 prices; "
        "generate_images: base is below zero; create_model: a multiplier is not above zero"
    )
    wrong = [
        (Operation.GENERATE_IMAGES, Price(1)),
        (Operation.GENERATE_IMAGES, Price(-1)),
        (Operation.CREATE_MODEL, Price(1, {"high": Decimal(0)})),
    ]
    with refused(InvalidPrices, why):
        complete(wrong)
