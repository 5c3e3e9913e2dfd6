"""Tables of the user's own files: their columns, under our names."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from simulator.errors import DataError
from simulator.files.tables.datapath import data_path
from simulator.spec import Spec

if TYPE_CHECKING:
    Column = pd.Series[Any]
else:
    Column = pd.Series

_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
_YES = {"true", "1", "1.0", "yes", "t", "y"}
_NO = {"false", "0", "0.0", "no", "f", "n", ""}


def read_columns(path: str, columns: Spec, place: str) -> pd.DataFrame:
    """The columns that are named, under our names; a row for each of the file's.

    Args:
        path: of a CSV or Parquet file.
        columns: our names with those of the file.
        place: of the settings, for errors.

    Raises:
        DataError: no such file, no table, no such column, or no row.
    """
    file = data_path(path)
    named = {ours: theirs for ours, theirs in columns.model_dump().items() if theirs is not None}
    found = _names(file, place)
    for ours, theirs in named.items():
        if theirs not in found:
            some = ", ".join(found[:12])
            raise DataError(
                f"{place}.columns.{ours} == {theirs!r}, must be a column of {file}: {some}"
            )
    wanted = list(dict.fromkeys(named.values()))
    try:
        if _is_parquet(file):
            table = pq.read_table(file, columns=wanted)
        else:
            # A reader that knows times would turn those of all zones into one and tell nobody.
            texts = {theirs: pa.string() for ours, theirs in named.items() if ours == "at"}
            options = arrow_csv.ConvertOptions(
                include_columns=wanted, strings_can_be_null=True, column_types=texts
            )
            table = arrow_csv.read_csv(file, convert_options=options)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _unreadable(file, place, error) from error
    if not table.num_rows:
        raise DataError(f"{file} == 0 rows, must be a log ({place}.path)")
    frame = table.to_pandas()
    return pd.DataFrame({ours: frame[theirs] for ours, theirs in named.items()})


def _names(file: Path, place: str) -> list[str]:
    try:
        if _is_parquet(file):
            return list(pq.read_schema(file).names)
        with arrow_csv.open_csv(file) as reader:
            return list(reader.schema.names)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _unreadable(file, place, error) from error


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() in (".parquet", ".pq")


def _unreadable(file: Path, place: str, error: Exception) -> DataError:
    said = " ".join(str(error).split())[:160]
    return DataError(f"{place}.path == {str(file)!r} ({said}), must be a CSV or Parquet file")


def local_seconds(values: Column, zone: str, place: str) -> tuple[Column, bool]:
    """Moments as seconds of the zone's clock since 1970, NaN where none; whether zones are mixed.

    Times without a zone are taken to be of the zone's clock already.

    Raises:
        DataError: times with a zone and times without one are in the column.
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _seconds(values.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)), False
    if pd.api.types.is_datetime64_any_dtype(values):
        return _seconds(values), False
    number = pd.to_numeric(values, errors="coerce").astype(float)
    if pd.api.types.is_numeric_dtype(values) or number.notna().sum() == values.notna().sum():
        unit = _unit(number, place)
        moments = pd.Series(pd.to_datetime(number.to_numpy(), unit=unit, utc=True), values.index)
        return _seconds(moments.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)), False
    text = values.astype("string").str.strip()
    zones = text.str.extract(f"({_ZONED.pattern})", expand=False)
    zoned, known = zones.notna(), text.notna() & (text != "")
    if (zoned & known).any() and (~zoned & known).any():
        with_zone, without = text[zoned & known].iloc[0], text[~zoned & known].iloc[0]
        raise DataError(
            f"{place} == {with_zone!r} and {without!r}, must all have a time zone or none: "
            "which moment one without it is, cannot be told"
        )
    if zoned.any():
        moments = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        local = moments.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)
        return _seconds(local), zones[known].nunique() > 1
    return _seconds(pd.to_datetime(text, format="ISO8601", errors="coerce")), False


def _unit(number: Column, place: str) -> Literal["s", "ms", "us", "ns"]:
    """Of numbers that tell times since 1970, by how great they are: 1e11 s are the year 5138.

    Raises:
        DataError: a number that is no time in the unit of the others.
    """
    known = number[np.isfinite(number)].abs()
    middle = float(known.median()) if len(known) else 0.0
    units: tuple[Literal["s", "ms", "us", "ns"], ...] = ("s", "ms", "us", "ns")
    at = sum(middle > 1e11 * 1e3**step for step in range(len(units)))
    most = 1e11 * 1e3 ** min(at, 3)
    strange = number[~(number.abs() <= most) & number.notna()]
    if at == len(units) or len(strange):
        told = float(strange.iloc[0]) if len(strange) else middle
        raise DataError(
            f"{place} == {told:g}, must be a time: seconds, milliseconds, microseconds or "
            "nanoseconds since 1970, the same in all rows"
        )
    return units[at]


def whole(values: Column) -> Column:
    """Ids as they were before gaps made floats of them: 7, and not 7.0."""
    if not pd.api.types.is_float_dtype(values) or not len(values):
        return values
    known = values[values.notna()]
    if not ((known % 1 == 0) & (known.abs() < 2**53)).all():
        return values
    return values.astype("Int64" if values.isna().any() else "int64")


def _seconds(moments: Column) -> Column:
    found = (moments - pd.Timestamp(0)).dt.total_seconds()
    return found.astype(float)


def flags(values: Column, place: str) -> Column:
    """Yes or no.

    Raises:
        DataError: another value.
    """
    text = values.astype("string").fillna("").str.strip().str.lower()
    strange = sorted(set(text.unique()) - _YES - _NO)
    if strange:
        raise DataError(f"{place} == {strange[0]!r}, must be true or false, 1 or 0")
    return text.isin(_YES)
