"""Contract suites: what evo-fool relies on in an encoding, a classifier, a search and a store, as pytest classes.

Subclass one in a test file, override its fixture, and pytest runs the whole suite on the object::

    import pytest
    from evo_fool.testing import EncodingContract

    class TestStrokes(EncodingContract):
        @pytest.fixture(params=[1, 3])
        def encoding(self, request):
            return StrokeEncoding(StrokesConfig(kind="strokes"), size=12, channels=request.param)

This package alone needs pytest; nothing of evo-fool imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evo_fool.lazy import lazy_names

if TYPE_CHECKING:
    from evo_fool.testing.classifier import ClassifierContract as ClassifierContract
    from evo_fool.testing.encoding import EncodingContract as EncodingContract
    from evo_fool.testing.search import SearchContract as SearchContract
    from evo_fool.testing.store import StoreContract as StoreContract

_HOMES = {
    "ClassifierContract": "evo_fool.testing.classifier",
    "EncodingContract": "evo_fool.testing.encoding",
    "SearchContract": "evo_fool.testing.search",
    "StoreContract": "evo_fool.testing.store",
}

__all__ = ["ClassifierContract", "EncodingContract", "SearchContract", "StoreContract"]

pytest.register_assert_rewrite(*_HOMES.values())


__getattr__ = lazy_names(__name__, _HOMES)
