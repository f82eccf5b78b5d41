from altlib.evaluation.judges.clip import clip_judge
from altlib.evaluation.judges.interface import JudgedText
from altlib.miniworld.network import network
from altlib.models.clip import load_clip


def test_clip_prefers_a_pictures_own_text_to_anothers(tmp_path):
    posts = [p for p in network(7, 30) if len(p.alt_text.split()) > 8][:16]
    texts = []
    for post in posts:
        post.draw().save(tmp_path / f"{post.item_id}.png")
        texts.append(JudgedText(post.alt_text, image=str(tmp_path / f"{post.item_id}.png")))
    others = [JudgedText(other.text, image=own.image) for own, other in zip(texts, texts[1:] + texts[:1], strict=True)]
    preferred = clip_judge(load_clip()).compare(texts, others).preferred
    assert (preferred == "first").mean() > 0.7
