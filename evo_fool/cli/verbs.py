"""The table of verbs, and a click group that imports a verb's module only when that verb is called.

``evo-fool --help`` is answered from the table alone: no torch, no numba, no pydantic.
"""

import difflib
import importlib
import keyword
from typing import Any

import click

VERBS: dict[str, tuple[str, str]] = {
    "run": (
        "evo_fool.cli.run",
        "Evolve fooling images as EXPERIMENT says: a YAML file, or the name of a shipped experiment.",
    ),
    "resume": ("evo_fool.cli.run", "Continue RUN from its last commit, or extend it with --generations."),
    "ls": ("evo_fool.cli.inspect", "List the runs in DIR (default: outputs), oldest first."),
    "show": ("evo_fool.cli.inspect", "Show what RUN reached, or everything about the elite of one CLASS."),
    "compare": (
        "evo_fool.cli.inspect",
        "Put RUNs side by side: what they reached, how soon, and which settings differ.",
    ),
    "export": ("evo_fool.cli.export", "Write the elites of RUN into DIR, as PNGs named <class>_<probability>.png."),
    "apply": ("evo_fool.cli.apply", "Apply a picture of RUN, whose scene is not alone, to each PHOTO."),
    "import": (
        "evo_fool.cli.import_",
        "Score the images in DIR and make a run of them, each in the class that its file names.",
    ),
    "gradient": (
        "evo_fool.cli.gradient",
        "Find pictures by following a network's gradient, where evolution asks for its answers only.",
    ),
    "sheet": ("evo_fool.cli.sheet", "Draw the elites of RUN as one picture, with class names and confidences."),
    "poster": ("evo_fool.cli.poster", "Draw the elite of one CLASS of RUN for print."),
    "timelapse": (
        "evo_fool.cli.timelapse",
        "Film all classes of RUN over the generations, or one CLASS from holder to holder.",
    ),
    "plot": (
        "evo_fool.cli.plot",
        "Plot how RUN converged: confidence, coverage, QD score and captures by generation.",
    ),
    "gallery": (
        "evo_fool.cli.gallery",
        "Serve the runs in DIR (default: outputs), or one RUN, as web pages until Ctrl-C.",
    ),
    "reproduce": (
        "evo_fool.cli.reproduce",
        "Run what FIGURE needs, or take it from earlier runs, and write a report beside the paper's figures.",
    ),
    "study": ("evo_fool.cli.study", "Ask one question: of a run's elites, or by training networks."),
    "verify": ("evo_fool.cli.verify", "Check RUN's files, and render and score every elite again."),
    "digest": ("evo_fool.cli.verify", "Print the SHA-256 over RUN's elites, captures and metrics without wall times."),
    "config": ("evo_fool.cli.config", "Show, validate or describe an experiment."),
    "train": (
        "evo_fool.cli.train",
        "Train classifiers of MNIST: the embedded one, and a generative one; or fit a detector on any network.",
    ),
    "bench": ("evo_fool.cli.bench", "Measure speed against its floor and its baseline."),
    "doctor": (
        "evo_fool.cli.doctor",
        "Check Python, packages, devices, the embedded classifier and the folder of runs.",
    ),
}
"""Name -> (module, first paragraph of its help). The module has a click command of the verb's name; of `import_` for
`import`."""


class LazyGroup(click.Group):
    """A group whose commands live in modules that are not yet imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        attribute = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command = getattr(importlib.import_module(VERBS[cmd_name][0]), attribute)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(VERBS)}"
            raise click.UsageError(f"unknown verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"evo-fool {version('evo-fool')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it.")
def application() -> Any:
    """Evolve images that fool image classifiers (after Nguyen, Yosinski & Clune, CVPR 2015).

    Start with `evo-fool run mnist-cppn`; EXPERIMENT is a YAML file or the name of a shipped one,
    RUN is a path, a name, an id prefix or `latest`.
    """
