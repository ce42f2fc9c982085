"""A CPPN as SVG: inputs on the left, outputs on the right, each node with the curve of its activation function.

The SVG is a file or part of a page: no script, no style but presentation attributes, text in the colour of the text
around it, so that it reads on dark and light backgrounds. Nodes have their own background.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

import networkx as nx

from evo_fool.encodings.cppn.activations import FUNCTIONS, NAMES
from evo_fool.encodings.cppn.genome import INPUT_NAMES
from evo_fool.errors import ConfigError, GenomeError
from evo_fool.pictures.graph_layout import Point, place
from evo_fool.runs.individuals import genome_of
from evo_fool.runs.run import Run
from evo_fool.text import harmless

DARK_STYLE = "@media (prefers-color-scheme: dark) { svg { color: #ecebe8 } }"
"""The only rule in the style sheet of a file; a content security policy may need its hash."""

_POSITIVE, _NEGATIVE = "#3f7fc4", "#d0603f"
_INK, _EDGE = "#1f1f24", "#8a8a93"
_GROUND = {"sine": "#cfe3f7", "bipolar_sigmoid": "#f7dccb", "gaussian": "#d5ecd2", "clipped_linear": "#e6dcf3"}
_PLAIN = "#e9e7e2"
_SHORT = {"bipolar_sigmoid": "sigmoid", "clipped_linear": "linear"}

_RADIUS = 17
_COLUMN, _ROW, _TRACK, _MARGIN = 112, 58, 20, 14
_LABEL = 92
_FEW_LINKS = 16
"""Up to this many links have their weights written out; more text would overlap."""

_SAMPLES = 25
_FAINT = 0.35


@dataclass(frozen=True, slots=True)
class _Link:
    source: int
    target: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Graph:
    """What is drawn; ``live`` are the nodes from which a path leads to an output."""

    links: list[_Link]
    activations: dict[int, str]
    names: dict[int, str]
    inputs: list[int]
    outputs: list[int]
    live: set[int]


def draw_genome(
    genome: Any,
    *,
    inputs: Sequence[str] = INPUT_NAMES,
    outputs: Sequence[str] | None = None,
    title: str = "CPPN",
    inline: bool = False,
) -> str:
    """A CPPN as SVG.

    A link is as wide as its weight is large; positive weights are blue and solid, negative ones red and dashed. What
    influences no output is faint. Tooltips tell functions and weights; where links are few, weights are written out.

    Args:
        genome: a ``neat.DefaultGenome`` without cycles. Disabled connections are left out.
        inputs: names of the inputs, whose keys are -1, -2, …
        outputs: names of the outputs, whose keys are 0, 1, …; None: every node that nothing leaves is an output.
        title: the accessible name of the drawing.
        inline: for the markup of a page: without the XML namespace and style sheet that a file needs.

    Raises:
        GenomeError: a cycle, a link to or from nothing, or a weight that is no finite number.
    """
    graph = _read(genome, inputs, outputs)
    try:
        placement = place(
            list(graph.activations),
            [(link.source, link.target) for link in graph.links],
            graph.inputs,
            graph.outputs,
            node_height=_ROW,
            link_height=_TRACK,
        )
    except ValueError as error:
        raise GenomeError(f"CPPN genome: {error}") from None
    width = _MARGIN * 2 + 2 * _LABEL + _COLUMN * (placement.layers - 1)
    height = math.ceil(_MARGIN * 2 + _ROW + placement.height)
    head = "" if inline else ' xmlns="http://www.w3.org/2000/svg"'
    parts = [
        f'<svg{head} viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'color="{"currentColor" if inline else _INK}" font-family="system-ui, sans-serif" font-size="11">',
        f"<title>{_text(title)}</title>",
        f"<desc>{_text(_description(graph))}</desc>",
        *([] if inline else [f"<style>{DARK_STYLE}</style>"]),
        *_draw_links(graph, placement.routes),
        *(part for node, point in placement.nodes.items() for part in _draw_node(graph, node, _at(point))),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw_individual(run: Run, individual: int, *, inline: bool = False) -> str:
    """The CPPN of an individual as SVG, see :func:`draw_genome`.

    Raises:
        ConfigError: the run evolves pixels, which have no graph.
        NotKeptError: the genome was discarded by retention, or the id does not exist.
        CorruptRunError: the genome is damaged.
    """
    if not run.encoding.outputs:
        raise ConfigError(f"{run.path.name} evolves {run.experiment.encoding.kind}: only a CPPN has a graph")
    title = f"CPPN of image {individual}"
    return draw_genome(genome_of(run, individual), outputs=run.encoding.outputs, title=title, inline=inline)


def _read(genome: Any, inputs: Sequence[str], outputs: Sequence[str] | None) -> _Graph:
    links = [
        _Link(source, target, float(gene.weight))
        for (source, target), gene in genome.connections.items()
        if gene.enabled
    ]
    names = {-1 - i: name for i, name in enumerate(inputs)}
    if outputs is None:
        leave = {link.source for link in links}
        ends = sorted(key for key in genome.nodes if key not in leave)
        names |= {key: f"output {key}" for key in ends}
    else:
        ends = list(range(len(outputs)))
        names |= dict(zip(ends, outputs, strict=True))
    activations = {key: str(gene.activation) for key, gene in genome.nodes.items()}
    for link in links:
        if link.target not in activations or link.source not in activations | names:
            raise GenomeError(f"CPPN genome: a link from {link.source} to {link.target}, which are no such nodes")
        if not math.isfinite(link.weight):
            raise GenomeError(f"CPPN genome: the link from {link.source} to {link.target} weighs {link.weight}")
    if missing := [key for key in ends if key not in activations]:
        raise GenomeError(f"CPPN genome: there is no output {missing[0]}")
    graph = nx.DiGraph((link.source, link.target) for link in links)
    graph.add_nodes_from(ends)
    live = set(ends).union(*(nx.ancestors(graph, end) for end in ends))
    return _Graph(links, activations, names, [-1 - i for i in range(len(inputs))], ends, live)


def _at(point: Point) -> Point:
    return _MARGIN + _LABEL + _COLUMN * point[0], _MARGIN + _ROW / 2 + point[1]


def _draw_links(graph: _Graph, routes: list[list[Point]]) -> list[str]:
    largest = max((abs(link.weight) for link in graph.links), default=0.0) or 1.0
    parts = ['<g fill="none" stroke-linecap="round">']
    labels = []
    # The heaviest last, on top of the others.
    for link, route in sorted(zip(graph.links, routes, strict=True), key=lambda pair: abs(pair[0].weight)):
        points = [_at(point) for point in route]
        points = [(points[0][0] + _RADIUS, points[0][1]), *points[1:-1], (points[-1][0] - _RADIUS, points[-1][1])]
        way = f"M{points[0][0]:g} {points[0][1]:.1f}"
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (x0 + x1) / 2
            way += f"C{middle:g} {y0:.1f} {middle:g} {y1:.1f} {x1:g} {y1:.1f}"
        strength = abs(link.weight) / largest
        faint = 1.0 if link.target in graph.live else _FAINT
        sign = f'stroke="{_POSITIVE}"' if link.weight >= 0 else f'stroke="{_NEGATIVE}" stroke-dasharray="6 4"'
        ends = f"{_name(graph, link.source)} to {_name(graph, link.target)}"
        parts.append(
            f'<path d="{way}" {sign} stroke-width="{0.7 + 4.3 * strength:.2f}" '
            f'stroke-opacity="{faint * (0.45 + 0.5 * strength):.2f}">'
            f"<title>{_text(ends)}: {link.weight:+.3g}</title></path>"
        )
        half = (len(points) - 1) // 2  # between two layers, where no node has its letters
        (x0, y0), (x1, y1) = points[half], points[half + 1]
        labels.append(f'<text x="{(x0 + x1) / 2:.1f}" y="{(y0 + y1) / 2 - 4:.1f}">{link.weight:+.2f}</text>')
    parts.append("</g>")
    if len(graph.links) <= _FEW_LINKS:
        parts += ['<g fill="currentColor" text-anchor="middle" font-size="9.5">', *labels, "</g>"]
    return parts


def _draw_node(graph: _Graph, key: int, point: Point) -> list[str]:
    x, y = point
    activation = graph.activations.get(key)
    ground = _GROUND.get(activation or "", _PLAIN)
    about = f"{_name(graph, key)}: {activation}" if activation else f"input {_name(graph, key)}"
    faint = "" if key in graph.live else f' opacity="{_FAINT}"'
    parts = [
        f"<g{faint}><title>{_text(about)}</title>",
        f'<circle cx="{x:g}" cy="{y:.1f}" r="{_RADIUS}" fill="{ground}" stroke="{_EDGE}"/>',
    ]
    if activation in NAMES:
        curve = _curve(activation, x, y)
        parts.append(f'<polyline points="{curve}" fill="none" stroke="{_INK}" stroke-width="1.6"/>')
    if activation:
        short = _text(_SHORT.get(activation, activation))
        parts.append(
            f'<text x="{x:g}" y="{y + _RADIUS + 11:.1f}" text-anchor="middle" font-size="9.5" '
            f'fill="currentColor">{short}</text>'
        )
    if key in graph.names:
        side, anchor = (-1, "end") if key < 0 else (1, "start")
        parts.append(
            f'<text x="{x + side * (_RADIUS + 7):g}" y="{y + 4:.1f}" text-anchor="{anchor}" font-weight="bold" '
            f'fill="currentColor">{_text(graph.names[key])}</text>'
        )
    return [*parts, "</g>"]


def _curve(activation: str, x: float, y: float) -> str:
    """The graph of an activation function over [-π, π], small enough for a node."""
    function = FUNCTIONS[NAMES.index(activation)]
    steps = [2 * i / (_SAMPLES - 1) - 1 for i in range(_SAMPLES)]
    return " ".join(f"{x + 11 * step:.1f},{y - 8 * function(math.pi * step):.1f}" for step in steps)


def _name(graph: _Graph, key: int) -> str:
    return graph.names.get(key, f"node {key}")


def _description(graph: _Graph) -> str:
    functions = Counter(_SHORT.get(name, name) for name in graph.activations.values())
    listed = ", ".join(f"{count} {name}" for name, count in functions.most_common())
    hidden = len(graph.activations) - len(graph.outputs)
    ends = ", ".join(graph.names[key] for key in graph.outputs)
    idle = sum(key not in graph.live for key in graph.activations)
    given = ", ".join(name for key, name in graph.names.items() if key < 0)
    size = f"{_count(hidden, 'hidden node')} and {_count(len(graph.links), 'link')}"
    without = f" {_count(idle, 'node')} without influence." if idle else ""
    return f"From {given} to {ends} by {size}. Functions: {listed}.{without}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _text(text: str) -> str:
    return escape(harmless(text[:200]))
