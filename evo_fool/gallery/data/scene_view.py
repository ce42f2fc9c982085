"""What an individual's image does to the inputs of its scene; for the worker, because it takes torch.

The pictures are on one sheet of ten columns, as thumbnails are: in the first row some inputs without the image, in the
second the same with it, and first in the third a perturbation by itself, amplified.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.errors import ClassifierError, ConfigError, NotKeptError
from evo_fool.gallery.data.tasks import trusted_scene
from evo_fool.gallery.schemas import Changed, Guess, SceneView
from evo_fool.image import png_bytes
from evo_fool.probability import probability
from evo_fool.runs.individuals import image_of
from evo_fool.runs.run import Run, open_run
from evo_fool.text import percent, printable

_SHOWN = 6
"""Photographs or task images, at most."""

_COLUMNS = 10
_MIDDLE = 127.5

_COUNTS = {"photographs": "photographs", "images": "held-out images"}
_RATES = {
    "fooling_rate": "fooled",
    "accuracy_before": "labels right before",
    "accuracy": "labels right",
    "accuracy_of_all_classes": "labels right, all classes competing",
    "chance": "by chance",
}
"""Counts and rates of a report, and what they are called."""


def scene_view(path: Path, individual: int, cls: int | None) -> SceneView:
    """What the image does, as the class ``cls`` has it; or why it cannot be shown. The sheet's URL is left open."""
    with open_run(path) as run:
        view: SceneView = {
            "page": "scene",
            "reason": None,
            "kind": run.experiment.scene.kind,
            "sheet": None,
            "pairs": [],
            "amplified": None,
            "facts": {},
            "confusion": None,
        }
        try:
            _fill(view, run, image_of(run, individual), cls)
        except (ClassifierError, ConfigError) as error:
            return {**view, "reason": printable(str(error))}
        return view


def scene_sheet(path: Path, individual: int) -> bytes:
    """The pictures as PNG.

    Raises:
        NotKeptError: the run's pictures stand alone.
        ConfigError, ClassifierError: its scene cannot be loaded.
    """
    from evo_fool.scenes.exhibit import exhibit
    from evo_fool.scenes.perturbation import Perturbation

    with open_run(path) as run:
        _require_scene(run)
        image, scene = image_of(run, individual), trusted_scene(run)
        shown = exhibit(scene, image, most=_SHOWN)
        rows = [shown.before, shown.after]
        if isinstance(scene, Perturbation):
            change = scene.change(image)
            rows.append(np.rint(_MIDDLE + change * _amplification(change))[None].clip(0, 255).astype(np.uint8))
        return png_bytes(_sheet(rows))


def _fill(view: SceneView, run: Run, image: np.ndarray, cls: int | None) -> None:
    from evo_fool.scenes.exhibit import exhibit
    from evo_fool.scenes.perturbation import Perturbation

    _require_scene(run)
    scene = trusted_scene(run)
    shown = exhibit(scene, image, most=_SHOWN, cell=cls)
    classes = [printable(name) for name in scene.scorer.classifier.classes]
    chances = probability(scene.scorer.score(np.concatenate([shown.before, shown.after])))
    before, after = chances[: len(shown.names)], chances[len(shown.names) :]

    def guess(p: np.ndarray, cls: int | None = None) -> Guess:
        best = int(p.argmax()) if cls is None else cls
        return {"class": best, "name": classes[best], "p": float(p[best]), "percent": percent(float(p[best]))}

    for i, aim in enumerate(shown.aims):
        label = shown.labels[i]
        pair: Changed = {
            "name": printable(shown.names[i]),
            "label": None if label is None else printable(label),
            "before": guess(before[i]),
            "after": guess(after[i]),
            "aim_before": None if aim is None else guess(before[i], aim),
            "aim_after": None if aim is None else guess(after[i], aim),
        }
        view["pairs"].append(pair)
    if isinstance(scene, Perturbation):
        view["amplified"] = _amplification(scene.change(image))
    report = scene.report(image)
    view["facts"] = _facts(report)
    if "confusion" in report:
        view["confusion"] = {"labels": [*map(printable, report["labels"])], "counts": report["confusion"]}


def _require_scene(run: Run) -> None:
    if run.experiment.scene.kind == "alone":
        raise NotKeptError(f"{run.path.name}: its pictures stand alone; there is no scene to show")


def _facts(report: dict[str, Any]) -> dict[str, str]:
    facts: dict[str, str] = {name: str(report[key]) for key, name in _COUNTS.items() if key in report}
    facts |= {name: percent(report[key]) for key, name in _RATES.items() if key in report}
    facts |= {f"as {printable(name)}": percent(rate) for name, rate in report.get("success_rate", {}).items()}
    if predicted := report.get("predicted"):
        facts["seen as"] = ", ".join(f"{printable(each['class'])} {percent(each['share'])}" for each in predicted)
    return facts


def _amplification(change: np.ndarray) -> float:
    """How many times a perturbation can be amplified until its largest value is black or white."""
    return float(_MIDDLE / max(float(np.abs(change).max()), 1e-9))


def _sheet(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of inputs, each uint8 ``(n, channels, h, w)``, as squares on black: uint8 ``(channels, H, W)``."""
    channels, height, width = rows[0].shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    sheet = np.zeros((channels, len(rows), side, _COLUMNS, side), np.uint8)
    for y, row in enumerate(rows):
        sheet[:, y, top : top + height, : len(row), left : left + width] = row.transpose(1, 2, 0, 3)
    return sheet.reshape(channels, len(rows) * side, _COLUMNS * side)
