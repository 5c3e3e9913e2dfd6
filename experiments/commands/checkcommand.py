"""The commands `funnelab check`: a user's own code, before a run.

Libraries are imported inside the commands, so that help and errors come at once.
"""

import json
from typing import Annotated

import typer

from experiments.commands.options import AsJson, Overrides
from simulator.errors import ContractError

check_app = typer.Typer(
    help="Check your own channel, rewriter, suggester, augmentation, catalogue step, ranker, "
    "judge, reward, rule, click model or metric.",
    no_args_is_help=True,
)

PlugIn = Annotated[str, typer.Argument(metavar="MODULE:OBJECT", help="What to import and check.")]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="MY.toml",
        help="Use the items of this config, and the options that it gives to the object.",
    ),
]
Seconds = Annotated[
    float, typer.Option("--seconds", min=0.1, help="Most time that one call may take (s).")
]


def _check_command(plug_in: str, told: str) -> None:
    """Add the check of a kind of plug-ins."""

    @check_app.command(plug_in, help=told)
    def check(
        name: PlugIn,
        config: Config = None,
        overrides: Overrides = None,
        seconds: Seconds = 60.0,
        as_json: AsJson = False,
    ) -> None:
        from experiments.commands.checking import check_plug_in, kind_of
        from experiments.config.loading import load_config

        settings = load_config(config, overrides or ()) if config is not None else None
        findings = check_plug_in(plug_in, name, settings, seconds=seconds)
        said = [f"{place}: {each}" if place else str(each) for place, each in findings]
        noun = kind_of(plug_in).noun
        if as_json:
            typer.echo(json.dumps({"object": name, "findings": said}))
        if said:
            problems = "\n".join(f"  {each}" for each in said)
            raise ContractError(f"{name} breaks the contract of {noun}:\n{problems}")
        if not as_json:
            typer.echo(f"{name} keeps the contract of {noun}")


for _plug_in, _told in {
    "channel": "Check that a class or function makes channels that keep the contract.",
    "rewriter": "Check that a class or function makes query rewriters that keep the contract.",
    "suggester": "Check that a class or function makes suggesters that keep the contract.",
    "augmentation": "Check that a class or function makes augmentations that keep the contract.",
    "ranker": "Check that a class or function makes rankers that keep the contract.",
    "understanding": (
        "Check that a class or function makes catalogue steps that keep the contract."
    ),
    "judge": "Check that a class or function makes judges that keep the contract.",
    "reward": "Check that a function is a reward that keeps the contract, or a class makes such.",
    "rule": "Check that a function or class is a rule of credit that keeps the contract.",
    "click": "Check that a class or function makes click models that keep the contract.",
    "metric": "Check that a function or class is a metric that keeps the contract.",
}.items():
    _check_command(_plug_in, _told)
