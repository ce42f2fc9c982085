"""A study that asks the same of several runs: of the report's standard ones, or of the run that the user names."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from evo_fool.studies.context import Context
from evo_fool.studies.options import RunOptions
from evo_fool.studies.section import Picture, Row
from evo_fool.studies.study import Skipped, Study
from evo_fool.studies.subjects import Subject, subjects


class Case(Protocol):
    """What is measured on one run: its label, and what the study needs of images and classifiers."""

    @property
    def what(self) -> str: ...


AnyOptions = TypeVar("AnyOptions", bound=RunOptions)
AnyCase = TypeVar("AnyCase", bound=Case)


class CaseStudy(Study[AnyOptions], Generic[AnyOptions, AnyCase]):
    """The data have an entry per case, by its label.

    Attributes:
        digits: whether the report asks about the digits' run, beside ImageNet's.
    """

    digits: ClassVar[bool] = True

    @abstractmethod
    def case(self, context: Context, subject: Subject) -> AnyCase:
        """What to measure on a run, which is closed afterwards."""

    @abstractmethod
    def measure_case(self, context: Context, case: AnyCase) -> dict[str, Any]:
        """The entry of a case, JSON-able."""

    @abstractmethod
    def case_rows(self, what: str, entry: dict[str, Any]) -> list[Row]:
        """The rows of an entry."""

    def case_pictures(self, context: Context, case: AnyCase, entry: dict[str, Any]) -> list[Picture]:
        """The pictures of a case."""
        return []

    def load(self, context: Context) -> list[AnyCase]:
        with subjects(context, self.options, digits=self.digits) as found:
            if not found:
                reason = "Elites of an ImageNet network are needed: give --data a folder with imagenet/weights/NAME.pt."
                raise Skipped(reason)
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
