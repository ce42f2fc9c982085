"""A study that asks the same of several runs: of the report's standard runs, or of the run that the user names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.runs import Run, find_run, open_run
from evo_fool.sampling import evenly
from evo_fool.studies.context import Context
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.elites import ImageSet, elites_of, judge_of
from evo_fool.studies.imagenet_runs import imagenet_run, primary_network
from evo_fool.studies.options import RunOptions
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Skipped, Study

AnyOptions = TypeVar("AnyOptions", bound=RunOptions)

NO_NETWORK = "Elites of an ImageNet network are needed: give --data a folder with imagenet/weights/NAME.pt."


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
        ConfigError: no such class, an empty cell among those named, or no elite at all.
    """
    if options.classes:
        return elites_of(run, options.classes)
    occupied = {elite.class_index for elite in run.elites}
    held = [target for target in run.targets if target in occupied]
    if not held:
        raise ConfigError(f"{run.path}: no image holds any class yet; evolve further")
    return elites_of(run, [held[i] for i in evenly(len(held), options.limit or len(held))])


class CaseStudy(Study[AnyOptions]):
    """The data have an entry per case. A case is an object with a label ``what`` and all that is measured of a run.

    Attributes:
        digits: whether the report asks about the digits' run, beside ImageNet's.
    """

    digits: ClassVar[bool] = True

    @abstractmethod
    def case(self, context: Context, subject: Subject) -> Any:
        """What to measure on a run, which is closed afterwards."""

    @abstractmethod
    def measure_case(self, context: Context, case: Any) -> dict[str, Any]:
        """The entry of a case, JSON-able."""

    @abstractmethod
    def case_rows(self, what: str, entry: dict[str, Any]) -> list[Row]:
        """The rows of an entry."""

    def case_pictures(self, context: Context, case: Any, entry: dict[str, Any]) -> list[Picture]:
        """The pictures of a case."""
        return []

    def load(self, context: Context) -> list[Any]:
        with subjects(context, self.options, digits=self.digits) as found:
            if not found:
                raise Skipped(NO_NETWORK)
            return [self.case(context, subject) for subject in found]

    def measure(self, context: Context) -> dict[str, Any]:
        return {case.what: self.measure_case(context, case) for case in self.loaded(context)}

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        (entry,) = data.values()
        return dict(entry)

    def rows(self, data: dict[str, Any]) -> list[Row]:
        return [row for what, entry in data.items() for row in self.case_rows(what, entry)]

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        return [
            picture for case in self.loaded(context) for picture in self.case_pictures(context, case, data[case.what])
        ]
