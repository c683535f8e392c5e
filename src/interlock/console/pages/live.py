"""Server-sent events: tells open pages that something changed; each page decides what to ask for again."""

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from interlock.console.guard import Denied
from interlock.console.rendering import Console, console_of

LOOK_EVERY_SECONDS = 1.0
STREAM_SECONDS = 120.0
"""Then the browser connects again: a stream must not outlive its session by much, or hold up the end of the process."""

MOST_STREAMS = 50


async def stream(request: Request) -> Response:
    """One line when the pulse changes; the first one at once."""
    if len(request.app.state.streams) >= MOST_STREAMS:
        raise Denied("Too many live pages", status=503, code="CON503", next_move="close some; every page works without")
    return StreamingResponse(_pulses(request, console_of(request)), media_type="text/event-stream")


async def _pulses(request: Request, console: Console) -> AsyncIterator[bytes]:
    streams: set[int] = request.app.state.streams
    streams.add(id(request))
    try:
        last = None
        until = console.clock.monotonic() + STREAM_SECONDS
        yield b"retry: 2000\n\n"
        while console.clock.monotonic() < until and _still_wanted(request, console):
            pulse = await console.views.pulse()
            if pulse != last:
                last = pulse
                yield b"event: pulse\ndata: " + msgspec.json.encode(pulse) + b"\n\n"
            if await request.is_disconnected():
                return
            await console.clock.sleep(LOOK_EVERY_SECONDS)
    finally:
        streams.discard(id(request))


def _still_wanted(request: Request, console: Console) -> bool:
    return not request.app.state.closing and console.sessions.is_open(request.state.session)
