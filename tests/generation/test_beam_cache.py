"""The key/value cache of beam search, against keys and values that are simply reordered."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.generation.beam_cache import BeamCache, BeamLayer


def states(rows: int, new: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, rows, 2, new, 3, generator=torch.Generator().manual_seed(seed)).unbind(0)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_generated_positions_follow_the_beams_and_prompts_stay(data):
    pictures, beams, prompt, steps = (data.draw(st.integers(1, n)) for n in (3, 3, 4, 4))
    layer = BeamLayer()
    keys, values = layer.update(*states(pictures, prompt, 0))
    layer.fan_out(beams, room=steps)
    keys, values = keys.repeat_interleave(beams, 0), values.repeat_interleave(beams, 0)
    for step in range(1, steps + 1):
        new = states(pictures * beams, 1, step)
        keys, values = torch.cat([keys, new[0]], 2), torch.cat([values, new[1]], 2)
        found = layer.update(*new)
        assert torch.equal(found[0], keys) and torch.equal(found[1], values)
        assert layer.get_seq_length() == prompt + step
        rows = [p * beams + data.draw(st.integers(0, beams - 1)) for p in range(pictures) for _ in range(beams)]
        rows = torch.tensor(rows)
        layer.follow(rows)
        keys, values = keys[rows], values[rows]
    kept = torch.tensor(sorted(data.draw(st.sets(st.integers(0, pictures * beams - 1), min_size=1))))
    layer.keep(kept)
    assert torch.equal(layer.keys[..., : prompt + steps, :], keys[kept])
    assert torch.equal(layer.values[..., : prompt + steps, :], values[kept])


def test_a_cache_has_a_layer_of_its_own_per_layer_of_the_model():
    cache = BeamCache()
    for number in range(2):
        cache.update(*states(1, 3, number), number)
    assert [type(layer) for layer in cache.layers] == [BeamLayer, BeamLayer]
    assert cache.get_seq_length() == 3
