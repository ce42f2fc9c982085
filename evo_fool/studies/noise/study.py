"""What a classifier makes of random images: the best of many for each class."""

from __future__ import annotations

from typing import Any

from evo_fool.classifiers.photographs import readable_photographs
from evo_fool.studies.context import Context
from evo_fool.studies.noise import KINDS, Options
from evo_fool.studies.noise.measure import arm, noise_harvest
from evo_fool.studies.section import Row, share_text
from evo_fool.studies.study import Study
from evo_fool.text import percent


class Noise(Study[Options]):
    key = "noise"
    title = "What random images achieve"

    def measure(self, context: Context) -> dict[str, Any]:
        asked = self.options or Options()
        judge = context.classifier(asked.classifier or "lenet-mnist", asked.weights)
        natural = None if asked.natural is None else readable_photographs(judge, asked.natural, limit=1000)[0]
        found = {
            kind: noise_harvest(context, judge, kind, asked.images, natural, seed=asked.seed)
            for kind in asked.kinds or KINDS
            if asked.kinds or kind != "permuted" or asked.natural
        }
        return {"classifier": judge.name, "classes": len(judge.classes), "images": asked.images, "kinds": found}

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        return dict(data["kinds"])

    def rows(self, data: dict[str, Any]) -> list[Row]:
        arms = [arm(kind, found) for kind, found in data["kinds"].items()]
        return [Row(found["label"], percent(found["median"]), note=reached(found)) for found in arms]


def reached(found: dict[str, Any]) -> str:
    """How many classes images reach and, unless only the best were kept, how many they are called.

    Args:
        found: see :func:`.arm`; a run's has no ``called`` and ``sure``.
    """
    text = f"classes ≥ 90, 99, 99.99 %: {', '.join(map(str, found['at_least']))}"
    if found["called"] is None:
        return text
    return f"{text}; called {found['called']} different classes, {share_text(found['sure'])} of the images at ≥ 99 %"
