"""The reference page lists every address that is answered."""

import re
from pathlib import Path

from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "gallery.md"


def test_every_address_is_in_the_reference(tmp_path: Path) -> None:
    answered = {re.sub(r":\w+}", "}", route.path) for route in Gallery(Library(tmp_path)).routes}
    listed = set(re.findall(r"`(/[^`]*)`", PAGE.read_text(encoding="utf-8")))
    assert listed == answered
