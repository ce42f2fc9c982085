"""The definition of one run: one YAML file, one frozen :class:`Experiment`.

Everything that decides what a run computes is here and nothing else does; the run directory keeps the resolved
experiment, so a run can be repeated from its own record. A mistyped key is an error that names the nearest one.
Section numbers refer to Nguyen, Yosinski & Clune, CVPR 2015, and to the authors' released code.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    Strict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from evo_fool.errors import ConfigError
from evo_fool.overrides import override, unknown_key
from evo_fool.plugins import load as load_plugin
from evo_fool.plugins import names as plugin_names
from evo_fool.yaml_file import read_yaml, write_yaml

# Strict, or pydantic reads true as 1 and "0200" as 200. A whole number is a number, as in rate: 1.
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Rate = Annotated[Number, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0.0, allow_inf_nan=False)]
Colour = Literal["auto", "grey", "rgb", "hsv", "hls"]

MAX_BATCH = 100_000


ENCODINGS = "evo_fool.encodings"
"""The entry-point group by which installed packages add encodings: each an ``Encoding`` class with its ``Config``."""

Side = Annotated[Integer, Field(ge=1, le=4096)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EncodingSection(_Section):
    """What every encoding's section has; a package's own encoding adds its fields to it."""

    kind: str
    size: Side | tuple[Side, Side] | None = Field(
        None, description="height and width of the image, or [height, width]; none: the classifier's input"
    )


class ClassifierConfig(_Section):
    """Who judges."""

    spec: str = Field(
        "lenet-mnist",
        min_length=1,
        description="lenet-mnist, vae-mnist, torchvision:NAME, import:package.module:factory, path/to/file.py:factory, "
        "or several: ensemble:mean:SPEC+SPEC, ensemble:minimum:SPEC@WEIGHTS+SPEC@WEIGHTS",
    )
    weights: str | None = Field(
        None,
        max_length=4096,
        description="path of a weights file (.safetensors, or .pt holding tensors only); none: the spec's own",
    )


class ScoringConfig(_Section):
    """How an image becomes log-odds."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="arithmetic that chooses candidates; what is recorded is always a float32 score. "
        "auto: bfloat16 where the device computes in it and the classifier's images are large, else float32",
    )
    batch: Integer | None = Field(
        None,
        ge=1,
        le=MAX_BATCH,
        description="most views in one forward pass, halved when memory runs out; none: what suits the device",
    )
    view: Literal["auto", "resize", "centre", "ten-crop"] = Field(
        "auto",
        description="how an image of another size than the classifier's meets it; auto: resize where the sizes differ",
    )


class PixelsConfig(EncodingSection):
    """The direct encoding: one gene in [0,1] a pixel and channel (paper, section 2.2)."""

    kind: Literal["pixels"]
    colour: Colour = Field(
        "auto", description="what the genes mean; auto: grey for one channel, hsv for three, else planes"
    )
    mutation: Literal["clipped", "bounded"] = Field(
        "clipped", description="polynomial mutation: clipped is the paper's, bounded is DEAP's"
    )
    rate: Rate = Field(0.1, description="probability that a gene mutates")
    eta: Positive = Field(
        15.0, le=1e4, description="distribution index of the polynomial mutation; larger steps are rarer"
    )
    halve_every: Integer | None = Field(
        None, ge=1, description="halve the rate every so many generations (the paper: 1000)"
    )
    crossover: Rate = Field(0.0, description="probability that a pair of parents is crossed by SBX")
    crossover_eta: Positive = Field(10.0, le=1e4, description="distribution index of the crossover")
    released_code_bug: bool = Field(
        False,
        description="as the released code: every gene is crossed, and genes on which the parents agree become 0.5",
    )


class CppnConfig(EncodingSection):
    """The indirect encoding: a CPPN mutated by the paper's rules (section 2.2 and the released code)."""

    kind: Literal["cppn"]
    colour: Colour = Field(
        "auto", description="what the outputs mean; auto: grey for one channel, hsv for three, else planes"
    )
    coordinates: Literal["normalised", "pixel"] = Field(
        "normalised", description="normalised: [-1,1]; pixel: raw indices, as the released code"
    )
    link_rate: Rate = Field(0.1, description="probability that a link's weight mutates")
    eta: Positive = Field(15.0, le=1e4, description="distribution index of the polynomial mutation of weights")
    node_rate: Rate = Field(0.1, description="probability that a node draws a new activation")
    add_link: Rate = Field(0.5, description="probability of a new link")
    delete_link: Rate = Field(0.3, description="probability that a random link goes")
    split_link: Rate = Field(0.5, description="probability that a new node splits a random link")
    delete_node: Rate = Field(0.2, description="probability that a random hidden node goes, with its links")
    crossover: Rate = Field(
        0.0, description="probability that a pair of parents exchanges colour channels; the paper: none"
    )
    weight_range: Positive = Field(10.0, le=1e4, description="weights lie in [-weight_range, weight_range]")
    max_nodes: Integer = Field(
        128, ge=3, le=4096, description="cap on hidden and output nodes; at the cap no node is added"
    )
    max_links: Integer = Field(256, ge=12, le=16384, description="cap on links; at the cap no link is added")


