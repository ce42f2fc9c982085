"""The sections of an experiment: classifier, scoring, scene, encoding, search, checkpoint and retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

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
)

from evo_fool.plugins import load as load_plugin
from evo_fool.plugins import names as plugin_names

# Strict, or pydantic reads true as 1 and "0200" as 200. A whole number is a number, as in rate: 1.
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Rate = Annotated[Number, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0.0, allow_inf_nan=False)]
Colour = Literal["auto", "grey", "rgb", "hsv", "hls"]

MAX_BATCH = 100_000


ENCODINGS = "evo_fool.encodings"
"""The entry-point group by which installed packages add encodings: each an ``Encoding`` class with its ``Config``."""

SEARCHES = "evo_fool.searches"
"""The entry-point group by which installed packages add searches."""

Side = Annotated[Integer, Field(ge=1, le=4096)]
Share = Annotated[Number, Field(gt=0.0, lt=1.0)]
Mutations = Annotated[Integer, Field(ge=0, le=10_000)]

VIEW = r"^(auto|resize|centre|ten-crop|random-[1-9][0-9]?)$"
"""What ``scoring.view`` may be."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EncodingSection(Section):
    """What every encoding's section has; a package's own encoding adds its fields to it."""

    kind: str
    size: Side | tuple[Side, Side] | None = Field(
        None, description="height and width of the image, or [height, width]; none: the classifier's input"
    )


class ClassifierConfig(Section):
    """The network that scores images."""

    spec: str = Field(
        "lenet-mnist",
        min_length=1,
        description="lenet-mnist, vae-mnist, torchvision:NAME, timm:NAME, hf:FOLDER, clip:ARCHITECTURE, onnx:FILE, "
        "exported:FILE, torchscript:FILE, http:URL, callable:package.module:function, plugin:NAME, "
        "import:package.module:factory, path/to/file.py:factory, "
        "or several: ensemble:mean:SPEC+SPEC, ensemble:minimum:SPEC@WEIGHTS+SPEC@WEIGHTS, "
        "or one behind a detector: guarded:FILE:SPEC",
    )
    weights: str | None = Field(
        None,
        max_length=4096,
        description="path of a weights file (.safetensors, or .pt holding tensors only); none: the spec's own",
    )
    output: Literal["logits", "probabilities"] | None = Field(
        None, description="what the network returns; probabilities are taken as log p; none: what the spec says"
    )
    classes: str | None = Field(
        None,
        max_length=4096,
        description="path of a text file of class names, one a line, or imagenet; none: those that the source has",
    )
    description: str | None = Field(
        None,
        max_length=4096,
        description="path of a YAML file that says what a network from a file, a function or a server takes; "
        "none: the one beside it, if any",
    )
    max_queries: Integer | None = Field(None, ge=1, description="http: most images sent by one process; none: no limit")


