"""The experiment file: what is valid survives a round trip, what is not is one clear line."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.errors import ConfigError
from evo_fool.experiment import Experiment
from evo_fool.sections import MAX_BATCH, CppnConfig, GeneticConfig, PixelsConfig
from evo_fool.yaml_file import parse_yaml, read_yaml

rates = st.floats(0, 1)
pixels = st.fixed_dictionaries(
    {"kind": st.just("pixels")},
    optional={
        "size": st.none() | st.integers(1, 4096),
        "colour": st.sampled_from(["auto", "grey", "rgb", "hsv", "hls"]),
        "mutation": st.sampled_from(["clipped", "bounded"]),
        "rate": rates,
        "halve_every": st.none() | st.integers(1, 10**6),
        "released_code_bug": st.booleans(),
    },
)
cppn = st.fixed_dictionaries(
    {"kind": st.just("cppn")},
    optional={
        "coordinates": st.sampled_from(["normalised", "pixel"]),
        "add_link": rates,
        "weight_range": st.floats(1e-3, 1e4),
        "max_nodes": st.integers(3, 4096),
        "max_links": st.integers(12, 16384),
    },
)
searches = st.sampled_from(
    [{"kind": "map_elites"}, {"kind": "map_elites", "insertion": "argmax"}, {"kind": "genetic", "target": 3}]
    + [{"kind": "random"}, {"kind": "genetic", "selection": "rank", "variation": "or"}, {"kind": "imported"}]
    + [{"kind": "gradient", "method": "universal", "settings": {"passes": 3, "augment": True, "until": 0.5}}]
)
scenes = st.just({"kind": "alone"}) | st.fixed_dictionaries(
    {"kind": st.just("perturbation"), "epsilon": st.floats(0, 255, exclude_min=True)},
    optional={
        "photos": st.sampled_from(["photos", "/data/photos.npz"]),
        "count": st.none() | st.integers(1, 500),
        "between": st.none() | st.tuples(st.integers(0, 9), st.integers(10, 99)),
        "cells": st.sampled_from(["all", "classes", "other", ["ostrich"], ["yes", "other"]]),
        "norm": st.sampled_from(["linf", "l2"]),
        "amplitude": st.sampled_from(["linear", "sign"]),
        "racing": st.sampled_from(["fast", "exact", "none"]),
    },
)
experiments = st.fixed_dictionaries(
    {"encoding": pixels | cppn, "search": searches},
    optional={
        "scene": scenes,
        "name": st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=40).filter(
            str.isprintable
        ),
        "seed": st.integers(0, 2**63 - 1),
        "generations": st.integers(0, 10**7),
        "batch": st.integers(2, MAX_BATCH),
        "device": st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
    },
)


@given(experiments)
def test_what_is_valid_survives_a_round_trip_through_yaml(data: dict[str, Any]) -> None:
    experiment = Experiment.from_mapping(data)
    assert Experiment.from_mapping(parse_yaml(experiment.to_yaml(), "ours")) == experiment
    assert Experiment.from_mapping(yaml.safe_load(experiment.to_yaml())) == experiment  # and readers of YAML 1.1


@pytest.mark.parametrize("name", ["yes", "1e5", "0200", "0o17", "1_000", "12:30", "2026-02-30", "~", "null", "=", "<<"])
def test_a_name_that_looks_like_something_else_stays_a_name(name: str) -> None:
    text = Experiment(name=name).to_yaml()
    assert parse_yaml(text, "ours")["name"] == yaml.safe_load(text)["name"] == name


def test_an_experiment_cannot_be_changed_in_place() -> None:
    experiment = Experiment()
    with pytest.raises(ValueError, match="frozen"):
        experiment.batch = 3  # type: ignore[misc]


def test_initial_batch_is_the_batch_unless_given() -> None:
    assert Experiment(batch=7).initial_batch == 7
    assert Experiment(batch=7, initial=3).initial_batch == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"batch": 20, "search": {"kind": "genetic", "elitism": 20}}, "search.elitism = 20 leaves no room"),
        ({"batch": 20, "initial": 5, "search": {"kind": "genetic", "elitism": 5}}, "keep it below batch"),
        ({"encoding": {"kind": "pixels", "crossover": 0.5}, "search": {"kind": "genetic"}}, "set search.crossover"),
        ({"encoding": {"kind": "pixels", "crossover": 0.5}, "search": {"kind": "random"}}, "leave it at 0"),
        ({"encoding": {"kind": "cppn", "crossover": 0.5}, "search": {"kind": "genetic"}}, "leave it at 0"),
        ({"encoding": {"kind": "cppn", "crossover": 0.5}, "search": {"kind": "random"}}, "leave it at 0"),
        ({"name": "latest"}, "means the newest run"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(data: dict[str, Any], words: str) -> None:
    assert words in rejected(data)


def test_an_override_of_a_setting_as_if_it_were_a_section_says_so() -> None:
    with pytest.raises(ConfigError, match="'batch' is a setting, not a section"):
        Experiment().with_overrides(["batch.x=3"])


def rejected(data: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        Experiment.from_mapping(data)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"bacth": 3}, ["'bacth'", "did you mean 'batch'"]),
        ({"encoding": {"kind": "pixels", "rat": 0.1}}, ["'rat'", "did you mean 'rate'", "in encoding"]),
        ({"encoding": {"kind": "cppn", "coordinate": "pixel"}}, ["did you mean 'coordinates'"]),
        ({"encoding": {"kind": "pixel"}}, ["encoding.kind", "'pixel'", "did you mean 'pixels'"]),
        ({"encoding": {"kind": "voxels-of-light"}}, ["encoding.kind", "pixels", "cppn"]),
        ({"encoding": {"rate": 0.1}}, ["encoding.kind is missing", "cppn"]),
        ({"search": {"kind": "map_elites", "parent": "cells"}}, ["did you mean 'parents'"]),
        ({"xyzzy": 1}, ["'xyzzy'", "known:", "generations"]),
        ({"batch": 0}, ["batch = 0", "greater than or equal to 1"]),
        ({"batch": 10**9}, ["batch = 1000000000", str(MAX_BATCH)]),
        ({"batch": -5}, ["batch = -5"]),
        ({"batch": "many"}, ["batch = 'many'", "integer"]),
        ({"batch": 2.5}, ["batch = 2.5", "integer"]),
        ({"batch": None}, ["batch = None"]),
        ({"batch": [200]}, ["batch = [200]"]),
        ({"generations": -1}, ["generations = -1"]),
        ({"seed": -1}, ["seed = -1"]),
        ({"seed": 2**63}, ["seed"]),
        ({"name": ""}, ["name = ''"]),
        ({"name": "a\nb"}, ["name", "control characters"]),
        ({"device": "gpu"}, ["device = 'gpu'"]),
        ({"encoding": {"kind": "pixels", "rate": 1.5}}, ["encoding.rate = 1.5", "less than or equal to 1"]),
        ({"encoding": {"kind": "pixels", "rate": -0.1}}, ["encoding.rate = -0.1"]),
        ({"encoding": {"kind": "pixels", "rate": float("nan")}}, ["encoding.rate = nan"]),
        ({"encoding": {"kind": "pixels", "eta": float("inf")}}, ["encoding.eta = inf"]),
        ({"encoding": {"kind": "pixels", "size": 10**6}}, ["encoding.size = 1000000"]),
        ({"encoding": {"kind": "cppn", "add_link": 7}}, ["encoding.add_link = 7"]),
        ({"encoding": "cppn"}, ["encoding"]),
        ({"classifier": "lenet-mnist"}, ["classifier = 'lenet-mnist'"]),
        ({"checkpoint": {"generations": 0}}, ["checkpoint.generations = 0"]),
        ({"retention": {"keep": "everything"}}, ["retention.keep = 'everything'", "lineage"]),
        ({"search": {"kind": "genetic", "crossover": 0.5}}, ["search.crossover", "cppn"]),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(data: dict[str, Any], words: list[str]) -> None:
    message = rejected(data)
    for word in words:
        assert word in message


def test_var_or_needs_probabilities_that_fit_together() -> None:
    encoding = {"kind": "pixels"}
    search = {"kind": "genetic", "variation": "or", "crossover": 0.5, "mutation": 0.6}
    assert "must not exceed 1" in rejected({"encoding": encoding, "search": search})


def test_a_long_value_is_cut_short() -> None:
    assert len(rejected({"batch": "x" * 10_000})) < 250


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=4))
def test_arbitrary_mappings_are_valid_or_one_line(data: dict[str, Any]) -> None:
    try:
        Experiment.from_mapping(data)
    except ConfigError as error:
        assert str(error)


def test_overrides_are_read_as_yaml_and_leave_the_rest_alone() -> None:
    changed = Experiment().with_overrides(["batch=5", "encoding.coordinates=pixel", "classifier.weights=null"])
    assert isinstance(changed.encoding, CppnConfig)
    assert (changed.batch, changed.encoding.coordinates, changed.classifier.weights) == (5, "pixel", None)
    assert changed.seed == Experiment().seed
    assert Experiment().with_overrides([]) == Experiment()


def test_overriding_a_kind_starts_its_section_afresh() -> None:
    changed = Experiment().with_overrides(["encoding.kind=pixels", "encoding.rate=0.3", "search.kind=genetic"])
    assert changed.encoding == PixelsConfig(kind="pixels", rate=0.3)
    assert changed.search == GeneticConfig(kind="genetic")


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("batch", ["key=value"]),
        ("=3", ["key=value"]),
        ("btach=3", ["'btach'", "did you mean 'batch'"]),
        ("encodin.kind=pixels", ["'encodin'", "did you mean 'encoding'"]),
        ("batch.size=3", ["batch"]),
        ("encoding.coordinates=[", ["not valid YAML"]),
        ("encoding.coordinates=polar", ["encoding.coordinates = 'polar'"]),
        ("encoding=null", ["encoding"]),
        ("batch=", ["batch = None"]),
    ],
)
def test_a_bad_override_is_one_line_that_names_it(assignment: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Experiment().with_overrides([assignment])
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"batch: [1, 2", ["not valid YAML"]),
        (b"- a\n- b\n", ["mapping", "list"]),
        (b"", ["mapping", "NoneType"]),
        (b"1: 2\n", ["line 1", "a key must be a name"]),
        (b"\xff\xfe\x00", ["UTF-8"]),
        (b"!!python/object/apply:os.system ['echo ran > ran.txt']", ["line 1", "tags", "os.system"]),
        (b"[" * 100_000, ["line 1", "20 levels"]),
        (b" " * 100_001, ["longer than 100,000"]),
    ],
)
def test_a_file_that_is_no_experiment_is_one_line(content: bytes, words: list[str], workplace: Path) -> None:
    Path("bad.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml("bad.yaml")
    for word in ("bad.yaml", *words):
        assert word in str(caught.value)
    assert not Path("ran.txt").exists()


def test_values_are_those_of_yaml_1_2() -> None:
    text = "[1, -2, 0x10, 0o17, 1_000, 1e-3, .5, 5., true, False, ~, yes, off, 0200, 1:30, 2026-02-30, 'x']"
    assert parse_yaml(text, "here") == [
        *(1, -2, 16, 15, 1000, 1e-3, 0.5, 5.0, True, False, None),
        *("yes", "off", "0200", "1:30", "2026-02-30", "x"),
    ]
    assert all(type(x) is type(y) for x, y in zip(parse_yaml("[1, true, 1.0]", ""), [1, True, 1.0], strict=True))


LAUGHS = "name:\n  - &l0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"  - &l{i} [{','.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
NOT_READ = [
    (LAUGHS, ["line 2", "anchors", "write the value out"]),
    ("name: *gone", ["aliases"]),
    ("batch: !!int '5'", ["tags", "leave it out"]),
    ("name: !!timestamp 2026-02-30", ["tags"]),
    ("batch: 5\nseed: 1\nbatch: 7\n", ["line 3", "'batch' is given twice"]),
    ("encoding:\n  kind: cppn\n  kind: pixels\n", ["line 3", "'kind' is given twice"]),
    ("encoding: {eta: 1, eta: 2}", ["'eta' is given twice"]),
    (f"seed: {'9' * 5000}", ["an integer of 5,000 digits"]),
    (f"seed: 0x{'f' * 5000}", ["digits"]),
    (f"batch: {'[' * 3000}", ["20 levels"]),
    ("a: " * 3, ["not valid YAML"]),
    ('name: "\\UFFFFFFFF"', ["not valid YAML"]),
    ("? {a: 1}\n: 2", ["a key must be a name"]),
    ("true: 5", ["a key must be a name"]),
]


@pytest.mark.parametrize(("text", "words"), NOT_READ)
def test_yaml_that_is_not_read_is_one_short_line(text: str, words: list[str], workplace: Path) -> None:
    Path("bad.yaml").write_text(text)
    for attempt in (
        lambda: Experiment.from_yaml("bad.yaml"),
        lambda: Experiment().with_overrides([f"encoding={text}"]),
    ):
        with pytest.raises(ConfigError) as caught:
            attempt()
        message = str(caught.value)
        assert "\n" not in message
        assert len(message) < 250
        assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("batch: yes", "batch = 'yes'"),
        ("batch: true", "batch = True"),
        ("batch: 0200", "batch = '0200'"),
        ("batch: '200'", "batch = '200'"),
        ("batch: 5.0", "batch = 5.0"),
        ("batch: 2026-02-30", "batch = '2026-02-30'"),
        ("scoring: {batch: true}", "scoring.batch = True"),
        ("encoding: {kind: cppn, add_link: true}", "encoding.add_link = True"),
        ("encoding: {kind: cppn, add_link: '0.5'}", "encoding.add_link = '0.5'"),
        ("search: {kind: genetic, target: true}", "search.target = True"),
        ("search: {kind: genetic, rank_pressure: yes}", "search.rank_pressure = 'yes'"),
        ("checkpoint: {generations: true}", "checkpoint.generations = True"),
        ("checkpoint: {seconds: on}", "checkpoint.seconds = 'on'"),
        ("retention: {limit_mb: true}", "retention.limit_mb = True"),
    ],
)
def test_what_is_no_number_is_not_read_as_one(text: str, shown: str) -> None:
    assert f"{shown}: should be a valid " in rejected(parse_yaml(text, "here"))


def test_whole_numbers_and_words_for_truth_stay_valid() -> None:
    text = "encoding: {kind: pixels, rate: 1, released_code_bug: yes}"
    assert Experiment.from_mapping(parse_yaml(text, "here")).encoding == PixelsConfig(
        kind="pixels", rate=1.0, released_code_bug=True
    )


@pytest.mark.parametrize(
    "data",
    [
        {"name": "\ud800"},
        {"preset": "\ud800"},
        {"device": "\ud800"},
        {"classifier": {"spec": "\ud800"}},
        {"classifier": {"weights": "\ud800"}},
        {"search": {"kind": "genetic", "target": "\ud800"}},
        {"batch": 10**5000},
        {"batch": [10**5000]},
    ],
)
def test_what_cannot_be_written_as_text_is_one_line(data: dict[str, Any]) -> None:
    assert rejected(data).isprintable()


def test_the_order_of_overrides_does_not_matter() -> None:
    wanted = PixelsConfig(kind="pixels", rate=0.05)
    for whole in ("encoding.kind=pixels", "encoding={kind: pixels}"):
        for order in ([whole, "encoding.rate=0.05"], ["encoding.rate=0.05", whole]):
            assert Experiment().with_overrides(order).encoding == wanted
    assert Experiment().with_overrides(["batch=5", "batch=7"]).batch == 7


def test_settings_are_replaced_by_dotted_key_as_they_are() -> None:
    changed = Experiment().replace(seed=3, **{"encoding.rate": 0.05, "encoding.kind": "pixels", "name": "no"})
    assert (changed.seed, changed.name, changed.encoding) == (3, "no", PixelsConfig(kind="pixels", rate=0.05))
    assert Experiment().replace(encoding=changed.encoding).encoding == changed.encoding
    for settings, words in [
        ({"btach": 3}, "experiment 'btach=3': unknown key 'btach'; did you mean 'batch'?"),
        ({"btach": 10**5000}, "did you mean 'batch'"),
        ({"batch": "3"}, "experiment: batch = '3'"),
        ({"encoding.rat": 0.1}, "unknown key 'rat'"),
    ]:
        with pytest.raises(ConfigError, match=re.escape(words)):
            Experiment().replace(**settings)


def test_the_probability_of_crossover_is_the_searchs_where_it_has_one() -> None:
    assert Experiment().replace(**{"encoding.crossover": 0.3}).crossover == 0.3
    genetic = {"encoding.kind": "pixels", "search.kind": "genetic", "search.crossover": 0.4}
    assert Experiment().replace(**genetic).crossover == 0.4
    assert Experiment().replace(**{"search.kind": "random"}).crossover == 0.0


def test_a_missing_file_is_one_line(workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: No such file"):
        Experiment.from_yaml("gone.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        Experiment.from_yaml(".")
