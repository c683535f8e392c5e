"""Serves one vendor twin over real HTTP: the gate and the vendor behind it, and the control API beside them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interlock.twins.control import PREFIX, Control
from interlock.twins.faults import FaultPlan
from interlock.twins.gate import ABORT, FaultGate
from interlock.twins.vendor import Vendor
from interlock.twins.world import World, encode_json

SHUTDOWN_GRACE_SECONDS = 1
PARENT_POLL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048

VendorFactory = Callable[[World, FaultPlan, Mapping[str, Any]], Vendor]


def build(factory: VendorFactory, directory: Path, seed: int, config: Mapping[str, Any]) -> TwinApp:
    """A twin's application over the state in `directory`."""
    world = World(directory, seed)
    faults = FaultPlan(random.Random(f"faults:{seed}"))
    return TwinApp(factory(world, faults, config))


class TwinApp:
    """The ASGI application: paths under /_twin go to the control API, all others through the gate to the vendor."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self._gate = FaultGate(vendor, vendor.faults)
        self._control = Control(vendor, self._gate).router()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].startswith(PREFIX + "/"):
            await self._control(scope, receive, send)
        else:
            await self._gate(scope, receive, send)


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's protocol that also lets the application abort its TCP connection."""

    def on_message_begin(self) -> None:
        """Give the new request's scope the means to abort."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.abort}  # type: ignore[dict-item]

    def abort(self) -> None:
        """Close at once with a RST, as a crashed machine or a cut line does."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class TwinServer(uvicorn.Server):
    """A uvicorn server that says on stdout when it is ready and ends with exit status 0 on SIGTERM."""

    def __init__(self, app: TwinApp, listener: socket.socket, parent_pid: int | None) -> None:
        config = uvicorn.Config(
            app,
            http=AbortableProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app
        self._listener = listener
        self._parent_pid = parent_pid

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """End in good order, without raising the signal again afterwards; a second signal does not wait."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, let the vendor start, then print the line that tells a parent the URL."""
        await super().startup(sockets)
        vendor = self._app.vendor
        host, port = self._listener.getsockname()[:2]
        vendor.url = f"http://{host}:{port}"
        await vendor.start()
        ready = {"twin": vendor.name, "url": vendor.url, "pid": os.getpid(), "data": str(vendor.world.directory)}
        os.write(1, encode_json(ready) + b"\n")
        if self._parent_pid is not None:
            self._watch = asyncio.create_task(self._end_with(self._parent_pid))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the vendor, then the server, then close the files."""
        await self._app.vendor.stop()
        await super().shutdown(sockets)
        self._app.vendor.world.close()

    async def _end_with(self, parent_pid: int) -> None:
        while _alive(parent_pid):  # noqa: ASYNC110 - nothing tells us of it, so it is polled
            await asyncio.sleep(PARENT_POLL_SECONDS)
        self.handle_exit(signal.SIGTERM, None)


def _alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def serve(app: TwinApp, host: str, port: int, parent_pid: int | None = None) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the parent."""
    # The protocol is named, or asyncio would leave the algorithm of Nagle on, and answers in two parts would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    TwinServer(app, listener, parent_pid).run(sockets=[listener])
