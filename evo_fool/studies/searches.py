"""MAP-Elites against the single-class genetic algorithm at equal evaluations, and who stepped on whom.

MAP-Elites lets every image compete for every class. What that is worth shows against an algorithm that evolves each
class by itself, and in "goal switches": classes that an image took whose parent held only others (Nguyen, Yosinski &
Clune, GECCO 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.runs import Run
from evo_fool.runs.lineage import goal_switches, history, lineage
from evo_fool.sampling import evenly
from evo_fool.studies.charts import Curve, draw_confidence, draw_matrix
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.mnist import Course, course, random_runs, spread
from evo_fool.studies.review import reviewed
from evo_fool.studies.run_finder import opened
from evo_fool.studies.section import Picture, Row, Section, share_text
from evo_fool.text import percent

KEY, TITLE = "searches", "MAP-Elites against one class at a time"

_MANY = 100
"""Lines of as many elites are followed; of more, a sample spread over the classes."""


@dataclass(frozen=True, slots=True)
class Switching:
    """Who stepped on whom in one run.

    Attributes:
        captures: classes taken by children of somebody, the initial images not counted.
        switches: of these, taken by a child of which no parent held the class at the time.
        elites: elites whose line was followed.
        switched_elites: of these, those of which no parent ever held their class.
        switched_lines: elites with a goal switch anywhere in their line of first parents.
        line: median number of ancestors of an elite in that line.
        line_switches: median number of goal switches along it.
        steps: ``steps[a][b]``: captures of class b by a child of a holder of class a but not b; parents of several
            classes count for each in equal shares.
    """

    captures: int
    switches: int
    elites: int
    switched_elites: int
    switched_lines: int
    line: float
    line_switches: float
    steps: np.ndarray

    @property
    def share(self) -> float:
        """Share of captures that were goal switches; 0 where there was no capture."""
        return self.switches / max(1, self.captures)

    @property
    def line_share(self) -> float:
        """Share of elites with a goal switch anywhere in their line."""
        return self.switched_lines / max(1, self.elites)

    @property
    def elite_share(self) -> float:
        """Share of elites whose parent never held their class."""
        return self.switched_elites / max(1, self.elites)


def switching(run: Run) -> Switching:
    """Who stepped on whom.

    Raises:
        CorruptRunError: an entry of the run is not a number.
    """
    taken = run.captures
    known = run.store.rows("SELECT id, parent, second_parent FROM individuals WHERE parent IS NOT NULL")
    parents = {id: {first, first if second is None else second} for id, first, second in known}
    holder: dict[int, int] = {}
    holds: dict[int, set[int]] = {}
    captures = switches = 0
    steps = np.zeros((len(run.classes), len(run.classes)))
    for generation in np.split(taken, np.flatnonzero(np.diff(taken["generation"])) + 1):
        # A parent's classes are those it held when its children were bred: before anybody of this generation took one.
        for row in generation:
            cls, both = int(row["class"]), parents.get(int(row["id"]))
            if both is None:
                continue
            captures += 1
            before = set[int]().union(*(holds.get(parent, ()) for parent in both))
            if cls not in before:
                switches += 1
                for other in before:
                    steps[other, cls] += 1 / len(before)
        for row in generation:
            cls, id = int(row["class"]), int(row["id"])
            if cls in holder:
                holds[holder[cls]].discard(cls)
            holder[cls] = id
            holds.setdefault(id, set()).add(cls)
    lines = _lines(run)
    lengths, counts, strange = (np.array([line[i] for line in lines] or [0]) for i in range(3))
    return Switching(
        captures=captures,
        switches=switches,
        elites=len(lines),
        switched_elites=int(strange.sum()),
        switched_lines=int((counts > 0).sum()),
        line=float(np.median(lengths)),
        line_switches=float(np.median(counts)),
        steps=steps,
    )


def _lines(run: Run) -> list[tuple[int, int, bool]]:
    """For a sample of elites: number of ancestors, goal switches along the line, whether the last step was one."""
    found = []
    for elite in (run.elites[i] for i in evenly(len(run.elites), _MANY)):
        line = lineage(run, elite.id)
        held = {cls for parent in line[-1].parents for cls in lineage(run, parent)[-1].holds}
        strange = bool(line[-1].parents) and elite.class_index not in held
        found.append((len(line) - 1, len(goal_switches(line)), strange))
    return found


@dataclass(frozen=True, slots=True)
class Duel:
    """The same class by both searches.

    Attributes:
        name: of the class.
        genetic: confidence by the genetic algorithm after all its images for this class alone.
        genetic_start: the same after its first generation, which is more than an equal share of the other's images.
        map_elites: confidence by MAP-Elites after all its images for all classes.
        map_elites_then: the same after as many images as ``genetic`` took.
    """

    name: str
    genetic: float
    genetic_start: float
    map_elites: float
    map_elites_then: float


def confidence_after(run: Run, cls: int, images: int) -> float:
    """The probability of a class's elite when a run had scored at most so many images; 0 for an empty cell."""
    known = run.metrics["generation"][run.metrics["evaluations"] <= images]
    last = int(known[-1]) if len(known) else -1
    return next((row.probability for row in reversed(history(run, cls)) if row.generation <= last), 0.0)


