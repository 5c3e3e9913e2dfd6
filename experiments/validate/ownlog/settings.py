"""The file that describes a log of the user's own."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator

from experiments.config.messages import explain
from experiments.config.tomlfiles import read_toml
from simulator.errors import ConfigError
from simulator.spec import Spec


class OrderColumns(Spec):
    """Which column of the orders holds what; a row is an item bought."""

    shopper: str = Field(description="who bought; rows without one are left out")
    item: str = Field(description="what was bought")
    at: str = Field(description="when, with or without a time zone")
    price: str = Field(description="price of one unit")
    quantity: str | None = Field(None, description="units; without it one each")
    order: str | None = Field(
        None,
        description="which rows were bought together; without it those of one shopper and hour",
    )
    currency: str | None = Field(None, description="currency of the price")
    cancelled: str | None = Field(None, description="rows in which it is true are left out")


class ResultColumns(Spec):
    """Which column of the results holds what; a row is an item that was shown on a page."""

    page: str = Field(description="which page it stood on, by any key")
    shopper: str = Field(description="who searched; pages without one are left out")
    item: str = Field(description="what was shown; empty for a page that showed nothing")
    at: str = Field(description="when the page was asked for, or the result clicked")
    position: str = Field(description="place on the page, counted from `first_position`")
    clicked: str = Field(description="whether it was clicked: true or false, 1 or 0")
    query: str | None = Field(None, description="what was asked, by any key")
    device: str | None = Field(None, description="on which device")


class Orders(Spec):
    """The table of orders."""

    path: str = Field(description="a CSV or Parquet file; may begin with $FUNNELAB_DATA")
    columns: OrderColumns


class Results(Spec):
    """The table of what was shown and clicked."""

    path: str = Field(description="a CSV or Parquet file; may begin with $FUNNELAB_DATA")
    first_position: int = Field(1, ge=0, le=1, description="number of the top place: 0 or 1")
    phones: tuple[str, ...] = Field(
        ("phone", "mobile"), description="devices that are phones; all others are desktops"
    )
    columns: ResultColumns


class OwnLogSpec(Spec):
    """A log of the user's own."""

    timezone: str = Field("UTC", description="in which hours of the day are told")
    currency: str | None = Field(
        None, description="of which rows are kept where the log has several"
    )
    first_day: date | None = Field(
        None, description="from which the logs are compared; without it the last days that fit"
    )
    most_gap_days: int = Field(
        3, ge=1, description="so many days and more without a row are a gap of the log (days)"
    )
    most_orders_a_day: int = Field(
        50, ge=1, description="a shopper with more on one day is no person (orders)"
    )
    most_pages_a_day: int = Field(
        500, ge=1, description="a shopper with more on one day is no person (pages)"
    )
    orders: Orders
    results: Results | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("must be a name such as Europe/London") from error
        return value


def read_own_log(path: Path) -> OwnLogSpec:
    """The settings of a log; paths in them lead from their file.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    settings = read_toml(path)
    _anchor(settings, path.absolute().parent)
    try:
        return OwnLogSpec.model_validate_json(json.dumps(settings, default=str), strict=True)
    except ValidationError as error:
        told = explain(error, OwnLogSpec, settings, origin=lambda place: str(path))
        raise ConfigError(told) from error


def _anchor(settings: dict[str, Any], folder: Path) -> None:
    """Make relative paths of tables absolute, in place."""
    for name in ("orders", "results"):
        table = settings.get(name)
        path = table.get("path") if isinstance(table, dict) else None
        if isinstance(table, dict) and isinstance(path, str) and not path.startswith("$"):
            table["path"] = os.path.normpath(folder / Path(path).expanduser())
