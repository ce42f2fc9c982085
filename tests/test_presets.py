"""The shipped experiments: all valid, and as their README says."""

import re

import pytest

from evo_fool.experiment import Experiment
from evo_fool.presets import changed_label, preset_folder, preset_names
from evo_fool.sections import CppnConfig, GeneticConfig, MapElitesConfig, PixelsConfig

DEFAULTS = {f"{data}-{kind}" for data in ("mnist", "imagenet") for kind in ("cppn", "pixels", "ga", "random")}
ORIGINALS = {
    f"{source}/{data}-{kind}"
    for source in ("paper", "released-code")
    for data in ("mnist", "imagenet")
    for kind in ("cppn", "direct")
}
SCENES = {"universal-cppn", "universal-pixels", "bus-to-ostrich", "patch-cppn", "program-squares", "program-mnist"}
EXPECTED = DEFAULTS | ORIGINALS | SCENES | {"imagenet-spectral"}
MAP_ELITES = {name for name in DEFAULTS | ORIGINALS if not name.endswith(("-ga", "-random"))}


def preset(name: str) -> Experiment:
    return Experiment.from_yaml(preset_folder() / f"{name}.yaml")


def test_the_presets_are_there() -> None:
    assert set(preset_names()) == EXPECTED


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_valid_says_its_name_and_cites_its_source(name: str) -> None:
    experiment = preset(name)
    assert experiment.preset == name
    assert experiment.name == name.replace("/", "-")
    assert (preset_folder() / f"{name}.yaml").read_text().startswith("# ")


def test_readme_lists_exactly_the_files_with_their_sizes_and_commands() -> None:
    text = (preset_folder() / "README.md").read_text()
    rows = re.findall(r"\| \[(\S+)\.yaml\]\((\S+)\.yaml\) \| (\d+) × (\d+) \| `evo-fool run (\S+)` \|", text)
    assert {row[0] for row in rows} == set(preset_names())
    assert len(rows) == len(preset_names())
    for label, link, generations, batch, command in rows:
        assert label == link == command
        assert (preset(label).generations, preset(label).batch) == (int(generations), int(batch))


def test_files_named_anywhere_in_the_readme_exist() -> None:
    text = (preset_folder() / "README.md").read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (preset_folder() / target).is_file()


def test_the_default_for_imagenet_is_the_papers_search_with_three_changes() -> None:
    ours = preset("imagenet-cppn").model_dump()
    assert (ours["encoding"].pop("add_link"), ours["encoding"].pop("split_link")) == (0.9, 0.9)
    assert ours["encoding"].pop("crossover") == 0.5
    assert ours["search"].pop("parents") == "recent"
    paper = Experiment.model_validate({"encoding": {"kind": "cppn", "colour": "hsv"}}).model_dump()
    assert all(paper["encoding"][key] == value for key, value in ours["encoding"].items())
    assert all(paper["search"][key] == value for key, value in ours["search"].items())


@pytest.mark.parametrize("name", sorted(name for name in MAP_ELITES - {"imagenet-cppn"} if name.endswith("-cppn")))
def test_cppn_presets_have_the_papers_rates_and_coordinates(name: str) -> None:
    encoding = preset(name).encoding
    assert isinstance(encoding, CppnConfig)
    assert (encoding.link_rate, encoding.node_rate, encoding.eta) == (0.1, 0.1, 15)
    assert (encoding.add_link, encoding.delete_link) == (0.5, 0.3)
    assert (encoding.split_link, encoding.delete_node) == (0.5, 0.2)
    assert encoding.coordinates == ("pixel" if name.startswith("released-code") else "normalised")


@pytest.mark.parametrize("data", ["mnist", "imagenet"])
def test_pixel_presets_differ_where_the_readme_says(data: str) -> None:
    names = (f"{data}-pixels", f"paper/{data}-direct", f"released-code/{data}-direct")
    seen = []
    for encoding in (preset(name).encoding for name in names):
        assert isinstance(encoding, PixelsConfig)
        assert (encoding.mutation, encoding.rate, encoding.eta) == ("clipped", 0.1, 15)
        seen.append((encoding.crossover, encoding.released_code_bug, encoding.halve_every))
    assert seen == [(0.0, False, None), (0.0, False, 1000), (0.5, True, None)]


@pytest.mark.parametrize("name", sorted(MAP_ELITES))
def test_map_elites_presets_follow_the_papers_rule(name: str) -> None:
    search = preset(name).search
    assert isinstance(search, MapElitesConfig)
    assert search.insertion == "every_cell"
    assert search.parents == ("recent" if name == "imagenet-cppn" else "cells")
    assert search.operators == ("adaptive" if name == "mnist-pixels" else "fixed")
    assert search.warm_start is None


@pytest.mark.parametrize(
    ("name", "generations", "batch"),
    [
        ("paper/imagenet-cppn", 5000, 400),
        ("paper/imagenet-direct", 20000, 200),
        ("released-code/imagenet-cppn", 5001, 400),
        ("released-code/imagenet-direct", 5010, 200),
    ],
)
def test_imagenet_presets_have_the_papers_sizes_crops_and_colours(name: str, generations: int, batch: int) -> None:
    experiment = preset(name)
    assert (experiment.generations, experiment.batch, experiment.initial_batch) == (generations, batch, batch)
    assert (experiment.encoding.size, experiment.scoring.view) == (256, "ten-crop")
    assert experiment.encoding.colour == ("hls" if name.startswith("released-code") else "hsv")


@pytest.mark.parametrize("name", sorted(name for name in DEFAULTS if name.startswith("imagenet")))
def test_imagenet_defaults_are_one_view_of_the_networks_own_size(name: str) -> None:
    experiment = preset(name)
    assert (experiment.encoding.size, experiment.encoding.colour) == (None, "hsv")
    assert experiment.scoring.view == "auto"


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if "imagenet" in name))
def test_a_thousand_classes_are_committed_by_the_clock(name: str) -> None:
    checkpoint = preset(name).checkpoint
    assert (checkpoint.generations, checkpoint.seconds) == (None, 30)


def test_the_defaults_cost_the_same() -> None:
    mnist = [preset(name) for name in DEFAULTS if name.startswith("mnist")]
    assert {(e.generations, e.batch, e.initial_batch) for e in mnist} == {(200, 200, 200)}
    imagenet = [preset(f"imagenet-{kind}") for kind in ("cppn", "pixels", "random")]
    assert {e.generations * e.batch for e in imagenet} == {200_000}


def test_the_genetic_algorithm_of_imagenet_has_one_class() -> None:
    from evo_fool.class_names import ClassNames
    from evo_fool.classifiers.imagenet import imagenet_aliases

    search = preset("imagenet-ga").search
    assert isinstance(search, GeneticConfig)
    names = [str(i) for i in range(1000)]
    assert ClassNames(names, imagenet_aliases(names)).find(search.target) == 805


def test_presets_do_not_hide_a_machine() -> None:
    for name in preset_names():
        experiment = preset(name)
        assert (experiment.device, experiment.classifier.weights) == ("auto", None)


def test_a_label_names_what_was_changed_except_what_decides_nothing() -> None:
    base = preset("mnist-cppn")
    neutral = {
        "name": "x",
        "device": "cpu",
        "retention.keep": "all",
        "checkpoint.seconds": 5,
        "seed": 3,
        "generations": 9,
    }
    assert changed_label(base, base.replace(**neutral)) == "mnist-cppn"
    changed = base.replace(batch=5, **{"encoding.link_rate": 0.2, "search.kind": "random"})
    assert changed_label(base, changed) == "mnist-cppn, batch, encoding.link_rate, search changed"
