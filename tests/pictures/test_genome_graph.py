"""The drawing of a CPPN has every node and link of it, harms no page, and its nodes do not cover each other."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neat.genome import DefaultGenome

from evo_fool.encodings.colour import OUTPUT_NAMES, resolve_colour
from evo_fool.encodings.cppn.neat import link_gene, node_gene
from evo_fool.errors import ConfigError, GenomeError, NotKeptError
from evo_fool.pictures.genome_graph import DARK_STYLE, draw_genome, draw_individual
from evo_fool.pictures.graph_layout import place
from evo_fool.runs import open_run

SVG = "{http://www.w3.org/2000/svg}"


def genome(nodes: dict[int, int], links: dict[tuple[int, int], float]) -> DefaultGenome:
    made = DefaultGenome(0)
    made.nodes = {key: node_gene(key, activation) for key, activation in nodes.items()}
    made.connections = {pair: link_gene(*pair, weight) for pair, weight in links.items()}
    return made


@st.composite
def graphs(draw: st.DrawFn) -> DefaultGenome:
    """Any acyclic CPPN of one output: links lead from inputs and to nodes with greater keys, and to 0."""
    hidden = list(range(1, draw(st.integers(0, 14)) + 1))
    sources, targets = [*range(-4, 0), *hidden], [*hidden, 0]
    pairs = [(s, t) for s in sources for t in targets if t == 0 or s < t]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40))
    weights = draw(st.lists(st.floats(-10, 10), min_size=len(chosen), max_size=len(chosen)))
    return genome({key: key % 4 for key in targets}, dict(zip(chosen, weights, strict=True)))


def circles(svg: ElementTree.Element) -> Iterator[tuple[float, float]]:
    for circle in svg.iter(f"{SVG}circle"):
        yield float(circle.attrib["cx"]), float(circle.attrib["cy"])


@settings(deadline=None)
@given(graphs())
def test_every_node_and_link_is_there_and_nodes_lie_apart(made: DefaultGenome) -> None:
    svg = ElementTree.fromstring(draw_genome(made, outputs=("brightness",)))
    places = list(circles(svg))
    assert len(places) == len(made.nodes) + 4
    assert len(list(svg.iter(f"{SVG}path"))) == len(made.connections)
    assert all(math.dist(a, b) > 57.8 for i, a in enumerate(places) for b in places[:i])
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert all(17 < x < width - 17 and 17 < y < height - 17 for x, y in places)


@settings(deadline=None)
@given(graphs())
def test_links_run_to_the_right_and_pass_no_node(made: DefaultGenome) -> None:
    links = list(made.connections)
    placed = place(list(made.nodes), links, [-1, -2, -3, -4], [0], node_height=58, link_height=20)
    nodes = set(placed.nodes.values())
    for (source, target), route in zip(links, placed.routes, strict=True):
        assert (route[0], route[-1]) == (placed.nodes[source], placed.nodes[target])
        assert [x for x, _ in route] == list(range(round(route[0][0]), round(route[-1][0]) + 1))
        for x, y in route[1:-1]:
            assert all(abs(y - other) >= 38.99 for column, other in nodes if column == x)


def test_weights_and_functions_can_be_read() -> None:
    made = genome({0: 2, 5: 0}, {(-1, 5): 2.5, (5, 0): -5.0, (-4, 0): 0.125})
    svg = ElementTree.fromstring(draw_genome(made, outputs=("brightness",), title="A <b> & c"))
    assert svg.find(f"{SVG}title").text == "A <b> & c"  # type: ignore[union-attr]
    told = svg.find(f"{SVG}desc").text  # type: ignore[union-attr]
    assert told == "From x, y, d, bias to brightness by 1 hidden node and 3 links. Functions: 1 gaussian, 1 sine."
    titles = {element.text for element in svg.iter(f"{SVG}title")}
    assert {"x to node 5: +2.5", "node 5 to brightness: -5", "bias to brightness: +0.125", "node 5: sine"} <= titles
    texts = {element.text for element in svg.iter(f"{SVG}text")}
    assert {"+2.50", "-5.00", "+0.12", "x", "y", "d", "bias", "brightness", "sine", "gaussian"} <= texts
    widths = {path[0].text: float(path.attrib["stroke-width"]) for path in svg.iter(f"{SVG}path")}
    assert widths["node 5 to brightness: -5"] > widths["x to node 5: +2.5"] > widths["bias to brightness: +0.125"]
    dashed = [path[0].text for path in svg.iter(f"{SVG}path") if "stroke-dasharray" in path.attrib]
    assert dashed == ["node 5 to brightness: -5"]


def test_what_has_no_influence_is_faint() -> None:
    made = genome({0: 2, 5: 0, 6: 1, 7: 1}, {(-1, 5): 1.0, (5, 0): 1.0, (5, 6): 1.0, (6, 7): 1.0})
    svg = ElementTree.fromstring(draw_genome(made, outputs=("brightness",)))
    faint = {group[0].text for group in svg.iter(f"{SVG}g") if "opacity" in group.attrib}
    assert faint == {"input y", "input d", "input bias", "node 6: bipolar_sigmoid", "node 7: bipolar_sigmoid"}
    opacity = {path[0].text: float(path.attrib["stroke-opacity"]) for path in svg.iter(f"{SVG}path")}
    assert opacity["node 5 to node 6: +1"] < 0.5 < opacity["node 5 to brightness: +1"]
    assert svg.find(f"{SVG}desc").text.endswith("2 nodes without influence.")  # type: ignore[union-attr]


def test_outputs_are_what_nothing_leaves_if_not_told() -> None:
    made = genome({0: 0, 1: 1, 2: 2, 9: 3}, {(-1, 9): 1.0, (9, 1): 1.0})
    texts = {element.text for element in ElementTree.fromstring(draw_genome(made)).iter(f"{SVG}text")}
    assert {"output 0", "output 1", "output 2"} <= texts
    assert "output 9" not in texts


def test_a_page_takes_it_without_style_or_script(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        file = draw_individual(run, run[0].id)
        inline = draw_individual(run, run[0].id, inline=True)
    assert f"<style>{DARK_STYLE}</style>" in file
    for text in (file.replace(DARK_STYLE, "").replace("<style></style>", ""), inline):
        assert "<style" not in text
        assert " style=" not in text and "<script" not in text and "href" not in text and " on" not in text
        assert "currentColor" in text
    assert "xmlns" not in inline
    ElementTree.fromstring(inline)


def test_hostile_names_are_letters() -> None:
    made = genome({0: 0}, {(-1, 0): 1.0})
    made.nodes[0].activation = "<script>alert(1)</script>"
    text = draw_genome(made, outputs=("\x00</svg>",), title='"]]>\x1b')
    assert "<script" not in text
    ElementTree.fromstring(text)


@pytest.mark.parametrize(
    ("nodes", "links", "words"),
    [
        ({0: 0, 1: 0, 2: 0}, {(1, 2): 1.0, (2, 1): 1.0}, "cycle"),
        ({0: 0}, {(-9, 0): 1.0}, "no such nodes"),
        ({0: 0}, {(-1, 3): 1.0}, "no such nodes"),
        ({0: 0}, {(-1, 0): math.inf}, "weighs inf"),
        ({1: 0}, {(-1, 1): 1.0}, "no output 0"),
    ],
)
def test_what_is_no_cppn_is_refused(nodes: dict[int, int], links: dict[tuple[int, int], float], words: str) -> None:
    with pytest.raises(GenomeError, match=words):
        draw_genome(genome(nodes, links), outputs=("brightness",))


def test_disabled_links_are_left_out() -> None:
    made = genome({0: 0}, {(-1, 0): 1.0, (-2, 0): 1.0})
    made.connections[-2, 0].enabled = False
    assert draw_genome(made).count("<path") == 1


def test_every_individual_that_is_kept_can_be_drawn(cppn_run: Path, pixels_run: Path) -> None:
    with open_run(cppn_run) as run:
        for elite in run.values():
            svg = ElementTree.fromstring(draw_individual(run, elite.id))
            assert len(list(circles(svg))) == len(run.genome(elite.class_index).nodes) + 4
        with pytest.raises(NotKeptError):
            draw_individual(run, 10**9)
    with open_run(pixels_run) as run, pytest.raises(ConfigError, match="only a CPPN has a graph"):
        draw_individual(run, run[0].id)


def test_every_colour_model_names_its_outputs() -> None:
    for colour, names in OUTPUT_NAMES.items():
        assert resolve_colour(colour, len(names)) == colour
