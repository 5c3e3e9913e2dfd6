"""Two arms that serve one trained generator with different beams."""

from pathlib import Path

from tests.experiments.cqsid_runs import CQSID
from tests.experiments.small_runs import read, run, small_config

WIDE = (
    CQSID.replace("[channels.cqsid]", "[channels.wide]")
    .replace("serving.beams = 4", "serving.beams = 40")
    .replace("serving.per_beam_s = 0\n", "serving.per_beam_s = 0.0005\n")
)


def test_arms_that_differ_in_the_beam_share_a_training_and_a_wider_one_takes_longer(
    tmp_path: Path,
) -> None:
    arms = (
        'arms.control.channels=["cqsid"]',
        'arms.dense.channels=["wide"]',
        "funnel.deadline_s=5",
        "truth.seeds=0",
    )
    folder = run(small_config(*arms, more=CQSID + WIDE, folder=tmp_path), tmp_path / "run")
    names = [stage["name"] for stage in read(folder, "manifest")["stages"]]
    trained = sorted({name for name in names if name.startswith("channel-")})
    assert trained == ["channel-cqsid", "channel-dense", "channel-dense-early"]
    rows = {row["arm"]: row for row in read(folder, "metrics")["latency"]}
    assert rows["dense"]["p50"] > rows["control"]["p50"] + 0.01
    funnel = {row["arm"]: row for row in read(folder, "metrics")["funnel"]}
    assert set(funnel) == {"control", "dense"}
