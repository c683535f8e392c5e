"""A headless Chromium with an empty profile, and a console served on loopback for it."""

import base64
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait
from starlette.applications import Starlette

from interlock.clock import SystemClock

PATIENCE_SECONDS = 60.0
"""Only a test that fails waits that long; a machine that runs other things too is no failure."""
Signed = list[dict[str, Any]]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip


class MondayClock(SystemClock):
    """Real seconds that begin on the morning of the store: a stream must tick while a browser looks."""

    def __init__(self, start_ms: int) -> None:
        self._ahead_ms = start_ms - super().now_ms()

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead_ms


@contextmanager
def chrome() -> Iterator[webdriver.Chrome]:
    """Quits the browser and forgets its profile afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = CHROMIUM or ""
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        driver.set_page_load_timeout(PATIENCE_SECONDS)
        try:
            yield driver
        finally:
            driver.quit()


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The address of the app on a free port of loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        app.state.closing = True  # as the hub does: open streams end by themselves
        server.should_exit = True
        thread.join(5)
        listener.close()


def cookies(driver: webdriver.Chrome) -> Signed:
    """What the browser has of the page that it shows."""
    return [{name: each[name] for name in ("name", "value", "path", "httpOnly")} for each in driver.get_cookies()]


def give(driver: webdriver.Chrome, address: str, signed: Signed) -> None:
    """Put them in the browser again, whatever page it shows."""
    for each in signed:
        driver.execute_cdp_cmd("Network.setCookie", {**each, "url": address, "sameSite": "Strict"})


def look_like(driver: webdriver.Chrome, *, width: int, theme: str, height: int = 900) -> None:
    """Set the width of the page and the theme that the system asks for."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    )


def arrives(driver: webdriver.Chrome, part: str) -> None:
    """Wait for a page whose address has this in it, with its scripts: keys that are pressed before are nobody's."""
    ready = "return document.readyState === 'complete'"
    WebDriverWait(driver, PATIENCE_SECONDS).until(lambda w: part in w.current_url and w.execute_script(ready))


@contextmanager
def without_javascript(driver: webdriver.Chrome) -> Iterator[None]:
    """The browser runs nothing of a page meanwhile; what the driver asks for still runs."""
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def whole_page(driver: webdriver.Chrome, file: Path, *, most_px: int = 2600) -> None:
    """A PNG of the page from top to bottom."""
    tall = min(most_px, driver.execute_script("return document.documentElement.scrollHeight"))
    wide = driver.execute_script("return document.documentElement.clientWidth")
    clip = {"x": 0, "y": 0, "width": wide, "height": tall, "scale": 1}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    file.write_bytes(base64.b64decode(shot["data"]))