def section(context: Context) -> Section:
    """The page."""
    kinds = ("pixels", "cppn")
    courses: dict[str, dict[str, Course]] = {}
    seconds: dict[str, dict[str, float]] = {}
    found: dict[str, list[Switching]] = {}
    for kind in kinds:
        searches = {
            "MAP-Elites": _runs(context, kind, genetic=False),
            "genetic algorithm": _runs(context, kind, genetic=True),
            "random": random_runs(context, kind),
        }
        courses[kind], seconds[kind] = {}, {}
        for name, runs in searches.items():
            with opened(runs) as group:
                courses[kind][name] = course(group)
                seconds[kind][name] = float(np.median([run.summary()["wall_seconds"] for run in group]))
                if name == "MAP-Elites":
                    found[kind] = [switching(run) for run in group]
    rows = [row for kind in kinds for row in _rows(kind, courses[kind], seconds[kind], found[kind])]
    pictures = [_curves(courses), _steps(found["cppn"])]
    why = _why(courses, found)
    network = primary_network(context)
    data: dict[str, Any] = {
        kind: {name: c.as_json() for name, c in courses[kind].items()}
        | {"seconds": seconds[kind], "switching": [asdict(s) for s in found[kind]]}
        for kind in kinds
    }
    if network is not None:
        duels, switched, (first, images, shared) = _imagenet(context, *network)
        rows += _duel_rows(network[0], duels, switched, first, images, shared)
        wins = sum(duel.genetic > duel.map_elites for duel in duels)
        even = sum(duel.genetic_start > duel.map_elites for duel in duels)
        why += (
            f" ImageNet, {network[0]}: MAP-Elites spends {shared:,} images on 1000 classes; the genetic algorithm with "
            f"{images:,} for one class alone does better in {wins} of {len(duels)} classes tried, and with "
            f"{first} for each, more than an equal share, in {even}; {share_text(switched.share)} of captures are goal "
            "switches."
        )
        data["imagenet"] = {"duels": [asdict(duel) for duel in duels], "switching": _without_steps(switched)}
    return Section(
        key=KEY,
        title=TITLE,
        figures="",
        verdict="new",
        why=reviewed(KEY, why),
        rows=tuple(rows),
        pictures=tuple(pictures),
        settings={
            "presets": "mnist-pixels, mnist-cppn, mnist-ga; imagenet-cppn, imagenet-ga",
            "classifier": "lenet-mnist",
        },
        seeds=tuple(context.seeds),
        commands=(
            *(
                f"evo-fool run {what} --seed {context.seeds[0]}"
                for what in ("mnist-ga", "mnist-ga -S encoding.kind=cppn", "mnist-pixels", "mnist-cppn")
            ),
            "evo-fool study switching RUN",
        ),
        data=data,
    )


def _runs(context: Context, kind: str, *, genetic: bool) -> Iterator[Run]:
    """The runs of one search and encoding, one a seed."""
    preset = "mnist-ga" if genetic else {"pixels": "mnist-pixels", "cppn": "mnist-cppn"}[kind]
    settings = {"encoding.kind": kind, "name": f"mnist-ga-{kind}"} if genetic else {}
    return (digit_run(context, preset, seed, settings) for seed in context.seeds)


def _imagenet(context: Context, name: str, weights: Path) -> tuple[list[Duel], Switching, tuple[int, int, int]]:
    """A few classes by the genetic algorithm, each by itself, against the run for all of them.

    Returns:
        The duels, who stepped on whom, and numbers of images: of the genetic algorithm's first generation, of all its
        generations, and of the run for all classes.
    """
    seed = context.seeds[0]
    targets = context.scale(smoke=(0,), laptop=(7, 207, 407, 607, 807), paper=tuple(range(7, 1000, 50)))
    settings = {
        "seed": seed,
        "classifier.weights": str(weights),
        "classifier.spec": f"torchvision:{name}",
        "generations": context.scale(smoke=2, laptop=39, paper=399),
        "batch": context.scale(smoke=16, laptop=100, paper=100),
        "retention.keep": "elites",
        # The mutation of imagenet-cppn, so that little but the search differs.
        "encoding.add_link": 0.9,
        "encoding.split_link": 0.9,
    }
    with imagenet_run(context, name, weights, "cppn", seed) as all_classes:
        duels = []
        for target in targets:
            experiment = context.experiment("imagenet-ga", settings | {"search.target": target})
            with context.run(experiment) as one:
                first, images = (int(one.metrics["evaluations"][i]) for i in (0, -1))
                genetic = confidence_after(one, target, images), confidence_after(one, target, first)
            shared = int(all_classes.metrics["evaluations"][-1])
            elites = (confidence_after(all_classes, target, count) for count in (shared, images))
            duels.append(Duel(all_classes.classes[target], *genetic, *elites))
        return duels, switching(all_classes), (first, images, shared)


