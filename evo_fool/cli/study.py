"""``evo-fool study …``: ask one question; each verb is made from the options of a study."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from evo_fool.cli.output import Output, output_option
from evo_fool.errors import ConfigError
from evo_fool.studies import QUESTIONS, options_of, study_of
from evo_fool.studies.options import Options, TrainingOptions
from evo_fool.studies.section import Row


class _Questions(click.Group):
    """One verb a study; only the options of the studies are imported for ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(QUESTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in QUESTIONS else None


@click.group(cls=_Questions)
def study() -> None:
    """Ask one question: of a run's elites, or by training networks."""


def _command(name: str) -> click.Command:
    model = options_of(name)

    @output_option
    def verb(output: Output, to: Path | None = None, **values: Any) -> int:
        given = {key: value for key, value in values.items() if value is not None}
        return _ask(name, model(**given), to, output)

    parameters = [click_parameter(key, field) for key, field in model.model_fields.items()]
    if model.drawn:
        to = click.Path(dir_okay=False, path_type=Path)
        parameters.append(
            click.Option(["--to"], type=to, metavar="FILE.png", callback=_png, help=f"Draw {model.drawn} too.")
        )
    command = click.command(name, help=model.__doc__)(verb)
    command.params[:0] = parameters
    return command


_LIMITS = (("ge", "min"), ("le", "max"))


def click_parameter(name: str, field: FieldInfo) -> click.Parameter:
    """An option or an argument from a field, see :mod:`evo_fool.studies.options`."""
    settings: dict[str, Any] = dict(field.json_schema_extra or {})  # type: ignore[arg-type]
    many, kind = _type(field)
    settings["required"] = field.is_required()
    if settings.pop("argument", False):
        return click.Argument([name], type=kind, nargs=-1 if many else 1, **settings)
    if not field.is_required():
        default = field.get_default()
        settings = {"default": default, "show_default": default not in (None, (), False)} | settings
    settings |= {"is_flag": True} if kind is bool else {"type": kind, "multiple": many}
    flag = f"--{(field.alias or name).replace('_', '-')}"
    return click.Option([flag, name], help=field.description, show_envvar="envvar" in settings, **settings)


def _type(field: FieldInfo) -> tuple[bool, Any]:
    """Whether a field takes several values, and click's type of one."""
    kind: Any = field.annotation
    if get_origin(kind) in (types.UnionType, Union):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    many = get_origin(kind) is tuple
    limiting = list(field.metadata)
    if many:
        kind = get_args(kind)[0]
        if get_origin(kind) is Annotated:
            kind, *limiting = get_args(kind)
    limits = [(click_name, getattr(m, name, None)) for m in limiting for name, click_name in _LIMITS]
    bounds = {name: limit for name, limit in limits if limit is not None}
    if get_origin(kind) is Literal:
        return many, click.Choice(get_args(kind))
    if kind is Path:
        return many, click.Path(file_okay=False, path_type=Path)
    ranges = {int: click.IntRange, float: click.FloatRange}
    return many, ranges[kind](**bounds) if kind in ranges and bounds else kind


def _png(_context: click.Context, _option: click.Parameter, to: Path | None) -> Path | None:
    """Refuse another format before work is spent on the picture."""
    if to is not None and to.suffix.lower() != ".png":
        raise ConfigError(f"{to}: {to.suffix or 'no suffix'} is no format of study pictures; use .png")
    return to


def _ask(name: str, options: Options, to: Path | None, output: Output) -> int:
    """Measure and print; the exit code is 0, or that of a study that was asked to stop."""
    from evo_fool.atomic_write import write_whole
    from evo_fool.session.stopping import EXIT_CODES, StopFlag
    from evo_fool.studies.context import Context, Stopped
    from evo_fool.studies.study import Skipped

    def say(line: str) -> None:
        click.echo(line, err=True)

    asked = study_of(name, options)
    try:
        if isinstance(options, TrainingOptions):
            with StopFlag() as stop:
                context = Context(options.out, "laptop", options.data, say, options.seeds, stop=stop)
                data = asked.measure(context)
        else:
            context = Context(None)
            data = asked.measure(context)
    except Stopped as stopped:
        say(f"stopped ({stopped}); the same command goes on")
        return EXIT_CODES.get(str(stopped), 1)
    except Skipped as reason:
        raise ConfigError(str(reason)) from None
    if output.json:
        output.data(asked.document(data) | {"remark": "; ".join(context.remarks)})
    else:
        _print(output, asked.conclude(data)[1], asked.rows(data))
        for table in asked.tables(data):
            output.say()
            if table.title:
                output.say(table.title)
            output.table(table.columns, table.lines)
        for remark in context.remarks:
            output.say(f"note: {remark}")
    if to is not None and (pictures := asked.pictures(context, data)):
        write_whole(to, pictures[0].png, "--to")
        output.say(str(to))
    return 0


def _print(output: Output, why: str, rows: list[Row]) -> None:
    """The sentences, and the table without its empty columns."""
    output.say(why)
    if not rows:
        return
    output.say()
    keys = [key for key in ("what", "ours", "paper", "control", "note") if any(getattr(row, key) for row in rows)]
    columns = [f" {key}" if key in ("ours", "paper", "control") else key for key in keys]
    output.table(columns, [[getattr(row, key) for key in keys] for row in rows])
