"""A headless Chromium for tests that look at pages as a person does. It is the one that the system has installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET = "no Chromium here: on Debian and Ubuntu `apt-get install chromium` brings it"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 20_000


def chromium() -> str:
    """Where it is; without one a test fails in CI and is skipped, with advice, anywhere else."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(HOW_TO_GET)
    if found is None:
        pytest.skip(HOW_TO_GET)
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One browser process, ended with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def pages_of(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page with cookies of its own, and the list, which grows, of every host that it has asked for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB", color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    context.on("request", lambda request: _note(asked, request.url))
    try:
        page = context.new_page()
        page.on("websocket", lambda socket: _note(asked, socket.url))
        yield page, asked
    finally:
        context.close()


def _note(asked: list[str], url: str) -> None:
    """The host of an address; data: and blob: ones are inside the page and ask nobody."""
    parts = urlsplit(url)
    if parts.scheme not in {"data", "blob"}:
        asked.append(str(parts.hostname))
