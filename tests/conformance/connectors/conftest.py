"""Starts each vendor's twin once, as the separate program it is, and gives every test an order of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vendor_cases import Case, Twin

ORDER_NUMBERS = itertools.count(1)


class TwinProcess(Twin):
    """One twin; `call` reaches its control API."""

    def __init__(self, vendor: str, config: dict[str, Any], directory: Path) -> None:
        file = directory / "config.json"
        file.write_text(json.dumps(config))
        command = [sys.executable, "-m", "interlock.twins", vendor, "--data", str(directory / "data"), "--seed", "7"]
        command += ["--config", str(file), "--parent-pid", str(os.getpid())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TwinProcess]]:
    """Running twins by a name of ours, started when first asked for."""
    running = _Running(tmp_path_factory)
    yield running
    for twin in running.values():
        twin.end()


class _Running(dict[str, TwinProcess]):
    def __init__(self, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self.folders = folders

    def started(self, vendor: str, config: dict[str, Any], kind: str) -> TwinProcess:
        name = f"{vendor}-{kind}"
        if name not in self:
            self[name] = TwinProcess(vendor, config, self.folders.mktemp(name))
        return self[name]


@pytest.fixture
def number() -> int:
    """An order number that no other test uses."""
    return next(ORDER_NUMBERS)


@pytest.fixture
def twin(case: Case, twins: _Running) -> Iterator[Twin]:
    """The vendor's twin as it guards itself; healed after each test."""
    found = twins.started(case.vendor, case.config, "strict")
    yield found
    found.call("DELETE", "/_twin/faults")


@pytest.fixture
def naive_twin(case: Case, twins: _Running) -> Iterator[Twin]:
    """A twin that lets duplicates happen, for the controls."""
    found = twins.started(case.vendor, case.config | case.naive_config, "naive")
    yield found
    found.call("DELETE", "/_twin/faults")
