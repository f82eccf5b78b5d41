import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.models.captioner import Example
from altlib.training.examples import Examples, bucketed_batches, example_length


@pytest.mark.parametrize("n,batch", [(1, 4), (103, 10), (1000, 32)])
def test_batches_hold_every_row_once_and_similar_lengths(n, batch):
    lengths = [(i * 37) % 150 for i in range(n)]
    batches = bucketed_batches(lengths, batch, seed=1, epoch=2)
    assert sorted(i for b in batches for i in b) == list(range(n))
    assert batches == bucketed_batches(lengths, batch, seed=1, epoch=2)
    if n > 100:
        assert batches != bucketed_batches(lengths, batch, seed=1, epoch=3)
        padding = sum(max(lengths[i] for i in b) * len(b) - sum(lengths[i] for i in b) for b in batches)
        assert padding < 0.25 * sum(lengths)


def test_tokens_of_many_examples_go_to_a_nameless_file(tmp_path, monkeypatch):
    examples = [Example(list(range(i % 7)), [i, 2 * i]) for i in range(50)]
    monkeypatch.setattr("altlib.training.examples.TOKENS_IN_MEMORY", 10)
    kept = Examples(iter(examples), tmp_path)
    assert list(kept) == examples and not list(tmp_path.iterdir())


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 2**31 - 1), max_size=5), st.lists(st.integers(0, 9), max_size=5)), max_size=6
    )
)
def test_examples_come_back_from_their_arrays(pairs):
    examples = [Example(text, alt_text) for text, alt_text in pairs]
    kept = Examples(iter(examples))
    assert list(kept) == examples and kept[1:] == examples[1:] and len(kept) == len(examples)
    assert kept.lengths() == [example_length(e) for e in examples]
    assert not examples or kept[-1] == examples[-1]
    with pytest.raises(IndexError):
        kept[len(examples)]
