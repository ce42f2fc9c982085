"""``evo-fool study program`` as a whole command."""

from pathlib import Path
from typing import Any


def test_what_it_prints_and_draws(workplace: Path, invoke: Any, invoke_json: Any) -> None:
    sizes = ("--inner", "12", "--count", "20", "--held-out", "20", "--epochs", "1", "--batch", "10")
    run = invoke_json("gradient", "program", *sizes)["path"]
    code, out, err = invoke("study", "program", run, "--random", "2", "--to", "board.png")
    assert code == 0, err
    assert "a linear classifier instead" in out and "class that means it" in out
    assert (workplace / "board.png").read_bytes().startswith(b"\x89PNG")
    data = invoke_json("study", "program", run, "--random", "2", "--held-out", "10")
    assert data["programs"][0]["images"] == 10 and len(data["controls"][0]["random"]) == 2
    code, out, err = invoke("study", "program")
    assert code == 2 and "RUN" in err
