"""The table of ImageNet's classes, and the script that makes it."""

import importlib.util
import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from evo_fool.class_names import ClassNames
from evo_fool.classifiers import imagenet
from evo_fool.classifiers.imagenet import TABLE, imagenet_aliases
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ClassifierError

SCRIPT = Path(__file__).parents[2] / "docs/tools/make_imagenet_classes.py"


@pytest.fixture(scope="module")
def names() -> list[str]:
    models = import_torchvision().models
    return list(models.get_model_weights("squeezenet1_1").DEFAULT.meta["categories"])


@pytest.fixture(scope="module")
def classes(names: list[str]) -> ClassNames:
    return ClassNames(names, imagenet_aliases(names))


def test_every_network_has_the_same_names() -> None:
    models = import_torchvision().models
    weights = [models.get_model_weights(name).DEFAULT for name in models.list_models(module=models)]
    assert len({tuple(w.meta["categories"]) for w in weights}) == 1


def test_each_class_is_found_by_name_by_id_and_by_index(names: list[str], classes: ClassNames) -> None:
    assert len(set(names)) == 1000
    for index, name in enumerate(names):
        assert classes.find(name) == classes.find(classes.aliases[index][0]) == classes.find(str(index)) == index


@pytest.mark.parametrize(
    ("text", "index"),
    [("remote control", 761), ("n04074963", 761), ("761", 761), ("carcharodon carcharias", 2)],
)
def test_some_that_people_know(text: str, index: int, classes: ClassNames) -> None:
    assert classes.find(text) == index


@pytest.mark.parametrize(("text", "candidates"), [("panther", (286, 290)), ("CARDIGAN", (264, 474))])
def test_ambiguous_names_list_the_candidates(text: str, candidates: tuple[int, int], classes: ClassNames) -> None:
    with pytest.raises(KeyError) as caught:
        classes.find(text)
    for index in candidates:
        assert f"{index} {classes.names[index]}" in caught.value.args[0]


def test_table_agrees_with_the_data_set(names: list[str], data_folder: Path) -> None:
    file = data_folder / "imagenet" / "classes.json"
    if not file.is_file():
        pytest.skip(f"no imagenet/classes.json in {data_folder}")
    aliases = imagenet_aliases(names)
    for entry in json.loads(file.read_text()):
        wnid, *synonyms = aliases[entry["index"]]
        assert (wnid, names[entry["index"]]) == (entry["wnid"], entry["name"])
        words = entry["synset"].split(", ")
        assert synonyms == [word for word in words if word != entry["name"]]


def test_a_damaged_table_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "TABLE", tmp_path / "table.tsv")
    for content in (None, "0\tn01440764\n", "x\ty\tz\n", "0\tn01440764\ttench\n"):
        if content is not None:
            (tmp_path / "table.tsv").write_text(content)
        with pytest.raises(ClassifierError, match="install evo-fool again"):
            imagenet_aliases(["a"] * 1000)


def test_the_script_makes_the_table(tmp_path: Path) -> None:
    tools = _script()
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    wheel = tmp_path / "timm-1.0.31-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("timm/data/_info/imagenet_synsets.txt", "\n".join(row[1] for row in rows))
        words = [f"{row[1]}\t{row[2]}" for row in reversed(rows)] + ["n00004475\torganism, being"]
        archive.writestr("timm/data/_info/imagenet_synset_to_lemma.txt", "\n".join(words))
        archive.writestr("timm-1.0.31.dist-info/licenses/LICENSE", "Apache")
    assert tools.make_table(wheel) == (TABLE.read_text(), "Apache")


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("imagenet_classes", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
