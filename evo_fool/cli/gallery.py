"""``evo-fool gallery``: look at runs in a browser, live."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import click

from evo_fool.cli.options import out_option
from evo_fool.cli.output import Output, output_option


@click.command()
@click.argument("what", metavar="[RUN|DIR]", required=False)
@out_option
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="0: any that is free. [default: 8317 or any]")
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@output_option
def gallery(what: str | None, out: Path, host: str, port: int | None, open_browser: bool, output: Output) -> None:
    """Serve the runs in DIR (default: outputs), or one RUN, as web pages until Ctrl-C.

    The pages follow runs that go on, and nothing is ever written to a run. Only this machine can open them, unless
    --host says otherwise.
    """
    from evo_fool.gallery.data.run_registry import find_library
    from evo_fool.gallery.security import is_loopback
    from evo_fool.gallery.server import address_of, listen, serve
    from evo_fool.host_memory import stay_small

    library = find_library(what, out)
    listener = listen(host, port)
    address = address_of(host, listener)
    url = f"{address}/runs/{quote(library.only)}" if library.only else f"{address}/"
    if not is_loopback(host):
        click.echo(
            f"evo-fool: warning: every machine that can reach {host} can see these runs; there is no password", err=True
        )
    if output.json:
        output.data({"url": url, "runs": len(library.paths())})
    else:
        output.say(f"{url}  (Ctrl-C ends it)")
    if open_browser:
        click.launch(url)
    stay_small()
    serve(library, host, listener)
