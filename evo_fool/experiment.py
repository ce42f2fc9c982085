"""The definition of one run: one YAML file, one frozen :class:`Experiment`.

An experiment decides everything that a run computes; the run directory keeps the resolved experiment, so a run can be
repeated from its own record. A mistyped key is an error that names the nearest one.
Section numbers refer to Nguyen, Yosinski & Clune, CVPR 2015, and to the authors' released code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from evo_fool.errors import ConfigError
from evo_fool.overrides import override, parse_assignments, shown, unknown_key
from evo_fool.plugins import names as plugin_names
from evo_fool.scene_sections import AloneConfig, SceneConfig
from evo_fool.sections import (
    ENCODINGS,
    MAX_BATCH,
    SEARCHES,
    CheckpointConfig,
    ClassifierConfig,
    CppnConfig,
    EncodingConfig,
    GeneticConfig,
    Integer,
    MapElitesConfig,
    RetentionConfig,
    ScoringConfig,
    SearchConfig,
    Section,
    installed_config,
)
from evo_fool.yaml_file import read_yaml, write_yaml


class Experiment(Section):
    """The definition of one run: classifier, encoding, search, and what is kept.

    >>> Experiment().with_overrides(["batch=50", "encoding.coordinates=pixel"]).encoding.coordinates
    'pixel'
    """

    name: str = Field(
        "mnist-cppn", min_length=1, max_length=100, description="a label; part of the run directory's name"
    )
    preset: str = Field("custom", max_length=200, description="which shipped settings these are; every report says it")
    seed: Integer = Field(1, ge=0, lt=2**63, description="decides every random number of the run")
    generations: Integer = Field(
        200, ge=0, le=10_000_000, description="generations after the initial one (generation 0)"
    )
    batch: Integer = Field(200, ge=1, le=MAX_BATCH, description="images a generation")
    initial: Integer | None = Field(None, ge=1, le=MAX_BATCH, description="images of generation 0; none: batch")
    warn_after: Integer | None = Field(
        500, ge=1, description="warn when no class has improved for so many generations; none: never"
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto, cpu, cuda or cuda:N; auto: a GPU where there is one",
    )
    classifier: ClassifierConfig = ClassifierConfig()
    scoring: ScoringConfig = ScoringConfig()
    scene: SceneConfig = AloneConfig()
    encoding: EncodingConfig = CppnConfig(kind="cppn")
    search: SearchConfig = MapElitesConfig(kind="map_elites")
    checkpoint: CheckpointConfig = CheckpointConfig()
    retention: RetentionConfig = RetentionConfig()

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("has control characters")
        if name == "latest":
            raise ValueError("means the newest run; choose another name")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        search = self.search
        if isinstance(search, GeneticConfig):
            if search.crossover > 0 and self.encoding.kind == "cppn":
                raise ValueError(
                    "search.crossover must be 0 for the cppn encoding: the paper defines no crossover of CPPNs"
                )
            if search.variation == "or" and search.crossover + search.mutation > 1:
                raise ValueError("search.crossover + search.mutation must not exceed 1 with variation: or")
            if search.crossover > 0 and self.initial_batch < 2:
                raise ValueError("search.crossover needs a population of at least 2: raise batch")
            if search.elitism >= min(self.batch, self.initial_batch):
                raise ValueError(f"search.elitism = {search.elitism} leaves no room for offspring: keep it below batch")
        if isinstance(search, MapElitesConfig) and search.gradient:
            if search.operators != "adaptive":
                raise ValueError("search.gradient is the share of an operator: set search.operators: adaptive")
            if self.batch < 4:
                raise ValueError(f"search.gradient: a child costs as much as 4 images, batch = {self.batch}; raise it")
        crossed = getattr(self.encoding, "crossover", 0.0) > 0
        if problem := self.scene.problem():
            raise ValueError(problem)
        if search.kind == "gradient" and self.scoring.view.startswith("random-"):
            raise ValueError(f"scoring.view = {self.scoring.view}: gradient methods see no random views; leave it out")
        if search.kind != "map_elites" and crossed:
            crosses = self.encoding.kind != "cppn" and search.kind == "genetic"
            remedy = "set search.crossover, and " * crosses + "leave it at 0"
            raise ValueError(f"encoding.crossover has no effect with search.kind: {search.kind}; {remedy}")
        return self

    @property
    def initial_batch(self) -> int:
        """Images of generation 0."""
        return self.initial or self.batch

    @property
    def uses_gradients(self) -> bool:
        """Whether the search looks into the network; evolution otherwise sees its answers alone."""
        return isinstance(self.search, MapElitesConfig) and self.search.gradient > 0

    @property
    def search_name(self) -> str:
        """The kind of search, as reports name it."""
        return self.search.kind + ", uses gradients" * self.uses_gradients

    @property
    def crossover(self) -> float:
        """Probability that a pair of parents is crossed: the search's setting where it has one, else the encoding's."""
        return float(getattr(self.search, "crossover", getattr(self.encoding, "crossover", 0.0)))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], source: str = "experiment") -> Experiment:
        """Validate plain data.

        Raises:
            ConfigError: one line that names the first offending key, its value and the remedy.
        """
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise ConfigError(f"{source}: {_first_problem(error)}") from None

    @classmethod
    def from_yaml(cls, path: str | Path) -> Experiment:
        """Read an experiment file.

        Raises:
            ConfigError: the file is missing, is no YAML mapping, or does not validate.
        """
        return cls.from_mapping(read_yaml(path), source=str(path))

    def replace(self, source: str = "experiment", /, **settings: Any) -> Experiment:
        """A copy with settings changed, by dotted key; a changed ``kind`` starts its section afresh.

        >>> Experiment().replace(seed=3, **{"encoding.kind": "pixels", "encoding.rate": 0.05}).encoding.rate
        0.05

        Args:
            source: what an error begins with.
            settings: their order decides nothing.

        Raises:
            ConfigError: an unknown key or a bad value.
        """
        data = self.model_dump()
        override(data, settings, source)
        return Experiment.from_mapping(data, source)

    def with_overrides(self, assignments: Iterable[str]) -> Experiment:
        """A copy with ``key.sub=value`` assignments applied, each value read as YAML.

        Raises:
            ConfigError: a malformed assignment, an unknown key or a bad value.
        """
        return self.replace("-S", **parse_assignments(assignments))

    def to_yaml(self) -> str:
        """The resolved experiment as YAML; reading it back gives an equal experiment."""
        return write_yaml(self.model_dump(mode="json"))


_ADDED = {"encoding": ENCODINGS, "search": SEARCHES}
"""The sections to which installed packages add kinds."""


def _kinds(section: Any) -> dict[str, type[BaseModel]]:
    """The models of a section that has several, by ``kind``; of any other section none."""
    field = Experiment.model_fields.get(section)
    members = get_args(field.annotation) if field else ()
    models = [m for m in members if isinstance(m, type) and issubclass(m, Section)]
    return {get_args(model.model_fields["kind"].annotation)[0]: model for model in models}


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """The keys that are valid where a validation error points: at a section, and at its kind where it has several."""
    if not location:
        return list(Experiment.model_fields)
    if kinds := _kinds(location[0]):
        if not location[1:]:
            return ["kind"]
        model = kinds.get(location[1]) or installed_config(location[1])
        return list(model.model_fields)
    return list(Experiment.model_fields[location[0]].annotation.model_fields)  # type: ignore[union-attr]


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # A list where a number may be given too: what is wrong with the list.
    listed = isinstance(problems[0]["input"], list | tuple)
    problem = next((each for each in problems if listed and "tuple[" in str(each["loc"])), problems[0])
    location = problem["loc"]
    kind = problem["type"]
    section = location[0] if location else None
    kinds = [*_kinds(section), *(plugin_names(_ADDED[section]) if section in _ADDED else [])]
    # pydantic names the members of a union in the path: the chosen kind of a section, or the type that was tried.
    dotted = ".".join(
        str(part)
        for i, part in enumerate(location)
        if not (i == 1 and part in kinds)
        and not (part == "int" or str(part).startswith(("constrained-", "literal[", "tuple[")))
    )
    if kind == "extra_forbidden":
        parent = f" in {dotted.rpartition('.')[0]}" if "." in dotted else ""
        return unknown_key(str(location[-1]), _known_keys(location[:-1])) + parent
    if kind == "union_tag_not_found":
        return f"{dotted}.kind is missing; choose one of {', '.join(sorted(kinds))}"
    if kind == "union_tag_invalid":
        tag = problem["ctx"]["tag"]
        near = difflib.get_close_matches(str(tag), kinds, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; choose one of {', '.join(kinds)}"
        return f"{dotted}.kind = {tag!r} is unknown{hint}"
    message = re.sub(r"^(Value error, |Input )", "", problem["msg"])
    if kind == "value_error" and not dotted:
        return message
    if kind in ("int_type", "float_type"):
        digits = ", a decimal point" * (kind == "int_type")
        message += f"; write plain digits without quotes{digits} or leading zeros"
    return f"{dotted} = {shown(problem['input'])}: {message}"
