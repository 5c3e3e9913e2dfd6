"""Cases of settings as nobody should write them, and what must hold of each."""

import copy
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from experiments.config.loading import load_config, resolved_toml
from experiments.config.overrides import parse_toml
from experiments.config.schema import Config
from simulator.errors import ConfigError

SECONDS = 5.0  # no case may take longer

ODD: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3.5, -0.0, 1e-320, 1e308, -1e308, math.inf, -math.inf, math.nan),
    *(2**31, 2**63 - 1, 2**63, -(2**63), 10**26, 10**900, True, False, "", " ", "0", "nan", "inf"),
    *("a/../../b", "..", "x" * 5_000, "\x1b[31m", "a\x00b", "\u200b", "\U0001f4a1", "\u202e", "%s"),
    *("module:Object", "lexical", "control", "auto", "custom", "$FUNNELAB_DATA/x", "~", "{}"),
    *([], {}, [[]], [{}], [1, "a"], [None], {"": 1}, {"type": "custom"}, {"type": 3}, {"a.b": {}}),
)
"""Values to be put anywhere."""

TEXTS = (
    *("1", "-1", "nan", "inf", "1e999", "1" * 5_000, "0x" + "f" * 5_000, "1_0", "+1", "0b1", "07"),
    *("true", "[", "]", "[" * 3_000, "{", "{a=1}", "{a={b={}}}", '"', "'", '"""', "a = 1", "#", ""),
    *(" ", "\n", "\r\n[x]", "1979-05-27", "07:32:00", "=", "==", "a=b", "\u0000", "\udcff", "[1,2"),
    *("[[arms]]", "lexical", '"lexical"', "[0.5]", "\\u0000", '"\\uD800"', "9" * 26, "1e-400"),
)
"""What may stand behind `=` in an override."""


def places(settings: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value."""
    entries = settings.items() if isinstance(settings, dict) else enumerate(settings)
    for key, value in entries:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def holder(settings: Any, path: tuple[Any, ...]) -> Any:
    """What a path's last step is taken in."""
    for key in path[:-1]:
        settings = settings[key]
    return settings


def mutated(settings: dict[str, Any], luck: random.Random) -> str:
    """The TOML of settings, a few of which are not as they should be."""
    changed = copy.deepcopy(settings)
    for _ in range(luck.choice((1, 1, 1, 2, 4))):
        known = list(places(changed))
        if not known:
            break
        path = luck.choice(known)
        inside, key = holder(changed, path), path[-1]
        match luck.randrange(6):
            case 0 | 1 | 2:
                inside[key] = copy.deepcopy(luck.choice(ODD))
            case 3:
                del inside[key]
            case 4 if isinstance(inside, dict):
                inside[luck.choice(("x", "", "a.b", "type", "nme", "\x00", "r\u00e9"))] = (
                    luck.choice(ODD)
                )
            case 4:
                inside.append(copy.deepcopy(inside[key]))
            case 5:
                inside[key] = [inside[key]] if luck.random() < 0.5 else {"x": inside[key]}
    return tomli_w.dumps(told(changed))


def told(value: Any) -> Any:
    """Without what TOML cannot say."""
    if isinstance(value, dict):
        return {str(key): told(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [told(each) for each in value if each is not None]
    return value


def spoiled(text: str, luck: random.Random) -> bytes:
    """Bytes of a text, some of which are gone, others, twice, or strange."""
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(luck.choice((1, 1, 2, 5))):
        at, size = luck.randrange(len(raw) + 1), luck.choice((1, 1, 3, 40))
        match luck.randrange(5):
            case 0:
                del raw[at : at + size]
            case 1:
                raw[at:at] = raw[at : at + size] * luck.choice((1, 2, 50))
            case 2:
                raw[at : at + 1] = bytes([luck.randrange(256)])
            case 3:
                raw[at:at] = luck.choice(
                    (b"=", b"[", b"]]", b'"', b"\n[", b"\x00", b"\xff\xfe", b"#")
                )
            case 4:
                raw[at:at] = str(luck.choice(ODD)).encode("utf-8", "surrogatepass")[:100]
    return bytes(raw)


def override(paths: list[str], luck: random.Random) -> str:
    """An assignment to a setting that there is, or about."""
    keys = luck.choice(paths).split(".")
    match luck.randrange(8):
        case 0:
            keys.insert(luck.randrange(len(keys) + 1), luck.choice(("", "x", "0", "-1", "99", " ")))
        case 1:
            keys = keys[: luck.randrange(len(keys) + 1)]
        case 2:
            keys[-1] += luck.choice(("x", " ", "\x00", "="))
    odd = luck.choice(ODD)
    value = luck.choice((luck.choice(TEXTS), str(odd)[:6_000]))
    return ".".join(keys) + luck.choice(("=", "=", "=", "=", " = ", "")) + value


def tried(path: Path, overrides: tuple[str, ...] = ()) -> str:
    """Load settings; what came of it: "refused" or "accepted".

    Raises:
        AssertionError: they were accepted wrongly, refused without a word, or took too long.
        Exception: anything that is no refusal.
    """
    start = time.monotonic()
    try:
        config = load_config(path, overrides)
    except ConfigError as error:
        found = "refused" if str(error).strip() else "refused without a word"
    else:
        found = "accepted"
        check(config, path)
    assert time.monotonic() - start < SECONDS
    return found


def check(config: Config, path: Path) -> None:
    """What was accepted is finite and bounded, and comes back as it is."""
    text = resolved_toml(config)
    for value in numbers(parse_toml(text, "resolved")):
        assert math.isfinite(value)
        assert abs(value) < 2**63
    again = path.with_suffix(".again.toml")
    again.write_text(text, encoding="utf-8", newline="\n")
    assert load_config(again) == config


def numbers(value: Any) -> Iterator[float]:
    """Every number of settings, but for options of a user's own code."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key != "options":
                yield from numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value
