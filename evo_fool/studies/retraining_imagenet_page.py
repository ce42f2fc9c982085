"""The report's page on retraining for ImageNet (paper, section 3.7 and Figure 12)."""

from __future__ import annotations

from evo_fool.studies.charts import board
from evo_fool.studies.context import Context
from evo_fool.studies.page import skipped
from evo_fool.studies.published import IMAGENET_CPPN_IMAGES, RETRAINED_IMAGENET_MEDIANS, RETRAINED_RECOGNISED
from evo_fool.studies.retraining_imagenet import HeadRetraining, retrain_imagenet
from evo_fool.studies.review import reviewed
from evo_fool.studies.section import Picture, Row, Section, judged
from evo_fool.text import percent

KEY, TITLE, FIGURES = "retraining-imagenet", "Retraining on ImageNet with a 1001st class", "Figure 12"

_FOOLED = 0.05
"""Median from which there is something to fall."""


def section(context: Context) -> Section:
    """The page."""
    found = retrain_imagenet(context)
    if found is None:
        reason = (
            "It needs an ImageNet network and photographs: give --data a folder with imagenet/weights/NAME.pt and "
            "imagenet/photos/CLASS/*.jpg."
        )
        return skipped(KEY, TITLE, FIGURES, reason)
    verdict, why = judged(claims(found))
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=reviewed(
            KEY,
            f"{why} Only the new output was trained, on {found.photographs[0]} photographs; the paper trained a "
            "whole network on all of ImageNet.",
        ),
        rows=tuple(rows_of(found)),
        pictures=_pictures(found),
        settings={
            "network": found.network,
            "photographs": found.photographs,
            "fooling images": found.taught,
            "seeds": dict(zip(("DNN_1, whose images are taught", "unseen images", "DNN_2"), found.seeds, strict=True)),
        },
        seeds=found.seeds,
        data=found.as_json(),
    )


def claims(found: HeadRetraining) -> list[tuple[bool, str]]:
    """What the paper says about retraining on ImageNet, and whether it held."""
    before, after = found.medians
    some, of = RETRAINED_RECOGNISED
    first, second = RETRAINED_IMAGENET_MEDIANS
    return [
        (
            before >= _FOOLED and found.test.first_larger and found.test.p < 1e-4 and after < before / 2,
            f"Retrained once, the median {'falls' if after < before / 2 else 'does not fall'} to less than half: from "
            f"{percent(before)} to {percent(after)} (Mann–Whitney {found.test.text}; paper {100 * first:.1f} % to "
            f"{100 * second:.1f} %, p < 0.0001).",
        ),
        (
            found.recognised >= some / of,
            f"Of {found.unseen} CPPN images that it has not seen DNN_2 calls "
            f"{round(found.recognised * found.unseen)} fooling (paper: {some} of {of}).",
        ),
    ]


def rows_of(found: HeadRetraining) -> list[Row]:
    """The medians, what is recognised, and what it costs on photographs."""
    some, of = RETRAINED_RECOGNISED
    lengths = (
        f"{IMAGENET_CPPN_IMAGES:,} images, on AlexNet",
        "AlexNet, trained again on all of ImageNet; how many images is not told",
    )
    named = zip((1, 2), found.medians, RETRAINED_IMAGENET_MEDIANS, lengths, found.seeds[::2], strict=True)
    return [
        *(
            Row(
                f"median confidence over 1000 classes against DNN_{i}",
                percent(ours),
                f"{100 * paper:.1f} %",
                note=f"{found.images:,} images of seed {seed}; the paper: {length}",
            )
            for i, ours, paper, length, seed in named
        ),
        Row(
            "unseen CPPN images that DNN_2 calls fooling",
            f"{round(found.recognised * found.unseen)} of {found.unseen}",
            f"{some} of {of}",
            note=f"evolved against DNN_1 with seed {found.seeds[1]}",
        ),
        Row(
            "photographs called by their class: DNN_1, DNN_2",
            f"{100 * found.top1[0]:.1f} %, {100 * found.top1[1]:.1f} %",
            note=f"{found.photographs[1]} photographs that it was not trained on; called fooling: "
            f"{100 * found.false_alarms:.1f} %",
        ),
    ]


def _pictures(found: HeadRetraining) -> tuple[Picture, ...]:
    rows = [(f"DNN_{i}", [(image, percent(p)) for image, p in shown]) for i, shown in enumerate(found.shown, 1)]
    caption = (
        "Images evolved against the network, and against the same with a 1001st class: the classes in which DNN_2 "
    )
    return (Picture("images", board(rows, tile=112, label=70), caption + "is surest, with their confidence."),)
