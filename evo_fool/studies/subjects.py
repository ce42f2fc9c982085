"""The runs whose elites a study is about: the report's standard runs, or the run that `evo-fool study` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from evo_fool.classifiers.scoring import Scorer
from evo_fool.runs import Run, find_run, open_run
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.elites import ImageSet, elites_of, evenly, judge_of
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.options import RunOptions


@dataclass(frozen=True, slots=True)
class Subject:
    """A run and the classifier that scores its elites.

    Attributes:
        what: its label: "MNIST", "ImageNet", or the experiment's name.
        run: open.
        scorer: of the run's classifier, or of the one that the user chose.
    """

    what: str
    run: Run
    scorer: Scorer


@contextmanager
def subjects(context: Context, options: RunOptions | None, *, digits: bool = True) -> Iterator[list[Subject]]:
    """Open the run of ``options``; without options the digits' run and, where there is a network, ImageNet's.

    Args:
        context: finds or evolves the report's runs.
        options: of ``evo-fool study``.
        digits: whether the report asks about the digits' run.

    Raises:
        ConfigError, RunNotFoundError: no such run, or its classifier cannot be loaded.
        Stopped: asked to stop.
    """
    with ExitStack() as stack:
        if options is not None:
            run = stack.enter_context(open_run(find_run(options.run, options.out)))
            scorer, remark = judge_of(
                run, classifier=options.classifier, weights=options.weights, device=options.device
            )
            context.remarks += [remark] if remark else []
            found = [Subject(run.experiment.name or "run", run, scorer)]
        else:
            seed = context.seeds[0]
            found = []
            if digits:
                run = stack.enter_context(digit_run(context, "mnist-cppn", seed))
                found.append(Subject("MNIST", run, context.scorer(context.classifier())))
            if network := primary_network(context):
                name, weights = network
                run = stack.enter_context(imagenet_run(context, name, weights, "cppn", seed))
                judge = context.classifier(f"torchvision:{name}", weights)
                found.append(Subject("ImageNet", run, context.scorer(judge)))
        yield found


def elites_asked(run: Run, options: RunOptions) -> ImageSet:
    """The elites of the classes that the user names, or of at most ``limit`` classes, evenly spread.

    Raises:
        ConfigError: no such class, or an empty cell among those named.
    """
    if options.classes:
        return elites_of(run, options.classes)
    held = [elite.class_index for elite in run.elites]
    return elites_of(run, [held[i] for i in evenly(len(held), options.limit or len(held))])
