"""The page printed to PDF by a Chromium that this machine has. It is asked to load one file, which names no address."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 60


class NotPrinted(Exception):
    """There is no PDF; the text says why and what to do. The page itself is there."""


def browser() -> str:
    """Find the program. Raises NotPrinted where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NotPrinted("no Chromium is installed here, so there is no PDF: open the HTML file and print it")
    return found


def print_page(page: Path, target: Path, program: str) -> None:
    """Write ``target``. Raises NotPrinted."""
    with tempfile.TemporaryDirectory(prefix="remotesupport-pdf-") as profile:
        command = [
            program, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", f"--user-data-dir={profile}",
            f"--print-to-pdf={target}", *_as_root(), page.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE_S)  # noqa: S603 - found
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotPrinted(f"{program} did not print {page} ({type(error).__name__}): print it by hand") from None
    if done.returncode or not target.is_file():
        raise NotPrinted(f"{program} did not print {page} (exit status {done.returncode}): print it by hand")


def _as_root() -> list[str]:
    """Chromium starts for root without its sandbox only; the page has no script and comes from ourselves."""
    return ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
