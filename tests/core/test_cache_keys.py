"""Different inputs give different keys and equal ones equal keys, for every kind of value that a key takes."""

import copy
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from altlib.core.cache_keys import BLOCK, FileStamp, Key, file_stamp, weights_fingerprint


@dataclass(frozen=True)
class Settings:
    rate: float
    name: str
    rows: tuple = ()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    SCALARS | st.builds(Settings, st.floats(allow_nan=False), st.text()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.booleans(), inner, max_size=4)
        | st.frozensets(SCALARS, max_size=4)
    ),
    max_leaves=12,
)


def written(value) -> str:
    """A value as text with its types, the order of mappings and sets aside: what must decide its key."""
    if isinstance(value, dict):
        return f"mapping({sorted((written(k), written(v)) for k, v in value.items())})"
    if isinstance(value, frozenset):
        return f"set({sorted(map(written, value))})"
    if isinstance(value, list | tuple):
        return f"sequence({[written(v) for v in value]})"
    if isinstance(value, Settings):
        return f"Settings({[written(getattr(value, f.name)) for f in dataclasses.fields(value)]})"
    return f"{type(value).__name__}({value!r})"


def reordered(value):
    """An equal value whose mappings are filled the other way round."""
    if isinstance(value, dict):
        return {k: reordered(v) for k, v in reversed(value.items())}
    if isinstance(value, list):
        return [reordered(v) for v in value]
    return copy.deepcopy(value)


def key(value) -> str:
    return str(Key("code", value=value))


@given(VALUES, VALUES)
@settings(deadline=None, max_examples=300)
def test_two_values_have_the_same_key_only_if_they_are_written_alike(a, b):
    assert (key(a) == key(b)) == (written(a) == written(b))


@given(VALUES)
@settings(deadline=None)
def test_a_copy_has_the_same_key_in_whatever_order_it_was_filled(value):
    assert key(reordered(value)) == key(value)


@given(st.dictionaries(st.sampled_from("abc"), SCALARS), st.dictionaries(st.sampled_from("abc"), SCALARS))
@settings(deadline=None)
def test_the_names_of_values_and_where_one_ends_count(a, b):
    same = [(n, written(v)) for n, v in a.items()] == [(n, written(v)) for n, v in b.items()]
    assert (str(Key("code", **a)) == str(Key("code", **b))) == same


def test_the_code_counts():
    assert str(Key("code", value=1)) != str(Key("another code", value=1))


def test_values_of_different_kinds_never_run_together():
    values = [
        None, False, 0, 0.0, -0.0, "", "0", "None", b"", b"0", [], [0], [[0]], [0, 0], {}, {"a": 0}, {0: "a"}, set(),
        {0}, Settings(0.0, "a"), Settings(0.0, "a", (0,)), FileStamp("a", 0, 0), np.float32(0), np.zeros(0),
        np.zeros(1), np.zeros((1, 1)), np.zeros(1, np.float32), np.zeros(1, np.int64), torch.zeros(1),
        torch.zeros(1, 1), torch.zeros(1, dtype=torch.float64), torch.zeros(()), torch.float32, torch.bfloat16,
        torch.device("cpu"), torch.device("meta"), pd.DataFrame({"a": [0]}), pd.DataFrame({"b": [0]}),
        pd.DataFrame({"a": [0.0]}), pd.DataFrame({"a": [0, 0]}), pd.DataFrame({"a": ["0"]}),
        np.zeros(1, "datetime64[s]"), np.zeros(1, "datetime64[ms]"), np.zeros(1, [("x", "f8")]), np.array(["a"]),
    ]  # fmt: skip
    keys = [key(v) for v in values] + [key(iter(v)) for v in ([], [0], [[0]], [iter([0])])] + [key([iter([0])])]
    assert len(set(keys)) == len(keys)


def test_dataclasses_of_one_name_differ_by_their_fields_and_their_module():
    one, other = dataclasses.make_dataclass("Plan", ["x"]), dataclasses.make_dataclass("Plan", ["x", "y"])
    assert str(Key("code", plan=one(1), y=2)) != str(Key("code", plan=other(1, 2)))
    elsewhere = dataclasses.make_dataclass("Plan", ["x"])
    elsewhere.__module__ = "elsewhere"
    assert key(one(1)) != key(elsewhere(1))


