"""Take the pictures of the gallery in docs/images, with chromium.

    evo-fool gallery &
    python docs/screenshots.py http://127.0.0.1:8317/runs/RUN --elite spider
    python docs/screenshots.py http://127.0.0.1:8317/runs/RUN --phone

The first writes gallery-light.png, gallery-dark.png and gallery-elite.png, the second gallery-phone.png.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).with_name("images")
SEEN = """[...document.images].every(image => {
    const box = image.closest('.thumb, .large')?.getBoundingClientRect();
    return !box || box.top > innerHeight || (image.complete && image.naturalWidth > 0);
}) && !document.querySelector('.waiting')"""


def shoot(browser: Any, url: str, name: str, **options: Any) -> None:
    """One picture, in as few colours as look the same."""
    # The policy of the pages forbids what playwright waits with.
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, "bypass_csp": True} | options)
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(SEEN, timeout=60_000)
    page.wait_for_timeout(500)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    context.close()
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the page of a run")
    parser.add_argument("--elite", default="0", help="what to search for to find the class of gallery-elite.png")
    parser.add_argument("--phone", action="store_true", help="only gallery-phone.png")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if arguments.phone:
            phone = {"viewport": {"width": 393, "height": 852}, "device_scale_factor": 2, "is_mobile": True}
            shoot(browser, arguments.url, "gallery-phone", **phone)
            return
        shoot(browser, f"{arguments.url}?sort=confidence", "gallery-light")
        shoot(browser, f"{arguments.url}#tiles=xs", "gallery-dark", color_scheme="dark")
        page = browser.new_page()
        page.goto(f"{arguments.url}?q={arguments.elite}")
        elite = page.locator(".tile a").first.evaluate("link => link.href")
        shoot(browser, elite, "gallery-elite", viewport={"width": 1280, "height": 1080})


if __name__ == "__main__":
    main()
