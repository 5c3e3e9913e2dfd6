"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ConfigName = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A TOML file, or the name of a shipped config.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE|TOML", help="Override one setting, or all of a file; repeat."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Run folder [runs/<config name>].")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the results of a run with other settings."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary for scripts.")]
