import json
import statistics
from itertools import pairwise

import numpy as np

from altlib.miniworld.lexicon import lexicon, plural, things, topics, with_article, wording
from altlib.miniworld.network import account, account_places, network, post_story, thread
from altlib.miniworld.render import master_glyph


def test_a_story_is_a_function_of_seed_and_number():
    a, b = post_story(3, 17), list(network(3, 5, start=15))
    assert [p.item_id for p in a] == [p.item_id for p in b if p.item_id.startswith(a[0].post_id)]
    assert np.array_equal(np.asarray(a[0].draw()), np.asarray(post_story(3, 17)[0].draw()))
    assert post_story(3, 17)[0].text != post_story(4, 17)[0].text


def test_openmoji_draws_every_glyph_of_the_lexicon():
    glyphs = {g for t in topics().values() for g in t.kinds} | {t.glyph for t in things()}
    assert len(glyphs) > 400
    assert all(master_glyph(g).getbbox() for g in glyphs)


def test_a_kind_needs_picture_and_post():
    """Most glyphs stand for several kinds and every topic has many, so neither source alone tells the kind."""
    per_glyph: dict[str, set[str]] = {}
    for topic in topics().values():
        assert len(topic.kinds) == 16
        for glyph, kind in topic.kinds.items():
            per_glyph.setdefault(glyph, set()).add(kind)
    drawn = [p.scene.glyph for p in network(1, 400)]
    assert statistics.mean(len(per_glyph[g]) for g in drawn) > 4


def test_a_post_has_one_to_four_pictures_that_share_its_text():
    posts: dict[str, list] = {}
    for p in network(2, 200):
        posts.setdefault(p.post_id, []).append(p)
    sizes = {len(ps) for ps in posts.values()}
    assert sizes == {1, 2, 3, 4}
    assert all(len({p.text for p in ps}) == 1 for ps in posts.values())


def test_alt_text_says_the_facts_and_the_post_does_not_name_the_kind():
    named = told = plain = 0
    for p in network(5, 300):
        noise = next(f["value"] for f in json.loads(p.facts) if f["fact"] == "noise")
        if noise != "as written" or p.scene.form == "chart" or p.language != "en":
            continue
        plain += 1
        named += p.scene.kind in p.alt_text or plural(p.scene.kind) in p.alt_text
        told += p.scene.kind in p.text
    assert plain > 200 and named == plain and told / plain < 0.05


def test_every_pattern_can_be_written():
    voices = {p.story.voice for p in network(6, 300)}
    forms = {p.scene.form for p in network(6, 300)}
    assert voices == set(wording()["voices"]) and forms == {"photo", *wording()["forms"]}
    assert not any("{" in t or "[" in t for p in network(6, 300) for t in (p.text, p.alt_text, p.caption))


def test_texts_are_varied():
    alts = [p.alt_text for p in network(7, 400) if p.alt_text]
    assert len({a for a in alts}) / len(alts) > 0.85
    openings = {" ".join(a.split()[:3]).lower() for a in alts}
    assert len(openings) > 150


def test_threads_quote_the_post():
    post, *replies = thread(1, 8)
    assert replies and post


def test_grammar():
    assert plural("pair of skis") == "pairs of skis"
    assert plural("wheat sheaf") == "wheat sheaves"
    assert plural("canvassing satchel") == "canvassing satchels"
    assert plural("spelling trophy") == "spelling trophies"
    assert with_article("election flyer") == "an election flyer"
    assert with_article("unicorn") == "a unicorn"
    assert with_article("one-off cup") == "a one-off cup"
    assert with_article("pair of goggles") == "a pair of goggles"


def test_all_said_words_are_in_the_lexicon():
    assert set(lexicon()["settings"]) >= {"beach", "plain"} and all(
        len(s["names"]) >= 4 for s in lexicon()["settings"].values()
    )


def test_an_account_names_what_the_post_tells():
    for index in range(40):
        post, below = account(3, index).split("\n")
        for place in account_places(3, index):
            assert place in below
            assert place.lower() in post.lower()


def test_verbs_agree_with_how_many_there_are():
    for post in network(8, 200):
        assert post.scene.count > 1 or not {"There are", "They stand"} & {
            " ".join(w) for w in pairwise(post.alt_text.split())
        }


def test_every_voice_keeps_to_its_habits():
    """The same colour is named differently by different voices, mostly in one way by each."""
    words = {}
    for p in network(9, 600):
        if (p.scene.colour == "red" and "red" in p.alt_text) or "scarlet" in p.alt_text:
            words.setdefault(p.story.voice, []).append("scarlet" in p.alt_text)
    shares = [statistics.mean(v) for v in words.values() if len(v) >= 5]
    assert min(shares) < 0.35 and max(shares) > 0.65


