import re
from pathlib import Path

from services.gateway.tests.stage import Stage

from gateway.adapters.inbound.cli import description
from gateway.adapters.inbound.http.app import create_app

KEPT = Path(__file__).parents[4] / "docs" / "openapi.json"


def test_the_kept_description_is_current():
    assert KEPT.read_text() == description() + "\n", "run make docs"


def test_every_operation_has_a_name_a_summary_and_its_problems():
    paths = create_app().openapi()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations) > 20
    for operation in operations:
        assert operation["summary"]
        problem = operation["responses"]["422"]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}


async def test_the_documentation_needs_no_other_site(stage: Stage):
    async with stage.client() as client:
        page = (await client.get("/docs")).text
        named = re.findall(r'(?:src|href)="([^"]+)"', page)
        assets = [await client.get(path) for path in named]

    assert len(named) == 3
    assert all(path.startswith("/docs/assets/") for path in named)
    assert [asset.status_code for asset in assets] == [200, 200, 200]
    assert "https://" not in page