def _installed(value: Any, known: ValidatorFunctionWrapHandler) -> Any:
    """The section of an encoding that another package adds; those that are known here pass on to ``known``."""
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    if kind in ("pixels", "cppn") or kind not in plugin_names(ENCODINGS):
        return known(value)
    config = getattr(load_plugin(ENCODINGS, kind), "Config", None)
    if not (isinstance(config, type) and issubclass(config, EncodingSection)):
        raise ValueError(f"the installed encoding {kind!r} has no Config that is an EncodingSection")
    try:
        return config.model_validate(value)
    except ValidationError as error:  # with the kind in the path, as pydantic names the members of a union
        problems: list[Any] = [{**each, "loc": (kind, *each["loc"])} for each in error.errors(include_url=False)]
        raise ValidationError.from_exception_data("encoding", problems) from None


EncodingConfig = Annotated[
    SerializeAsAny[Annotated[PixelsConfig | CppnConfig, Field(discriminator="kind")]], WrapValidator(_installed)
]


class MapElitesConfig(_Section):
    """MAP-Elites with one cell a class (section 2.1)."""

    kind: Literal["map_elites"]
    insertion: Literal["every_cell", "argmax"] = Field(
        "every_cell",
        description="every_cell: an image competes for every class (the paper); argmax: for its top class only",
    )
    parents: Literal["cells", "elites", "recent", "curiosity"] = Field(
        "cells",
        description="parents uniform over occupied cells (the paper) or over distinct elites; recent: those that took "
        "their cell lately are likelier; curiosity: those of cells whose children have often taken a cell",
    )


class GeneticConfig(_Section):
    """The single-class genetic algorithm; with ``target: all`` each class in turn, one generation a turn."""

    kind: Literal["genetic"]
    target: Integer | Annotated[str, Field(max_length=1000)] = Field(
        "all", description="class index or name, or all: the classes take turns, so that the budget is shared evenly"
    )
    variation: Literal["and", "or"] = Field("and", description="DEAP's varAnd (generational) or varOr ((mu + lambda))")
    selection: Literal["tournament", "rank"] = Field(
        "tournament", description="tournament: DEAP's selTournament; rank: linear ranking"
    )
    tournament_size: Integer = Field(3, ge=1, le=MAX_BATCH, description="individuals in one tournament")
    rank_pressure: Number = Field(
        1.5, ge=1.0, le=2.0, description="linear ranking: expected offspring of the best individual"
    )
    crossover: Rate = Field(0.0, description="probability of crossover (an encoding without crossover: 0)")
    mutation: Rate = Field(1.0, description="probability that an offspring is mutated")
    elitism: Integer = Field(1, ge=0, description="best individuals that pass unchanged into the next generation")


class RandomConfig(_Section):
    """The control: fresh random genomes every generation, the same insertion, no inheritance."""

    kind: Literal["random"]
    insertion: Literal["every_cell", "argmax"] = Field("every_cell", description="as for map_elites")


class ImportedConfig(_Section):
    """No search: images brought in from elsewhere, each offered to the class that its file names."""

    kind: Literal["imported"]


SearchConfig = Annotated[MapElitesConfig | GeneticConfig | RandomConfig | ImportedConfig, Field(discriminator="kind")]


class CheckpointConfig(_Section):
    """When a run commits: whichever of the two comes first, and always at the end."""

    generations: Annotated[Integer, Field(ge=1)] | Literal["auto"] | None = Field(
        "auto",
        description="commit every so many generations; auto: every one for images up to 64 pixels a side, "
        "else every 30 seconds",
    )
    seconds: Number | None = Field(None, gt=0, description="commit when so many seconds have passed")


class RetentionConfig(_Section):
    """Which genomes and images stay on disk; scores, captures and parents always stay."""

    keep: Literal["elites", "lineage", "all"] = Field(
        "lineage", description="elites: those in a cell; lineage: their ancestors too; all: whatever ever held a cell"
    )
    limit_mb: Number = Field(
        2048.0, gt=0, description="upper bound in MB; beyond it the oldest that hold no cell lose genome and image"
    )


