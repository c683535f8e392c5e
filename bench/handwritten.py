"""A hand-written FastAPI and aiohttp handler as a measured program: it calls the three destinations and stores nothing."""

import asyncio
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from bench.machine import Program, cache, free_ports
from bench.orders import SECRET
from bench.sinks import Sinks
from bench.way import Server

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL_SECONDS = 300


async def start(folder: Path, sinks: Sinks) -> Server:
    """Serve with uvicorn, httptools and uvloop, as its documentation advises. Raises RuntimeError when it cannot be installed."""
    python = await asyncio.to_thread(environment)
    (port,) = free_ports(1)
    command = [
        str(python),
        "-m",
        "uvicorn",
        "bench.handwritten_app:app",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    environ = {"SECRET": SECRET.decode(), **{name.upper(): url for name, url in sinks.urls.items()}}
    program = Program(command, log=folder / "handwritten.log", environ=environ)
    await program.listening(port)
    return Server(program, port, "/orders")


def environment() -> Path:
    """The Python of an environment with the requirements, made once for each text of them."""
    text = REQUIREMENTS.read_bytes() + sys.version.encode()
    folder = cache() / f"venv-{hashlib.sha256(text).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError(f"pip could not install FastAPI: {done.stderr.strip().splitlines()[-1]}")
        (folder / "complete").touch()
    return python
