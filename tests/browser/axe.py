"""What axe-core finds wrong with a page for people who see, hear or point otherwise."""
from playwright.sync_api import Page

from tests.setup.places import axe_file

GRAVE = ("serious", "critical")


def problems(page: Page) -> list[str]:
    """The grave problems of the page as it is: which rule, where, and what to do."""
    # Not by a script element, which the page's policy forbids.
    page.evaluate(f"window.axe || (() => {{ {axe_file().read_text()} }})()")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']} ({one['impact']}) at {len(one['nodes'])} places, such as {one['nodes'][0]['html'][:200]}: "
            f"{one['nodes'][0]['failureSummary']}" for one in found["violations"] if one["impact"] in GRAVE]