class Experiment(_Section):
    """One run, completely: who judges, what evolves, how it is searched, and what is kept.

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
        if self.encoding.kind == "cppn" and self.search.kind == "genetic" and self.search.crossover > 0:
            raise ValueError(
                "search.crossover must be 0 for the cppn encoding: the paper defines no crossover of CPPNs"
            )
        if (
            self.search.kind == "genetic"
            and self.search.variation == "or"
            and self.search.crossover + self.search.mutation > 1
        ):
            raise ValueError("search.crossover + search.mutation must not exceed 1 with variation: or")
        if self.search.kind == "genetic" and self.search.crossover > 0 and self.initial_batch < 2:
            raise ValueError("search.crossover needs a population of at least 2: raise batch")
        if self.search.kind == "genetic" and self.search.elitism >= min(self.batch, self.initial_batch):
            raise ValueError(
                f"search.elitism = {self.search.elitism} leaves no room for offspring: keep it below batch"
            )
        if self.search.kind != "map_elites" and getattr(self.encoding, "crossover", 0.0) > 0:
            crosses = self.encoding.kind == "pixels" and self.search.kind == "genetic"
            remedy = "set search.crossover, and " * crosses + "leave it at 0"
            raise ValueError(f"encoding.crossover has no effect with search.kind: {self.search.kind}; {remedy}")
        return self

    @property
    def initial_batch(self) -> int:
        """Images of generation 0."""
        return self.initial or self.batch

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

    def with_overrides(self, assignments: Iterable[str]) -> Experiment:
        """A copy with ``key.sub=value`` assignments applied, as :func:`.override` does.

        Raises:
            ConfigError: a malformed assignment, an unknown key or a bad value.
        """
        data = self.model_dump()
        override(data, assignments)
        return Experiment.from_mapping(data, source="-S")

    def to_yaml(self) -> str:
        """The resolved experiment as YAML; reading it back gives an equal experiment."""
        return write_yaml(self.model_dump(mode="json"))


_UNIONS: dict[str, Any] = {
    "encoding": (PixelsConfig, CppnConfig),
    "search": (MapElitesConfig, GeneticConfig, RandomConfig, ImportedConfig),
}


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """The keys that are valid where a validation error points, following sections and the chosen kind."""
    model: type[BaseModel] = Experiment
    path = [str(part) for part in location]
    while path:
        part = path.pop(0)
        if part in _UNIONS:
            kinds = {get_args(m.model_fields["kind"].annotation)[0]: m for m in _UNIONS[part]}
            if path and path[0] in _added(part):
                kinds[path[0]] = load_plugin(ENCODINGS, path[0]).Config
            if not path or path[0] not in kinds:
                return ["kind"]
            model = kinds[path.pop(0)]
        else:
            annotation = model.model_fields[part].annotation if part in model.model_fields else None
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
    return list(model.model_fields)


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # A list where a number may be given too: what is wrong with the list.
    listed = isinstance(problems[0]["input"], list | tuple)
    problem = next((each for each in problems if listed and "tuple[" in str(each["loc"])), problems[0])
    location = problem["loc"]
    kind = problem["type"]
    kinds = {kind for section in _UNIONS for kind in _choices(section)}
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
        return f"{dotted}.kind is missing; choose one of {', '.join(sorted(_choices(str(location[0]))))}"
    if kind == "union_tag_invalid":
        tag = problem["ctx"]["tag"]
        near = difflib.get_close_matches(str(tag), _choices(dotted), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; choose one of {', '.join(_choices(dotted))}"
        return f"{dotted}.kind = {tag!r} is unknown{hint}"
    message = re.sub(r"^(Value error, |Input )", "", problem["msg"])
    if kind == "value_error" and not dotted:
        return message
    if kind in ("int_type", "float_type"):
        digits = ", a decimal point" * (kind == "int_type")
        message += f"; write plain digits without quotes{digits} or leading zeros"
    return f"{dotted} = {_shown(problem['input'])}: {message}"


def _shown(value: Any) -> str:
    """A value in an error: short, however deep or long it is."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother = 3, 60, 60
    try:
        text = short.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "an integer of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _choices(section: str) -> list[str]:
    return [get_args(m.model_fields["kind"].annotation)[0] for m in _UNIONS.get(section, ())] + _added(section)


def _added(section: str) -> list[str]:
    return plugin_names(ENCODINGS) if section == "encoding" else []
