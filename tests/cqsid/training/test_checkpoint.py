import logging

import numpy as np
import pytest
import torch

from cqsid.training.checkpoint import Checkpoint, fingerprint

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b.c": torch.tensor(7.0)}
FACTS = {"step": 3, "losses": [0.1, 1 / 3], "stopped": None}


@pytest.fixture
def checkpoint(tmp_path):
    made = Checkpoint(tmp_path / "deep" / "item.safetensors", "f00d")
    made.save(TENSORS, FACTS)
    return made


def test_what_was_saved_comes_back_bit_for_bit(checkpoint):
    tensors, facts = checkpoint.load()
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_no_file_is_no_checkpoint(tmp_path):
    assert Checkpoint(tmp_path / "none", "f00d").load() is None


def test_a_file_of_another_training_is_ignored_with_a_warning(checkpoint, caplog):
    assert Checkpoint(checkpoint.path, "beef").load() is None
    assert "belongs to another training" in caplog.text


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_a_truncated_file_is_ignored_with_a_warning(checkpoint, caplog, kept):
    whole = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(whole[:kept])
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
    assert "unreadable" in caplog.text


def test_one_changed_bit_anywhere_is_not_gone_on_from(checkpoint, caplog):
    """Of the tensors' bytes, which nothing else would notice, and of what is told beside them."""
    whole = checkpoint.path.read_bytes()
    for at in range(8, len(whole)):
        checkpoint.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = checkpoint.load()
        if found is not None:  # a blank of the header became another character that means nothing
            assert found[1] == FACTS
            assert all(torch.equal(found[0][name], TENSORS[name]) for name in TENSORS)
    assert "has changed since it was written" in caplog.text


def test_tensors_of_all_kinds_are_sealed(tmp_path):
    tensors = {"half": torch.ones(3, dtype=torch.bfloat16), "none": torch.empty(0, 4)}
    tensors["flag"] = torch.tensor([True, False])
    checkpoint = Checkpoint(tmp_path / "kinds.safetensors", "f00d")
    checkpoint.save(tensors, {})
    found, _ = checkpoint.load()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_file_that_another_tool_wrote_is_ignored(checkpoint, caplog):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, checkpoint.path)
    assert checkpoint.load() is None
    assert "unreadable" in caplog.text


def test_a_save_that_fails_leaves_the_one_before(checkpoint, monkeypatch):
    def cut_off(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("cqsid.training.checkpoint.save_file", cut_off)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save({}, {"step": 4})
    assert checkpoint.load()[1] == FACTS


def test_a_fingerprint_tells_types_shapes_values_and_cuts_apart():
    zeros = np.zeros(4, np.int32)
    prints = {
        fingerprint(["ab", "c"], [zeros]),
        fingerprint(["a", "bc"], [zeros]),
        fingerprint(["ab", "c"], [zeros.astype(np.int64)]),
        fingerprint(["ab", "c"], [zeros.reshape(2, 2)]),
        fingerprint(["ab", "c"], [zeros + 1]),
        fingerprint(["ab", "c"], [zeros, zeros]),
    }
    assert len(prints) == 6
    strided = np.zeros((4, 2), np.int32)[:, 0]
    assert fingerprint(["ab", "c"], [strided]) == fingerprint(["ab", "c"], [zeros])
