"""``evo-fool config``."""

import json
from pathlib import Path

import pytest

from evo_fool.cli.main import main
from evo_fool.experiment import Experiment
from evo_fool.presets import preset_names


def test_show_is_an_experiment_file(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "mnist-pixels", "-S", "batch=7", "-S", "encoding.rate=0.2"]) == 0
    (workplace / "again.yaml").write_text(capsys.readouterr().out)
    again = Experiment.from_yaml("again.yaml")
    assert (again.batch, again.encoding.kind, again.preset) == (7, "pixels", "mnist-pixels")


def test_show_json_equals_show(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "paper/mnist-direct", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert Experiment.from_mapping(data).encoding.halve_every == 1000
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("name", preset_names())
def test_validate_by_name_from_anywhere(name: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "validate", name]) == 0
    assert capsys.readouterr().out == f"{name}: valid ({name})\n"
    assert main(["config", "validate", f"experiments/{name}.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True


def test_a_file_of_the_same_name_wins_over_a_shipped_experiment(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "mnist-cppn").write_text("preset: mine\n")
    assert main(["config", "validate", "mnist-cppn"]) == 0
    assert "(mine)" in capsys.readouterr().out


def test_schema_describes_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["properties"]) == set(Experiment.model_fields)
    assert schema["additionalProperties"] is False