class ScoringConfig(Section):
    """From image to log-odds."""

    precision: Literal["auto", "float32", "bfloat16", "float16", "folded", "compiled"] = Field(
        "auto",
        description="arithmetic that chooses candidates; what is recorded is always a float32 score. folded: float32 "
        "with batch norms folded into convolutions; compiled: by torch.compile, which needs a C++ compiler. auto: for "
        "torchvision's networks of large images the fastest of float32, bfloat16 and folded as timed at the start of "
        "the run, else float32",
    )
    batch: Integer | None = Field(
        None,
        ge=1,
        le=MAX_BATCH,
        description="most views in one forward pass, halved when memory runs out; none: what suits the device",
    )
    view: str = Field(
        "auto",
        pattern=VIEW,
        description="how an image of another size becomes the classifier's input; auto: resize where the sizes differ; "
        "random-N, such as random-8: as auto, then moved, turned, scaled and lit in N ways that the seed draws once",
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
    coordinate_scale: Positive = Field(
        1.0, le=1e3, description="factor on x, y and d; above 1 the starting patterns are finer"
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


class SpectralConfig(EncodingSection):
    """Low frequencies, ours: each channel is a sum of cosines, a gene in [0,1] for each."""

    kind: Literal["spectral"]
    colour: Colour = Field(
        "auto", description="what the channels mean; auto: grey for one channel, hsv for three, else planes"
    )
    grid: Integer = Field(
        16, ge=1, le=64, description="frequencies in height and in width of each channel, the lowest ones"
    )
    rate: Rate = Field(0.1, description="probability that a gene mutates")
    eta: Positive = Field(
        15.0, le=1e4, description="distribution index of the polynomial mutation; larger steps are rarer"
    )
    crossover: Rate = Field(
        0.0, description="probability that a pair of parents exchanges the frequencies below a limit"
    )


class ObjectConfig(Section):
    """A part that was handed to ``evolve`` as an object, by name; to resume the run it is handed in again."""

    kind: Literal["object"]
    name: str = Field(max_length=200)
    size: None = None
    crossover: Rate = 0.0


def _encoding(section: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """An object's name or the section of an installed encoding; ``validate`` reads all others."""
    kind = _kind(section)
    if kind == "object":
        return ObjectConfig.model_validate(section)
    if kind in ("pixels", "cppn", "spectral") or kind not in plugin_names(ENCODINGS):
        return validate(section)
    try:
        return installed_config(kind).model_validate(section)
    except ValidationError as error:  # with the kind in the path, as pydantic names the members of a union
        problems: list[Any] = [{**each, "loc": (kind, *each["loc"])} for each in error.errors(include_url=False)]
        raise ValidationError.from_exception_data("encoding", problems) from None


def installed_config(kind: str) -> type[EncodingSection]:
    """The model of the settings of an installed encoding.

    Raises:
        ConfigError, ValueError: it does not load, or has no such model.
    """
    config = getattr(load_plugin(ENCODINGS, kind), "Config", None)
    if not (isinstance(config, type) and issubclass(config, EncodingSection)):
        raise ValueError(f"the installed encoding {kind!r} has no Config that is an EncodingSection")
    return config


def _kind(section: Any) -> Any:
    return section.get("kind") if isinstance(section, Mapping) else getattr(section, "kind", None)


EncodingConfig = Annotated[
    SerializeAsAny[Annotated[PixelsConfig | CppnConfig | SpectralConfig, Field(discriminator="kind")]],
    WrapValidator(_encoding),
]


class MapElitesConfig(Section):
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
    recency: Integer | None = Field(
        None,
        ge=1,
        description="with parents: recent, images after which an elite is half as likely; none: those of 5 generations",
    )
    warm_start: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="directory of a run of the same encoding, whose elites are generation 0; none: random (the paper)",
    )
    operators: Literal["fixed", "adaptive"] = Field(
        "fixed",
        description="fixed: the encoding's mutation (the paper); adaptive: operators of the encoding, each as often as "
        "its children have lately won",
    )
    gradient: Rate = Field(
        0.0,
        description="with operators: adaptive, the largest share of the images that children made by following the "
        "network's gradient may cost, four images a child; the network must have gradients. 0: none (the paper)",
    )


class GeneticConfig(Section):
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


class RandomConfig(Section):
    """The control: fresh random genomes every generation, the same insertion, no inheritance."""

    kind: Literal["random"]
    insertion: Literal["every_cell", "argmax"] = Field("every_cell", description="as for map_elites")
    mutations: Mutations | tuple[Mutations, Mutations] = Field(
        0,
        description="how often each genome is mutated, unselected, before it is scored; [least, most]: drawn anew for "
        "each. It drifts to the size of evolved genomes",
    )

    @property
    def drift(self) -> tuple[int, int]:
        """The least and the largest number of mutations."""
        return self.mutations if isinstance(self.mutations, tuple) else (self.mutations, self.mutations)

    @field_validator("mutations")
    @classmethod
    def _ordered(cls, mutations: int | tuple[int, int]) -> int | tuple[int, int]:
        if isinstance(mutations, tuple) and mutations[0] > mutations[1]:
            raise ValueError("give [least, most], least first")
        return mutations


class ImportedConfig(Section):
    """No search: images brought in from elsewhere, each offered to the class that its file names."""

    kind: Literal["imported"]


class GradientConfig(Section):
    """No search: pictures found by following gradients."""

    kind: Literal["gradient"]
    method: str = Field(max_length=100, description="of evo-fool gradient")
    settings: dict[str, bool | Integer | Number | str] = Field(
        default_factory=dict, max_length=100, description="of the method, all of them"
    )


class InstalledSearchConfig(BaseModel):
    """A search that an installed package adds by the entry point ``evo_fool.searches``: its settings are its own."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: str


def _search(section: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """An object's name or the section of an installed search, whose code is not loaded; ``validate`` reads others."""
    kind = _kind(section)
    if kind == "object":
        return ObjectConfig.model_validate(section)
    if kind in ("map_elites", "genetic", "random", "imported", "gradient") or kind not in plugin_names(SEARCHES):
        return validate(section)
    return InstalledSearchConfig.model_validate(section)


SearchConfig = Annotated[
    SerializeAsAny[
        Annotated[
            MapElitesConfig | GeneticConfig | RandomConfig | ImportedConfig | GradientConfig,
            Field(discriminator="kind"),
        ]
    ],
    WrapValidator(_search),
]


class CheckpointConfig(Section):
    """When a run commits: whichever of the two comes first, and always at the end."""

    generations: Annotated[Integer, Field(ge=1)] | Literal["auto"] | None = Field(
        "auto",
        description="commit every so many generations; auto: every one for images up to 64 pixels a side, "
        "else every 30 seconds",
    )
    seconds: Number | None = Field(None, gt=0, description="commit when so many seconds have passed")


class RetentionConfig(Section):
    """Which genomes and images stay on disk; scores, captures and parents always stay."""

    keep: Literal["elites", "lineage", "all"] = Field(
        "lineage", description="elites: those in a cell; lineage: their ancestors too; all: whatever ever held a cell"
    )
    limit_mb: Number = Field(
        2048.0, gt=0, description="upper bound in MB; beyond it the oldest that hold no cell lose genome and image"
    )
