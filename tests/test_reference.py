"""The reference pages say what the code says."""
import json
import re
from pathlib import Path

import pytest

from servicex import reference
from servicex.api import ROUTES
from servicex.cli import cli
from servicex.settings import Settings

FOLDER = Path(__file__).parent.parent / "doc" / "reference"


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "openapi.json"])
def test_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == reference.pages(cli)[name], "run: servicex-app docs doc/reference"


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_openapi_has_every_route_and_every_reference_leads_somewhere() -> None:
    document = json.loads((FOLDER / "openapi.json").read_text())
    assert len(document["paths"]) == len(ROUTES)
    for resource in (resource for _, resource in ROUTES):
        for method in resource.methods or ():
            described = [p for p in document["paths"].values() if p.get(method.lower(), {}).get(
                "operationId") == f"{method.lower()}_{resource.__name__}"]
            assert len(described) == 1
    schemas = document["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert name in schemas
