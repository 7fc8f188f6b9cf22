import json
from decimal import Decimal

import pytest
from services.credits.tests.fakes import PRICES

from contracts.orders import Operation
from credits.adapters.inbound.price_file import read_prices
from credits.domain.pricing import InvalidPrices, Price, Step

TRAININGS = [{"operation": "create_model", "base": 100}, {"operation": "refine_model", "base": 50}]


def images(**changes: object) -> bytes:
    price = {"operation": "generate_images", "base": 2, **changes}
    return json.dumps({"prices": [*TRAININGS, price]}).encode()


def test_what_is_shown_can_be_published_again():
    assert read_prices(PRICES.face().model_dump_json(include={"prices"})) == PRICES.prices


def test_multipliers_are_read_as_they_are_written():
    read = read_prices(images(qualities={"high": 1.1}, sizes=[{"pixels": 100, "factor": 0.3}]))
    expected = Price(2, {"high": Decimal("1.1")}, (Step(100, Decimal("0.3")),))
    assert read[Operation.GENERATE_IMAGES] == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"prices", "the file: Invalid JSON"),
        (b"[]", "the file: Input should be an object"),
        (b"{}", "prices: Field required"),
        (json.dumps({"prices": TRAININGS}), "generate_images has no prices"),
        (json.dumps({"prices": [*TRAININGS, *TRAININGS]}), "create_model has 2 prices"),
        (images(base=-1), "prices.2.base: Input should be greater than or equal to 0"),
        (images(base=2.5), "prices.2.base: Input should be a valid integer"),
        (images(base=10**9), "prices.2.base: Input should be less than or equal to 1000000"),
        (images(qualites={"draft": 0.5}), "prices.2.qualites: Extra inputs are not permitted"),
        (images(qualities={"best": 3}), "prices.2.qualities.best.[key]: Input should be 'draft'"),
        (images(qualities={"high": 0}), "prices.2.qualities.high: Input should be greater than 0"),
        (images(sizes=[{"pixels": 2, "factor": 1}, {"pixels": 1, "factor": 2}]), "sizes do not rise"),
        (images(operation="paint"), "prices.2.operation: Input should be 'create_model'"),
    ],
)
def test_what_is_wrong_is_said_and_where(content, problem):
    with pytest.raises(InvalidPrices) as refused:
        read_prices(content)
    assert problem in str(refused.value)


def test_everything_wrong_is_said_at_once():
    with pytest.raises(InvalidPrices) as refused:
        read_prices(images(base=-1, qualities={"high": 0}))
    assert len(refused.value.problems) == 2
