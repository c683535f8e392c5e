"""The page of the priority matrix: nine cells, every flow a link with its rank, and what lacks a way back."""

import re

from console.browse import Browser
from console.store import strategy


def test_the_matrix_has_nine_cells_and_every_flow(browser: Browser) -> None:
    """A real three by three, with the flows as links in the cells of their impact and complexity."""
    text = browser.get("/strategy/matrix").text
    table = re.search(r'<table class="matrix">(.*?)</table>', text, re.DOTALL)[1]
    assert len(re.findall(r'<td class="phase-\d">', table)) == 9
    for flow in strategy().flows.values():
        assert f'href="/flows/{flow.name}"' in table
    assert "interlock matrix" in text and "no way back written down" in text
