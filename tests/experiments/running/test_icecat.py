"""The shipped icecat config on the real catalogue and its human grades, with fewer shoppers."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.config.loading import load_config
from experiments.records.run import read_run
from tests.experiments.small_runs import PLAIN, read, run, table

pytestmark = pytest.mark.long

FEWER = (
    "shoppers.count=200",
    "world.history_days=2",
    "world.days=2",
    "channels.dense.epochs=1",
    "ranker.learned.epochs=2",
    *PLAIN,
    "truth.seeds=0",
    "execution.processes=1",
    "device=cpu",
)


@pytest.fixture(scope="module")
def icecat(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNNELAB_DATA", str(data))
        return run(load_config("icecat", FEWER), tmp_path_factory.mktemp("icecat") / "run")


def test_every_channel_is_measured_on_the_human_grades(icecat: Path) -> None:
    rows = {row["channel"]: row for row in read(icecat, "metrics")["retrieval"]}
    assert set(rows) == {"lexical", "popular", "itemcf", "dense"}
    for row in rows.values():
        assert (row["queries"], row["without_positives"]) == (78, 15)
        assert all(0 <= row[name] <= 1 for name in ("recall_at_100", "ndcg_at_10", "judged_at_10"))
    assert rows["lexical"]["recall_at_100"] >= 0.85
    assert rows["lexical"]["ndcg_at_10"] >= 0.7
    assert rows["lexical"]["recall_at_100"] > rows["popular"]["recall_at_100"]


def test_the_real_catalogue_gives_a_whole_experiment(icecat: Path) -> None:
    found = read_run(icecat)
    assert found.manifest.items == 19_406
    ctr = found.metrics.estimate("ctr", ("control", "treatment"), cuped=False).effect
    assert ctr.low < ctr.estimate < ctr.high
    assert "NDCG@10" in (icecat / "report.html").read_text()


def test_shoppers_ask_the_judged_queries_among_others(icecat: Path, data: Path) -> None:
    judged = set(pd.read_parquet(data / "icecat" / "judgments.parquet")["query"])
    texts = table(icecat / "log", "texts").set_index("text")["string"]
    asked = texts.loc[table(icecat / "log", "requests")["text"]]
    assert 0.05 < asked.isin(judged).mean() < 0.6
