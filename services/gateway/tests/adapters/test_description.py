import re
from pathlib import Path

from services.gateway.tests.stage import Stage

from gateway.adapters.inbound.cli import description

KEPT = Path(__file__).parents[4] / "docs" / "openapi.json"


def test_the_kept_description_is_current():
    assert KEPT.read_text() == description() + "\n", "run make docs"


async def test_the_documentation_needs_no_other_site(stage: Stage):
    async with stage.client() as client:
        page = (await client.get("/docs")).text
        named = re.findall(r'(?:src|href)="([^"]+)"', page)
        assets = [await client.get(path) for path in named]

    assert len(named) == 3
    assert all(path.startswith("/docs/assets/") for path in named)
    assert [asset.status_code for asset in assets] == [200, 200, 200]
    assert "https://" not in page