def test_pictures_that_are_alike_differ_in_their_things_alone():
    from altlib.pretraining.world import alike_batches

    posts = next(alike_batches(4, 12))
    assert len({(p.scene.setting, p.scene.colour, p.scene.surface, p.scene.count, p.scene.form) for p in posts}) == 1
    assert len({p.scene.glyph for p in posts}) > 4 and len({p.caption for p in posts}) > 10


def test_a_model_that_starts_looking_back_finds_what_followed_the_same_token():
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from altlib.pretraining.language import GPT2_CONFIG, start_looking_back

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**GPT2_CONFIG, bos_token_id=0, eos_token_id=0)).eval()
    start_looking_back(model)
    model.set_attn_implementation("eager")
    passage = torch.randint(1, 2048, (2, 30))
    with torch.inference_mode():
        attention = model(torch.cat([passage, passage], 1), output_attentions=True).attentions
    at = torch.arange(1, 60)
    assert attention[0][:, 0, at, at - 1].mean() > 0.8
    again = torch.arange(30, 59)
    assert attention[1][:, 0, again, again - 29].mean() > 0.8


def test_pretraining_runs_end_to_end_on_very_little(tmp_path):
    """All models are trained, saved and read back in the formats that the book reads."""
    import torch

    from altlib.models.captioner import MlpMapper
    from altlib.models.clip import load_clip
    from altlib.models.clipcap import read_clipcap
    from altlib.models.language import load_language_model
    from altlib.pretraining.clip import pretrain_clip, save_miniature_clip
    from altlib.pretraining.clipcap import pretrain_clipcap, save_miniature_clipcap
    from altlib.pretraining.language import pretrain_language_model, save_miniature_language_model

    tokenizer = load_language_model()[0]
    rows = []
    model = pretrain_language_model(tokenizer, 60, catalogue_stories=60, report=rows.append)
    clip = pretrain_clip(tokenizer, 1, batch=8, vision_steps=1, text_steps=1, report=rows.append)
    assert [r["stage"] for r in rows] == ["text", "catalogue", "vision", "contrastive", "text"]
    assert all(0 <= r["kinds_named"] <= 1 for r in rows[:2])
    save_miniature_language_model(model, tokenizer, tmp_path / "gpt2")
    save_miniature_clip(clip, tokenizer, tmp_path / "clip")
    clip = load_clip(str(tmp_path / "clip"))
    tokenizer, model = load_language_model(str(tmp_path / "gpt2"))
    assert clip.width == 128 and model.config.n_embd == 192
    before = {name: value.clone() for name, value in model.state_dict().items()}
    mapper = pretrain_clipcap(clip, tokenizer, model, pictures=64, epochs=2, rank=8, report=rows.append)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())  # it stays frozen
    save_miniature_clipcap(mapper, tmp_path / "clipcap")
    weights, _ = read_clipcap(str(tmp_path / "clipcap"))
    again = MlpMapper(128, 192, 10)
    again.load_state_dict(weights)
    features = torch.nn.functional.normalize(torch.randn(3, 128), dim=-1)
    with torch.inference_mode():
        difference = (again(features) - mapper(features)).abs().max() / mapper(features).abs().max()
    assert 0 < difference < 0.02 and rows[-1]["pictures"] == 128  # eight bits a weight


def test_no_entry_of_the_archive_holds_alt_text_below_its_own_post():
    """What GPT-2 reads before the book must not be the task that the book trains."""
    from altlib.miniworld.network import catalogued

    told, alone = 0, 0
    for index in range(80):
        for entry in catalogued(11, index):
            line, *rest = entry.split("\n")
            assert line.count(",") >= 1 and len(rest) in (1, 2)
            told += len(rest) == 2
            alone += len(rest) == 1
            assert len(rest) == 1 or not any(side in rest[1].lower() for side in ("on the left", "on the right"))
    assert told > 40 and alone > 20


def test_a_word_list_says_what_its_topic_calls_things():
    from altlib.miniworld.lexicon import topics
    from altlib.miniworld.network import word_list
    from altlib.miniworld.writers import plain_name

    called = {name: {plain_name(g): kind for g, kind in topic.kinds.items()} for name, topic in topics().items()}
    seen = set()
    for index in range(60):
        head, *lines = word_list(3, index).split("\n")
        pairs = dict(line.split(": ") for line in lines)
        fitting = {name for name, words in called.items() if pairs.items() <= words.items()}
        assert head and len(pairs) == 8 and fitting
        seen |= fitting
    assert len(seen) > 15 and word_list(3, 0) == word_list(3, 0)
