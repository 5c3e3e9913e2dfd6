"""Options that several commands have."""

from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary for scripts.")]
