"""The commands `funnelab data`: a user's files, before a run.

Libraries are imported inside the commands, so that help and errors come at once.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import AsJson, Overrides
from simulator.errors import ConfigError

data_app = typer.Typer(help="Look at data before a run.", no_args_is_help=True)
SkipBadRows = Annotated[
    bool,
    typer.Option(
        "--skip-bad-rows", help="Leave out rows that cannot be used, and say how many there are."
    ),
]


@data_app.command("check")
def data_check(
    files: Annotated[
        list[str], typer.Argument(metavar="CONFIG|FILE...", help="Configs or catalogue files.")
    ],
    overrides: Overrides = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
) -> None:
    """Check catalogue files, or the data files that a config names, without a run.

    A file by itself is read as its layout or the names of its columns tell; how, is said.
    """
    from experiments.config.userdata.datacheck import SKIP, check_data

    decided = [*(overrides or ()), *([SKIP] if skip_bad_rows else ())]
    checked = [check_data(name, decided) for name in files]
    rows = [row for each in checked for row in each.rows]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for sentence in (sentence for each in checked for sentence in each.told):
        typer.echo(f"  {sentence}")
    _tell_usable(rows)


def _tell_usable(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        counts = ", ".join(f"{key} {value:,}" for key, value in row.items() if key != "file")
        typer.echo(f"{row['file']} can be used: {counts.replace('_', ' ')}")
    if not rows:
        typer.echo("No data files: the catalogue is generated.")


@data_app.command("map")
def data_map(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of products.")],
    judgments: Annotated[
        str | None, typer.Option("--judgments", metavar="FILE", help="A file of human grades.")
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option("--queries", metavar="FILE", help="The texts of its queries, if apart."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="TOML", help="The config [<name of FILE>.toml].")
    ] = None,
    overrides: Overrides = None,
    skip_bad_rows: SkipBadRows = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a config that is there.")
    ] = False,
) -> None:
    """Write a config for a file of products, say what was decided, and check the data.

    The layouts of Shopify, WooCommerce, Google Merchant, Google Retail, Amazon Reviews, Shopping
    Queries (ESCI) and WANDS are known; of other files, columns are told by their names and values.
    """
    from experiments.config.userdata.datacheck import SKIP, check_data
    from experiments.config.userdata.datamap import map_data

    to = out or Path(Path(file).name.split(".")[0] + ".toml")
    for name in filter(None, (file, judgments, queries)):
        if to.exists() and Path(name).exists() and to.samefile(name):
            raise ConfigError(f"--out == {str(to)!r} is a file of data, must be another file")
    if to.exists() and not overwrite:
        raise ConfigError(f"--out == {str(to)!r} exists, must be a new file, or say --overwrite")
    decided = [*(overrides or ()), *([SKIP] if skip_bad_rows else ())]
    folder = to.absolute().parent
    mapped = map_data(file, folder, judgments=judgments, queries=queries, overrides=decided)
    try:
        to.write_text(mapped.toml, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out == {str(to)!r}: {error.strerror}, must be writable") from error
    for sentence in mapped.told:
        typer.echo(f"  {sentence}")
    typer.echo(f"Written: {to}")
    _tell_usable(check_data(str(to)).rows)
