"""Detectors as opponents: how well they tell images evolved without them, and against them, from natural ones.

A detector is right about an odd image if it gives it a higher score than a natural one (AUROC), and wrong if the image
passes a threshold that 95 % or 99 % of held-out natural images pass (the false positive rate at that true positive
rate). Figures over several runs are their mean and range.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.guarded import Guarded
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import Detecting
from evo_fool.errors import ClassifierError
from evo_fool.runs import Run, find_run, open_run
from evo_fool.scene_sections import places
from evo_fool.studies.charts import heat_map
from evo_fool.studies.context import Context
from evo_fool.studies.detectors import Options
from evo_fool.studies.detectors.measure import (
    Subject,
    allowed,
    climbed,
    control_of,
    controls,
    guards_of,
    made_by,
    measure,
)
from evo_fool.studies.detectors.report_runs import COMMANDS, asked_detectors, standard_seeds, standard_subjects
from evo_fool.studies.elites import judge_of
from evo_fool.studies.networks import Networks
from evo_fool.studies.section import Picture, Row, Table, share_text
from evo_fool.studies.study import Study
from evo_fool.training.detector import two_halves

_STEPS = 500
"""Of gradient ascent, at most."""


class Detectors(Study[Options]):
    """Data: network -> detector -> what :func:`~evo_fool.studies.detectors.measure.measure` found."""

    key = "detectors"
    title = "Detectors as opponents"

    def load(self, context: Context) -> list[Subject]:
        if self.options is None:
            return standard_subjects(context)
        networks, by_network = Networks(), dict[str, list[tuple[Run, Guarded | None]]]()
        with ExitStack() as stack:
            for text in self.options.runs:
                run = stack.enter_context(open_run(find_run(text, self.options.out)))
                scorer, remark = judge_of(run)
                context.remarks += [remark] if remark else []
                guarded = scorer.classifier if isinstance(scorer.classifier, Guarded) else None
                name = networks.add(scorer if guarded is None else context.scorer(guarded.guarded, scorer.view))
                by_network.setdefault(name, []).append((run, guarded))
            return [
                _subject(context, self.options, name, networks.scorers[name], runs) for name, runs in by_network.items()
            ]

    def measure(self, context: Context) -> dict[str, Any]:
        options, data = self.options, {}
        kinds = asked_detectors(context) if options is None else options.detectors
        vaes = None if options is None or options.vaes is None else Path(options.vaes)
        for subject in self.loaded(context):
            key = f"detectors {list(kinds)} {vaes} on {subject.key}"
            data[subject.name] = context.cache(key, partial(_measured, subject, kinds, vaes))
        return data

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """What was made to fool, each beside images of its kind that nothing selects."""
        rows = []
        for network, kind, found in _detectors(data):
            for source in found["sources"]:
                adaptive = source["against"] == kind
                if source["kind"] == "control" or (source["against"] and not adaptive):
                    continue
                control, passing = control_of(source, found["sources"]), found["passing"]
                rows.append(
                    Row(
                        f"{network}, {kind}: {source['label']}" + (" (adaptive)" if adaptive else ""),
                        _figures(source),
                        control=_figures(control),
                        note=f"AUROC, and shares that pass where {share_text(passing[0])} and {share_text(passing[1])} "
                        f"of {found['natural']} natural images do; control: {control['label']}; pass, at least 99 % "
                        f"sure: {_spread(source['fooling'])}, of the control {_spread(control['fooling'])}",
                    )
                )
        return rows

    def table(self, data: dict[str, Any]) -> Table:
        lines = [
            (network, kind, source["label"], source["images"], _number(source["auroc"]))
            + tuple(_spread([part[i] for part in source["passing"]]) for i in (0, 1))
            + (_spread(source["fooling"]),)
            for network, kind, found in _detectors(data)
            for source in found["sources"]
        ]
        columns = ["network", "detector", "images", " n", " AUROC", " pass at 95 %", " at 99 %", " pass, sure"]
        return Table(columns, lines)

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        """One sentence a detector: plain first, then adaptive, each beside its control."""
        told = []
        for network, kind, found in _detectors(data):
            pairs = [
                (source, control_of(source, found["sources"]))
                for against in ("", kind)
                for source in found["sources"]
                if (source["kind"], source["against"]) == ("evolved", against)
            ]
            told.append({"network": network, "kind": kind, "pairs": [tuple(map(_told, pair)) for pair in pairs]})
        return {"told": told}

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        pictures = []
        for network, found in data.items():
            labels = [source["label"] for source in next(iter(found.values()))["sources"]]
            values = [[np.mean(source["auroc"]) for source in entry["sources"]] for entry in found.values()]
            drawn = heat_map(np.array(values).T, labels, list(found), row_label="images", label="AUROC, in per cent")
            caption = (
                f"{network}: how often each detector gives an image a higher score than a natural one; 50 % is chance."
            )
            pictures.append(Picture(f"{network} auroc", drawn, caption))
        return pictures

    def seeds(self, context: Context) -> tuple[int, ...]:
        return standard_seeds(context)

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        return COMMANDS


def _measured(subject: Subject, kinds: Sequence[Detecting], vaes: Path | None) -> dict[str, Any]:
    return measure(subject, allowed(subject, kinds, vaes))


def _subject(
    context: Context, options: Options, name: str, scorer: Scorer, runs: list[tuple[Run, Guarded | None]]
) -> Subject:
    """What is asked of a network; named by its weights too, where a file of them was given."""
    fit, between = (None if text is None else places(text) for text in (options.fit, options.between))
    seen, others = two_halves(scorer, Path(options.photos), fit, between)
    sources = made_by(runs)
    sources += controls(scorer, [run for run, _ in runs], options.images, seed=options.seed)
    if options.climbs and not any(source.kind == "gradient" for source in sources):
        try:
            sources.append(climbed(context, scorer, options.climbs, _STEPS, seed=options.seed))
        except ClassifierError as error:
            context.remarks.append(f"no images by gradient: {error}")
    weights = runs[0][0].experiment.classifier.weights
    label = name if weights is None else f"{name} ({Path(weights).stem})"
    return Subject(label, scorer, seen, others, sources, guards_of([guarded for _, guarded in runs]))


def _detectors(data: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(network, kind, found) for network, part in data.items() for kind, found in part.items()]


def _told(source: dict[str, Any]) -> dict[str, str]:
    """A source's figures as the sentence has them."""
    passing = _spread([part[0] for part in source["passing"]])
    return {"label": source["label"], "auroc": _number(source["auroc"]), "passing": passing}


def _figures(source: dict[str, Any]) -> str:
    passing = [_spread([part[i] for part in source["passing"]]) for i in (0, 1)]
    return f"{_number(source['auroc'])}; {passing[0]}, {passing[1]}"


def _number(values: list[float]) -> str:
    """The mean over runs, and where there are several their range."""
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def _spread(shares: list[float]) -> str:
    mean = share_text(float(np.mean(shares)))
    return mean if len(shares) == 1 else f"{mean} ({100 * min(shares):.1f} to {100 * max(shares):.1f})"
