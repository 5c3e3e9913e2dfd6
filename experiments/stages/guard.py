"""Nobody's results are replaced by accident."""

import tomllib
from pathlib import Path
from typing import Any

from experiments.stages.folder import CONFIG, MANIFEST
from simulator.errors import StoreError

_ELSEWHERE = ("execution", "attribution")  # sections that decide nothing of what a run writes


def check_same_settings(path: Path, config_text: str) -> None:
    """Refuse to replace the results of a finished run by those of other settings.

    How a run is executed (`[execution]`) and how its log is attributed (`[attribution]`) do not
    change its results and may differ.

    Args:
        path: the run folder; a new or unfinished one passes.
        config_text: the resolved TOML of the run that is about to start.

    Raises:
        StoreError: the folder holds a finished run with other settings, the first of which
            are named.
    """
    if not (path / MANIFEST).is_file() or not (path / CONFIG).is_file():
        return
    try:
        found = _flat(tomllib.loads((path / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path / CONFIG}: {error}, must be the settings of a run") from error
    wanted = _flat(tomllib.loads(config_text))
    other = [name for name in wanted | found if wanted.get(name) != found.get(name)]
    if other:
        changes = [f"{name} == {found.get(name)!r}, now {wanted.get(name)!r}" for name in other]
        more = f", and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise StoreError(
            f"{path} holds a finished run with other settings ({'; '.join(changes[:3])}{more}), "
            "must be the same settings, another folder (--out) or --overwrite"
        )


def _flat(settings: Any, place: str = "") -> dict[str, Any]:
    """Settings by dotted path, without those that cannot change a result."""
    if isinstance(settings, dict):
        parts = [(str(key), value) for key, value in settings.items()]
    elif isinstance(settings, list) and any(isinstance(value, dict) for value in settings):
        parts = [(str(number), value) for number, value in enumerate(settings)]
    else:
        return {place: settings}
    flat: dict[str, Any] = {}
    for key, value in parts:
        inner = f"{place}.{key}" if place else key
        if inner not in _ELSEWHERE:
            flat |= _flat(value, inner)
    return flat