def _why(courses: dict[str, dict[str, Course]], found: dict[str, list[Switching]]) -> str:
    parts = []
    for kind, name in (("pixels", "Direct"), ("cppn", "CPPN")):
        c, s = courses[kind], found[kind]
        elites, genetic = (spread(c[search].median[:, -1]) for search in ("MAP-Elites", "genetic algorithm"))
        sure = [int(np.median(c[search].sure[:, -1])) for search in ("MAP-Elites", "genetic algorithm")]
        parts.append(
            f"{name}, {c['MAP-Elites'].images // len(c['MAP-Elites'].seeds):,} images: median {elites} by MAP-Elites, "
            f"{genetic} by the genetic algorithm; {sure[0]} and {sure[1]} of 10 digits ≥ 99.99 %; "
            f"{share_text(float(np.median([x.share for x in s])))} of captures are goal switches."
        )
    return " ".join(parts)


def _rows(kind: str, courses: dict[str, Course], seconds: dict[str, float], found: Sequence[Switching]) -> list[Row]:
    name = {"pixels": "direct", "cppn": "CPPN"}[kind]
    rows = []
    for search in ("MAP-Elites", "genetic algorithm"):
        c = courses[search]
        rows += [
            Row(
                f"{name}, {search}: median over digits",
                spread(c.median[:, -1]),
                None,
                spread(courses["random"].median[:, -1]),
                f"{c.images // len(c.seeds):,} images a run, {seconds[search]:.0f} s; control: random genomes",
            ),
            Row(
                f"{name}, {search}: digits ≥ 99.99 %",
                int(np.median(c.sure[:, -1])),
                None,
                int(np.median(courses["random"].sure[:, -1])),
                "median over seeds",
            ),
        ]
    return rows + _switching_rows(name, found)


def _switching_rows(name: str, found: Sequence[Switching]) -> list[Row]:
    def middle(values: list[float]) -> float:
        return float(np.median(values))

    return [
        Row(
            f"{name}: goal switches, share of captures",
            share_text(middle([s.share for s in found])),
            note=f"{middle([s.captures for s in found]):,.0f} captures a run",
        ),
        Row(
            f"{name}: elites of which no parent ever held their class",
            share_text(middle([s.elite_share for s in found])),
        ),
        Row(f"{name}: elites with a goal switch in their line", share_text(middle([s.line_share for s in found]))),
        Row(
            f"{name}: ancestors of an elite, median",
            middle([s.line for s in found]),
            note=f"{middle([s.line_switches for s in found]):g} goal switches along the line",
        ),
    ]


def _duel_rows(
    network: str, duels: Sequence[Duel], found: Switching, first: int, images: int, shared: int
) -> list[Row]:
    rows = [
        Row(
            f"ImageNet, {duel.name}",
            f"{percent(duel.map_elites)} by MAP-Elites, {percent(duel.map_elites_then)} after {images:,} images",
            note=f"{percent(duel.genetic)} by the genetic algorithm, {percent(duel.genetic_start)} after its first "
            f"{first}; {shared:,} images for all 1000 classes against {images:,} for this one; CPPNs on {network}, the "
            "same mutation; MAP-Elites also crosses colour channels",
        )
        for duel in duels
    ]
    return rows + _switching_rows(f"ImageNet, {network}", [found])


def _without_steps(found: Switching) -> dict[str, Any]:
    """A thousand by a thousand numbers help nobody."""
    return {key: value for key, value in asdict(found).items() if key != "steps"}


def _curves(courses: dict[str, dict[str, Course]]) -> Picture:
    styles = {"MAP-Elites": "-", "genetic algorithm": "--", "random": ":"}
    colours = {"pixels": "#2f6db3", "cppn": "#c8553d"}
    curves = [
        Curve(
            f"{ {'pixels': 'direct', 'cppn': 'CPPN'}[kind] }, {search}",
            c.generations,
            c.median,
            {"linestyle": styles[search], "color": colours[kind]},
        )
        for kind, group in courses.items()
        for search, c in group.items()
    ]
    return Picture(
        "median",
        draw_confidence(curves, xlabel="generation of 200 images", ylabel="median confidence over ten digits"),
        "Median confidence over the ten digits by generation, on a scale of log-odds: median and range over seeds. The "
        "genetic algorithm evolves one digit a generation, in turn.",
    )


def _steps(found: Sequence[Switching]) -> Picture:
    return Picture(
        "steps",
        draw_matrix(
            sum((s.steps for s in found), np.zeros_like(found[0].steps)),
            [str(i) for i in range(len(found[0].steps))],
            xlabel="digit that the child took",
            ylabel="digit that the parent held",
        ),
        "Goal switches of CPPNs, all seeds: how often a child took a digit that its parent did not hold.",
    )
