"""The shipped experiments: all valid, and as their README says."""

import re
from pathlib import Path

import pytest

from evo_fool.cli.presets import preset_folder, preset_names
from evo_fool.experiment import CppnConfig, Experiment, MapElitesConfig, PixelsConfig

EXPECTED = {
    *("mnist-cppn", "mnist-pixels", "mnist-ga", "mnist-random"),
    *("paper/mnist-cppn", "paper/mnist-direct", "released-code/mnist-cppn", "released-code/mnist-direct"),
}


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


@pytest.mark.parametrize("name", ["mnist-cppn", "paper/mnist-cppn", "released-code/mnist-cppn"])
def test_cppn_presets_have_the_papers_rates_and_coordinates(name: str) -> None:
    encoding = preset(name).encoding
    assert isinstance(encoding, CppnConfig)
    assert (encoding.link_rate, encoding.node_rate, encoding.eta) == (0.1, 0.1, 15)
    assert (encoding.add_link, encoding.delete_link) == (0.5, 0.3)
    assert (encoding.split_link, encoding.delete_node) == (0.5, 0.2)
    assert encoding.coordinates == ("pixel" if name.startswith("released-code") else "normalised")


def test_pixel_presets_differ_where_the_readme_says() -> None:
    encodings = [preset(n).encoding for n in ("mnist-pixels", "paper/mnist-direct", "released-code/mnist-direct")]
    seen = []
    for encoding in encodings:
        assert isinstance(encoding, PixelsConfig)
        assert (encoding.mutation, encoding.rate, encoding.eta) == ("clipped", 0.1, 15)
        seen.append((encoding.crossover, encoding.released_code_bug, encoding.halve_every))
    assert seen == [(0.0, False, None), (0.0, False, 1000), (0.5, True, None)]


@pytest.mark.parametrize("name", sorted(EXPECTED - {"mnist-ga", "mnist-random"}))
def test_map_elites_presets_follow_the_papers_rule(name: str) -> None:
    search = preset(name).search
    assert isinstance(search, MapElitesConfig)
    assert (search.insertion, search.parents) == ("every_cell", "cells")


def test_the_four_defaults_cost_the_same() -> None:
    sizes = {
        (preset(n).generations, preset(n).batch, preset(n).initial_batch) for n in EXPECTED if n.startswith("mnist")
    }
    assert sizes == {(200, 200, 200)}


def test_presets_do_not_hide_a_machine(tmp_path: Path) -> None:
    for name in preset_names():
        experiment = preset(name)
        assert (experiment.device, experiment.classifier.weights) == ("auto", None)
