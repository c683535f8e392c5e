"""Square twins for these tests: one program for each configuration, ended afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from square_seller import Seller


@pytest.fixture(scope="module")
def sellers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Seller]]:
    """sellers(**config): one twin for each configuration."""
    running: dict[str, Seller] = {}

    def started(**config: Any) -> Seller:
        name = json.dumps(config, sort_keys=True)
        if name not in running:
            running[name] = Seller(tmp_path_factory.mktemp("square"), config)
        return running[name]

    yield started
    for seller in running.values():
        seller.process.terminate()
    for seller in running.values():
        seller.end()


@pytest.fixture
def seller(sellers: Callable[..., Seller]) -> Iterator[Seller]:
    """The strict one; healed after each test."""
    found = sellers()
    yield found
    found.call("repair")