def test_what_is_equal_by_meaning_has_the_same_key():
    assert key((1, "a")) == key([1, "a"])
    assert key(np.float64(0.1)) == key(0.1)
    assert key(bytearray(b"ab")) == key(memoryview(b"ab")) == key(b"ab")
    assert key(iter([1, 2])) == key(map(int, ["1", "2"]))
    table = torch.arange(6.0).view(2, 3)
    assert key(table.T) == key(table.T.contiguous())
    assert key(table.numpy()[:, ::2]) == key(table.numpy()[:, ::2].copy())


ARRAYS = [np.float16, np.float32, np.float64, np.int8, np.uint16, np.int64, np.bool_, np.complex64]


@given(st.sampled_from(ARRAYS), st.integers(1, 40), st.data())
@settings(deadline=None)
def test_one_changed_bit_of_an_array_or_tensor_changes_its_key(kind, n, data):
    raw = bytearray(n * np.dtype(kind).itemsize)
    where = data.draw(st.integers(0, len(raw) - 1))
    bit = 0 if kind is np.bool_ else data.draw(st.integers(0, 7))
    before = np.frombuffer(bytes(raw), kind)
    raw[where] ^= 1 << bit
    after = np.frombuffer(bytes(raw), kind)
    assert key(before) == key(before.copy()) != key(after)
    if kind is not np.uint16:
        one, other = torch.from_numpy(before.copy()), torch.from_numpy(after.copy())
        assert key(one) == key(one.clone()) != key(other)


def test_the_last_number_of_a_large_array_counts():
    large = np.zeros(BLOCK + 1, np.int8)
    other = large.copy()
    other[-1] = 1
    assert key(large) != key(other)
    assert key(torch.from_numpy(large)) != key(torch.from_numpy(other))


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=3)), min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_one_changed_cell_row_or_name_of_a_frame_changes_its_key(rows, data):
    frame = pd.DataFrame(rows, columns=["number", "text"])
    again = frame.set_axis(range(7, 7 + len(frame)))
    assert key(frame) == key(again)  # the index does not count
    row = data.draw(st.integers(0, len(rows) - 1))
    changed = frame.assign(text=[t + "!" if i == row else t for i, t in enumerate(frame["text"])])
    assert key(changed) != key(frame)
    assert key(frame.rename(columns={"text": "alt_text"})) != key(frame)
    assert key(frame[["text", "number"]]) != key(frame)
    assert key(frame.astype({"number": "int32"})) != key(frame)
    turned = frame.iloc[::-1]
    assume(rows != rows[::-1])
    assert key(turned) != key(frame)


def test_the_weights_of_a_module_are_its_key():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    same = copy.deepcopy(model).eval()
    assert key(model) == key(same)
    assert weights_fingerprint(model) == weights_fingerprint(same)
    assert len(weights_fingerprint(model)) == 16
    with torch.no_grad():
        same[0].weight[1, 2] += 1e-7
    assert key(model) != key(same)
    buffer = copy.deepcopy(model)
    buffer[1].running_mean[0] += 1e-7
    assert weights_fingerprint(model) != weights_fingerprint(buffer)


def test_a_file_counts_by_its_name_size_and_time(tmp_path):
    file = tmp_path / "a.png"
    missing = key(file_stamp(file))
    file.write_bytes(b"picture")
    os.utime(file, ns=(0, 10))
    there = key(file_stamp(file))
    assert missing != there == key(file_stamp(str(file)))
    os.utime(file, ns=(0, 11))
    later = key(file_stamp(file))
    file.write_bytes(b"picture!")
    os.utime(file, ns=(0, 10))
    assert len({missing, there, later, key(file_stamp(file)), key(file_stamp(tmp_path / "b.png"))}) == 5


def test_a_file_that_was_moved_counts_as_the_same(tmp_path):
    file, moved = tmp_path / "here" / "a.png", tmp_path / "there" / "a.png"
    for path in (file, moved):
        path.parent.mkdir()
        path.write_bytes(b"picture")
        os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    assert file_stamp(file) == file_stamp(moved)


@pytest.mark.parametrize(
    "value",
    [
        Path("a"), [Path("a")], {"a": object()}, lambda: None, 1j, np.random.default_rng(0), pd.Series([1]), int,
        np.array([1, "a"], dtype=object), pd.DataFrame({"a": [1, "1"]}),
    ],
)  # fmt: skip
def test_what_does_not_say_what_it_is_is_refused_by_name(value):
    with pytest.raises(TypeError, match="weights: "):
        Key("code", weights=value)
