"""What the study of gradient ascent concludes from its figures."""

from typing import Any

import numpy as np

from evo_fool.studies.gradient_ascent.study import GradientAscent


def _data(none: list[float], regular: list[float]) -> dict[str, Any]:
    def entry(values: list[float]) -> dict[str, Any]:
        return {"by class": {str(i): p for i, p in enumerate(values)}, "median": float(np.median(values))}

    digits = {"none": entry([1.0])}
    return {"MNIST": digits, "ImageNet": {"none": entry(none), "l2": entry(regular), "none from zero": entry(regular)}}


def test_claims_compare_settings_over_the_same_classes() -> None:
    study = GradientAscent()

    def held(none: list[float], regular: list[float]) -> list[bool]:
        return list(study.claims(_data(none, regular)).values())

    assert held([1.0] * 19 + [0.5], [0.99, 0.95]) == [True, True]
    assert held([1.0] * 18 + [0.5, 0.5], [0.99, 0.95]) == [False, True]
    assert held([1.0] * 20, [0.54, 0.54]) == [True, False]  # not slightly
    assert held([0.9, 0.9, 1.0], [0.95, 0.95]) == [False, False]  # not lower
    why = study.conclude(_data([1.0] * 20, [0.54, 0.54]))[1]
    assert "the same 2 classes: L2 54.0 %, against > 99.9999 % without" in why


def test_without_imagenet_nothing_is_concluded() -> None:
    digits = {"MNIST": _data([1.0], [1.0])["MNIST"]}
    verdict, why = GradientAscent().conclude(digits)
    assert verdict == "not reproduced"
    assert why.startswith("ImageNet, which Figure 13 shows, was not tried: no weights were given. MNIST, which")
