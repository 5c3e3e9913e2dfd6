"""Tiny logs of clicks, carts and orders, and a slow reading of them in plain Python."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.inference.logs import EngineSpec, engine, read_manifest
from tests.experiments.inference.logs import DAY, write_table

CHANNELS = ("lexical", "popular", "dense")
_KINDS = {
    "requests": {"request": "i8", "session": "i8", "shopper": "i8", "arm": "i1", "at": "f8"},
    "exposures": {
        "request": "i8",
        "shopper": "i8",
        "arm": "i1",
        "item": "i4",
        "position": "i2",
        "sources": "i4",
        "best_ranked": "i4",
        "clicked": "?",
        "carted": "?",
    },
    "orders": {
        "request": "i8",
        "session": "i8",
        "shopper": "i8",
        "arm": "i1",
        "item": "i4",
        "at": "f8",
        "price": "f8",
        "quantity": "i2",
        "sources": "i4",
        "best_ranked": "i4",
        "position": "i2",
    },
}


@dataclass
class Story:
    """What some shoppers did; rows are dictionaries by the log's columns."""

    requests: list[dict] = field(default_factory=list)
    exposures: list[dict] = field(default_factory=list)
    orders: list[dict] = field(default_factory=list)

    def page(self, request, *, shopper=0, session=0, day=0.0, arm=0):
        """A request, `day` days after the start."""
        row = {"request": request, "session": session, "shopper": shopper, "arm": arm}
        self.requests.append(row | {"at": day * DAY})
        return self

    def shown(self, request, item, sources, *, position=0, clicked=True, carted=False):
        page = next(row for row in self.requests if row["request"] == request)
        row = {"request": request, "shopper": page["shopper"], "arm": page["arm"], "item": item}
        row |= {"position": position, "sources": sources, "best_ranked": sources & -sources}
        self.exposures.append(row | {"clicked": clicked, "carted": carted})
        return self

    def bought(self, request, item, sources, day, *, position=0, price=8.0, **page):
        """An order; of a page that was never logged, the page is told."""
        pages = [row for row in self.requests if row["request"] == request] or [page]
        row = {name: pages[0].get(name, 0) for name in ("session", "shopper", "arm")}
        row |= {"request": request, "item": item, "at": day * DAY, "price": price, "quantity": 1}
        row |= {"sources": sources, "best_ranked": sources & -sources, "position": position}
        self.orders.append(row)
        return self

    def write(self, log: Path, channels=CHANNELS, arms=("control", "treatment")) -> Path:
        for table, kinds in _KINDS.items():
            rows = getattr(self, table)
            columns = {
                name: np.array([row[name] for row in rows], kind) for name, kind in kinds.items()
            }
            write_table(log / table, columns)
        (log / "manifest.json").write_text(json.dumps({"channels": channels, "arms": arms}))
        return log


def ask(log: Path, question, *arguments, **options):
    """What a function of (connection, log, manifest, ...) answers; its connection with it."""
    with engine(EngineSpec()) as connection:
        found = question(connection, log, read_manifest(log), *arguments, **options)
        if found is None:
            found = connection.execute("SELECT * FROM path_credits").df()
        return found


def outcomes(story: Story) -> list[dict]:
    """Carts and orders, with their kind, time and own touch."""
    pages = {row["request"]: row for row in story.requests}
    carts = [row for row in story.exposures if row["carted"]]
    found = [
        row
        | {"event": "cart", "session": pages[row["request"]]["session"], "money": 0.0}
        | {"at": pages[row["request"]]["at"], "own_at": pages[row["request"]]["at"]}
        for row in carts
    ]
    for row in story.orders:
        own_at = pages[row["request"]]["at"] if row["request"] in pages else row["at"]
        money = row["price"] * row["quantity"]
        found.append(row | {"event": "purchase", "own_at": own_at, "money": money})
    return found


