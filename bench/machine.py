"""The machine under measurement: which core is whose, scratch files on a real disk, and what a process has used of it."""

import asyncio
import atexit
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
"""Peers' installations and scratch stores. Inside the checkout, because /tmp is often memory, where an fsync costs nothing."""
READY_SECONDS = 90.0
LOOK_SECONDS = 0.005


def _cores() -> tuple[int | None, int | None]:
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (available[0], available[1]) if len(available) > 1 else (None, None)


MEASURED, AROUND = _cores()
"""The core of the measured process, and the core of everything around it: senders, destinations, this command."""


def pin(core: int | set[int] | None) -> None:
    """Keep this process on one core (or some), where the system can do that."""
    if core is not None:
        os.sched_setaffinity(0, {core} if isinstance(core, int) else core)


class Program:
    """A measured program, on the measured core. It is ready when it has said a line, or when its port answers."""

    def __init__(
        self, command: Sequence[str], *, log: Path | None = None, environ: Mapping[str, str] | None = None,
        core: int | set[int] | None = MEASURED,
    ) -> None:  # fmt: skip
        self.began = time.monotonic()
        output: Any = subprocess.PIPE if log is None else log.open("ab")
        before = os.sched_getaffinity(0) if core is not None else None
        pin(core)  # inherited; the call that would run in the child is not safe beside threads
        self.process = subprocess.Popen(
            command, stdout=output, stderr=None if log is None else subprocess.STDOUT, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **(environ or {})},
        )  # fmt: skip
        pin(before)
        atexit.register(self.kill)  # whatever goes wrong here, nothing is left running
        if log is not None:
            output.close()

    async def line(self) -> str:
        """Its next line. Raises RuntimeError when it ends before."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), READY_SECONDS)
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with status {self.process.wait()}")
        return line.decode().strip()

    async def listening(self, port: int, path: str = "/") -> None:
        """Until its port answers an HTTP request, whatever it says."""
        while self.process.poll() is None and time.monotonic() - self.began < READY_SECONDS:
            if await _answers(port, path):
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise RuntimeError(f"nothing answers on port {port}; status {self.process.poll()}")

    def cpu_seconds(self) -> float:
        """Processor time of the program so far, its own and the system's on its behalf."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self, *, peak: bool = False) -> float:
        """Resident memory in MB of 1,000,000 bytes, now or at its highest."""
        name = "VmHWM:" if peak else "VmRSS:"
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e6

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In good order."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


async def _answers(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(12)
        writer.close()
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1")


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs a module of this folder."""
    return [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]


def cache() -> Path:
    """The cache folder, made when it is missing; it tells git to look away."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="ascii")
    return CACHE


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder on the checkout's disk that is gone afterwards."""
    folder = cache() / "scratch" / f"{name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def describe() -> dict[str, Any]:
    """What a reader must know to compare the figures with another run."""
    import apsw

    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "pinned": MEASURED is not None,
        "load_average_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(cache()),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "commit": _said("git", "rev-parse", "--short", "HEAD")
        + ("+" if _said("git", "status", "--porcelain", "src") else ""),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: Path) -> str:
    """The type of the mount with the longest name that holds the folder."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    holding = [(mount[1], mount[2]) for mount in mounts if folder.is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else "unknown"


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
