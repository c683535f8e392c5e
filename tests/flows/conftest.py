"""Twins that the stories of one module share: they take longer to start than most stories to play."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shop import Stage, shared_twins

from interlock.cli.twin_world import TwinWorld


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TwinWorld, Path]]:
    """One set of twins for the module, and the folder that names them."""
    template = tmp_path_factory.mktemp("shared") / "shop"
    with shared_twins(template) as world:
        yield world, template


@pytest.fixture
def stage(shared: tuple[TwinWorld, Path], tmp_path: Path) -> Stage:
    """The twins, and a folder of its own for one hub."""
    world, template = shared
    return Stage(world, template, tmp_path / "shop")
