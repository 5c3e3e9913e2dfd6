"""The first run on a machine says that it compiles."""

from pathlib import Path

import pytest

from experiments.stages.compiled import is_compiled


def test_what_was_compiled_before_is_found_beside_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert not is_compiled(tmp_path)
    kept = tmp_path / "recall" / "__pycache__" / "merge._merge-1.py311.nbi"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert is_compiled(tmp_path)


def test_what_was_compiled_before_is_found_where_numba_is_told_to_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    (tmp_path / "kept" / "recall_1").mkdir(parents=True)
    (tmp_path / "kept" / "recall_1" / "randomness.philox-1.py311.nbi").touch()
    assert not is_compiled()  # that is compiled as soon as it is imported
    (tmp_path / "kept" / "recall_1" / "merge._merge-1.py311.nbi").touch()
    assert is_compiled()
