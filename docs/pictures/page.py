"""Makes page.png, the README's picture of the web page: `python docs/pictures/page.py`. Needs Chromium.

All of it is real but the model, which follows the script of run.svg.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from make import CODE, PROMPT, STORY, TEST
from playwright.sync_api import Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.scenarios.browsing import ARGUMENTS, open_desk

PICTURE = Path(__file__).with_name("page.png")
SIZE = ViewportSize(width=1120, height=820)
FOLDERS = Path(tempfile.gettempdir(), "work")
"""A path that one may show."""


def main() -> None:
    """Writes the picture of a turn that waits for a person."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        FOLDERS.mkdir()
        folders = [FOLDERS / name for name in ("tidewatch", "paperhive", "shop")]
        for folder in folders:
            folder.mkdir()
        (folders[-1] / "prices.py").write_text(CODE)
        (folders[-1] / "test_prices.py").write_text(TEST)
        try:
            with open_desk(Path(scratch), STORY) as desk:
                sessions = [desk.session(folder) for folder in folders]
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
                _photograph(browser.new_page(viewport=SIZE, device_scale_factor=1.5), desk.link(sessions[-1]))
                browser.close()
        finally:
            shutil.rmtree(FOLDERS)


def _photograph(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Prompt", exact=True).fill(PROMPT)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow for this session").click()
    page.locator(".approval .diff").wait_for()
    page.locator(".tool summary").first.click()
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    main()
