"""Starts twins as the separate programs they are, on free ports, and speaks HTTP to them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ANSWER_SECONDS = 10


@dataclass
class Answer:
    """One HTTP answer: status, headers with lower-case names, and the body as JSON when it is JSON."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class RunningTwin:
    """A twin's process, and requests to it."""

    arguments: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self) -> RunningTwin:
        command = [sys.executable, "-m", "interlock.twins", *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.url = ready["url"]
        return self

    def stop(self, *, kill: bool = False) -> int:
        assert self.process is not None
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        status = self.process.wait(ANSWER_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> Answer:
        """Send one request on a connection of its own; `body` is text, or a value to send as JSON."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            connection.request(
                method, path, text, {"content-type": "application/json", **self.headers, **(headers or {})}
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()

    def effects(self, kind: str = "") -> list[dict[str, Any]]:
        return list(self.send("GET", f"/_twin/effects{'?kind=' + kind if kind else ''}").json)

    def summary(self) -> dict[str, Any]:
        return dict(self.send("GET", "/_twin/effects/summary").json)

    def add_fault(self, **rule: Any) -> dict[str, Any]:
        answer = self.send("POST", "/_twin/faults", rule)
        assert answer.status == 201, answer.text
        return dict(answer.json)


Start = Callable[..., RunningTwin]


@pytest.fixture
def start_twin(tmp_path: Path) -> Iterator[Start]:
    """start_twin(vendor, config=None, headers=None, data="data") gives a running twin; all are ended afterwards."""
    started: list[RunningTwin] = []

    def start(
        vendor: str, config: dict[str, Any] | None = None, headers: dict[str, str] | None = None, data: str = "data"
    ) -> RunningTwin:
        arguments = [vendor, "--data", str(tmp_path / data), "--seed", "7", "--parent-pid", str(os.getpid())]
        if config is not None:
            file = tmp_path / f"{vendor}.json"
            file.write_text(json.dumps(config))
            arguments += ["--config", str(file)]
        twin = RunningTwin(arguments, headers or {}).start()
        started.append(twin)
        return twin

    yield start
    for twin in started:
        if twin.process is not None and twin.process.returncode is None:
            twin.stop()
