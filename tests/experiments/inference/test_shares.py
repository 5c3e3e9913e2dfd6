import json

import numpy as np
import pytest
from scipy import stats

from experiments.inference.logs import EngineSpec, engine
from experiments.inference.shares import channel_shares
from experiments.records.interval import UNKNOWN, Interval
from tests.experiments.inference.logs import CHANNELS, write_log, write_table
from tests.experiments.inference.parity import read


def shares(log, **options):
    with engine(EngineSpec()) as connection:
        found = channel_shares(connection, log, **options)
    return {(share.event, share.arm, share.channel): share for share in found}


def weights(log, event):
    table = read(log, "exposures" if event in ("exposure", "click") else "orders")
    weight = {
        "exposure": lambda: np.ones(len(table)),
        "click": lambda: table["clicked"].astype(float),
        "purchase": lambda: np.ones(len(table)),
        "gmv": lambda: table["price"].astype(float) * table["quantity"],
    }[event]()
    return table.assign(weight=weight)


@pytest.mark.parametrize("event", ["exposure", "click", "purchase", "gmv"])
def test_shares_and_intervals_equal_a_plain_shopper_level_delta_method(log, event):
    found, table = shares(log, confidence=0.9), weights(log, event)
    for arm, name in enumerate(("control", "treatment")):
        rows = table[table["arm"] == arm]
        total = rows.groupby("shopper")["weight"].sum()
        for bit, channel in enumerate(CHANNELS):
            touched = rows["weight"] * (rows["sources"].to_numpy() >> bit & 1)
            part = touched.groupby(rows["shopper"]).sum()
            share = part.sum() / total.sum()
            error = np.sqrt((part - share * total).var() / len(total)) / total.mean()
            half = stats.t.ppf(0.95, len(total) - 1) * error
            one = found[event, name, channel]
            np.testing.assert_allclose(
                one.share.numbers, [share, share - half, share + half], rtol=1e-9
            )


def test_every_channel_event_and_arm_has_one_row(log):
    assert len(shares(log)) == 4 * 2 * len(CHANNELS)
    assert {share.rule for share in shares(log).values()} == {"any_touch"}


def test_any_touch_counts_an_event_for_every_channel_that_found_it(tmp_path):
    log = write_log(tmp_path / "log", shoppers=40)
    exposures = read(log, "exposures").assign(sources=np.int32(0b0011))
    write_table(log / "exposures", {name: exposures[name].to_numpy() for name in exposures}, 2)
    found = shares(log)
    assert [found["exposure", "control", c].share.estimate for c in CHANNELS] == [
        1.0,
        1.0,
        0.0,
        0.0,
    ]


def test_a_share_without_spread_claims_no_certainty(tmp_path):
    log = write_log(tmp_path / "log", shoppers=40, clicks=0.0, channels=("only",))
    found = shares(log)
    whole = found["exposure", "control", "only"]
    assert whole.share == Interval(1.0, None, None)
    for event in ("click", "purchase", "gmv"):
        assert found[event, "control", "only"].share == UNKNOWN


def test_the_last_of_31_channels_is_counted(tmp_path):
    channels = tuple(f"c{c}" for c in range(31))
    log = write_log(tmp_path / "log", shoppers=60)
    manifest = json.loads((log / "manifest.json").read_text()) | {"channels": channels}
    (log / "manifest.json").write_text(json.dumps(manifest))
    exposures = read(log, "exposures")
    sources = np.where(exposures["item"].to_numpy() % 2, 1 << 30, 1).astype(np.int32)
    columns = {name: exposures[name].to_numpy() for name in exposures} | {"sources": sources}
    write_table(log / "exposures", columns, 2)
    found = shares(log)
    first, last = (found["exposure", "control", c].share.estimate for c in ("c0", "c30"))
    assert first + last == pytest.approx(1.0)
    assert 0.3 < last < 0.7
