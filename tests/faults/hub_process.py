"""A hub in a process of its own, without twins: what reaches it over a socket, what it takes of memory, and what it says of errors."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld, write_secrets

RUNNER = """
import asyncio, sys
from pathlib import Path
import interlock.hub
from interlock.intake.connection import Connection
{before}
async def main():
    hub = interlock.hub.Hub(Path(sys.argv[1]))
    await hub.open()
    await hub.serve()
    print(hub.url, flush=True)
    await hub.wait()
asyncio.run(main())
"""


class HubProcess:
    """`async with HubProcess(folder, before="..."):`; `before` is code that runs in it first."""

    def __init__(self, folder: Path, *, before: str = "", secret: bytes = b"shpss_twin") -> None:
        self.folder = folder
        self._secret = secret
        self._code = RUNNER.format(before=before)

    async def __aenter__(self) -> Self:
        write_project(self.folder, TwinWorld(self.folder))
        write_secrets(self.folder)
        (self.folder / "secrets" / "shopify-client-secret").write_bytes(self._secret)
        shop = self.folder / "systems" / "shopify.toml"
        shop.write_text(
            shop.read_text(encoding="utf-8").replace("rate_per_second = 2_000", "rate_per_second = 1_000_000"),
            encoding="utf-8",
        )
        self._errors = (self.folder / "errors.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", self._code, str(self.folder)], stdout=subprocess.PIPE, stderr=self._errors
        )
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        assert line.startswith(b"http"), self.said()
        self.port = int(line.decode().strip().rpartition(":")[2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def alive(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """What it wrote to its standard error."""
        return (self.folder / "errors.log").read_text(encoding="utf-8", errors="replace")

    def memory_bytes(self, what: str = "VmRSS") -> int:
        """Resident memory now, or with `VmHWM` the most that it ever was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(what))
        return int(line.split()[1]) * 1024
