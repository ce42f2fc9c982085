"""Retraining for ImageNet: does a 1001st class of fooling images end the fooling, and does it know unseen ones?"""

from __future__ import annotations

from typing import Any

from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.mann_whitney import Comparison
from evo_fool.studies.options import Options
from evo_fool.studies.published import IMAGENET_CPPN_IMAGES, RETRAINED_IMAGENET_MEDIANS, RETRAINED_RECOGNISED
from evo_fool.studies.retraining_imagenet.measure import Shown, distinct_seeds, retrain_imagenet
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Study
from evo_fool.text import percent

_FOOLED = 0.05
"""Median from which there is something to fall."""


class RetrainingImagenet(Study[Options]):
    key = "retraining-imagenet"
    title = "Retraining on ImageNet with a 1001st class"
    figures = "Figure 12"

    def load(self, context: Context) -> tuple[dict[str, Any], tuple[Shown, Shown]]:
        return retrain_imagenet(context)

    def measure(self, context: Context) -> dict[str, Any]:
        return dict(self.loaded(context)[0])

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        before, after = data["medians"]
        recognised = (round(data["recognised"] * data["unseen"]), data["unseen"])
        paper = {"paper": RETRAINED_IMAGENET_MEDIANS, "known": RETRAINED_RECOGNISED}
        return paper | {"test": Comparison(**data["test"]), "halved": after < before / 2, "recognised": recognised}

    def claims(self, data: dict[str, Any]) -> dict[str, bool]:
        values, (some, of) = self.values(data), RETRAINED_RECOGNISED
        higher = values["test"].first_larger and values["test"].p < 1e-4
        return {
            "falls": data["medians"][0] >= _FOOLED and higher and values["halved"],
            "recognised": data["recognised"] >= some / of,
        }

    def rows(self, data: dict[str, Any]) -> list[Row]:
        lengths = (
            f"{IMAGENET_CPPN_IMAGES:,} images, on AlexNet",
            "AlexNet, trained again on all of ImageNet; how many images is not told",
        )
        some, of = self.values(data)["recognised"]
        medians = zip((1, 2), data["medians"], RETRAINED_IMAGENET_MEDIANS, lengths, data["seeds"][::2], strict=True)
        return [
            *(
                Row(
                    f"median confidence over 1000 classes against DNN_{i}",
                    percent(ours),
                    f"{100 * paper:.1f} %",
                    note=f"{data['images']:,} images of seed {seed}; the paper: {length}",
                )
                for i, ours, paper, length, seed in medians
            ),
            Row(
                "unseen CPPN images that DNN_2 calls fooling",
                f"{some} of {of}",
                "{} of {}".format(*RETRAINED_RECOGNISED),
                note=f"evolved against DNN_1 with seed {data['seeds'][1]}",
            ),
            Row(
                "photographs called by their class: DNN_1, DNN_2",
                ", ".join(f"{100 * share:.1f} %" for share in data["top1"]),
                note=f"{data['photographs'][1]} photographs that it was not trained on; called fooling: "
                f"{100 * data['false_alarms']:.1f} %",
            ),
        ]

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        rows = [
            (f"DNN_{i}", [(image, percent(p)) for image, p in shown])
            for i, shown in enumerate(self.loaded(context)[1], 1)
        ]
        caption = (
            "Images evolved against the network, and against the same with a 1001st class: the classes in which DNN_2 "
            "is surest, with their confidence."
        )
        return [Picture("images", board(rows, tile=112, label=70), caption)]

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        names = ("DNN_1, whose images are taught", "unseen images", "DNN_2")
        settings = {"network": data["network"], "photographs": data["photographs"], "fooling images": data["taught"]}
        return settings | {"seeds": dict(zip(names, data["seeds"], strict=True))}

    def seeds(self, context: Context) -> tuple[int, ...]:
        return distinct_seeds(context)