def clicks(story: Story) -> list[dict]:
    pages = {row["request"]: row for row in story.requests}
    return [
        row | {"at": pages[row["request"]]["at"], "session": pages[row["request"]]["session"]}
        for row in story.exposures
        if row["clicked"]
    ]


def order_of(touch: dict) -> tuple:
    return touch["at"], touch["request"], touch["position"]


def closes_after(outcome: dict, touch: dict) -> bool:
    """Whether the touch is at or before the outcome."""
    if outcome["event"] == "purchase":
        return touch["at"] <= outcome["at"]
    return order_of(touch) <= order_of(outcome)


def is_own(outcome: dict, touch: dict) -> bool:
    return (touch["request"], touch["item"]) == (outcome["request"], outcome["item"])


def touches(story: Story, outcome: dict, window_days: float) -> list[dict]:
    """An outcome's touches with age, same_session and own, in the order of time."""
    found = []
    for touch in clicks(story):
        age = outcome["at"] - touch["at"]
        if (
            touch["shopper"] == outcome["shopper"]
            and closes_after(outcome, touch)
            and age <= window_days * DAY
            and not is_own(outcome, touch)
        ):
            same = touch["session"] == outcome["session"]
            found.append(touch | {"age": age, "same_session": same, "own": False})
    age = max(outcome["at"] - outcome["own_at"], 0.0)
    own = outcome | {"at": outcome["own_at"], "age": age, "same_session": True, "own": True}
    return sorted([*found, own], key=order_of)


def plain_credits(story: Story, window_days: float, half_life_days: float, channels: int) -> dict:
    """By (event, request, item) and rule: the credit of each channel."""
    found = {}
    for outcome in outcomes(story):
        path = touches(story, outcome, window_days)
        youngest = min(touch["age"] for touch in path)
        last = max(n for n, touch in enumerate(path) if touch["same_session"])
        half_life = half_life_days * DAY
        weights = {
            "last_click": [float(n == last) for n in range(len(path))],
            "linear": [1.0] * len(path),
            "time_decay": [2 ** ((youngest - touch["age"]) / half_life) for touch in path],
        }
        key = outcome["event"], outcome["request"], outcome["item"]
        found[key] = {
            rule: shared(path, np.array(weight_T) / sum(weight_T), channels)
            for rule, weight_T in weights.items()
        }
    return found


def shared(path: list[dict], weight_T, channels: int) -> np.ndarray:
    credit_C = np.zeros(channels)
    for touch, weight in zip(path, weight_T, strict=True):
        finders = [c for c in range(channels) if touch["sources"] >> c & 1]
        credit_C[finders] += weight / len(finders)
    return credit_C


def plain_paths(story: Story, event: str, arm: int, window_days: float) -> dict[int, list]:
    """By shopper: (sets of channels touched, end, money) of each path of the arm."""
    found = defaultdict(list)
    kind = "cart" if event == "cart" else "purchase"
    for shopper in {row["shopper"] for row in story.exposures + story.orders}:
        waiting = [t for t in clicks(story) if t["shopper"] == shopper and t["arm"] == arm]
        waiting.sort(key=order_of)
        closing = [
            row
            for row in outcomes(story)
            if (row["event"], row["shopper"], row["arm"]) == (kind, shopper, arm)
        ]
        closing.sort(key=lambda row: (row["at"], *([0] if kind == "purchase" else []), row["request"], row["position"], row["item"]))  # fmt: skip  # noqa: E501
        for outcome in closing:
            before = [touch for touch in waiting if closes_after(outcome, touch)]
            waiting = waiting[len(before) :]
            path = [
                touch["sources"]
                for touch in before
                if outcome["at"] - touch["at"] <= window_days * DAY and not is_own(outcome, touch)
            ]
            weight = outcome["money"] if event == "gmv" else 1.0
            found[shopper].append(([*path, outcome["sources"]], "conversion", weight))
        if waiting:
            found[shopper].append(([touch["sources"] for touch in waiting], "null", 0.0))
    return found
