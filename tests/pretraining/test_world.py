"""What the miniature models are pretrained on."""


def test_pictures_that_are_alike_differ_in_their_things_alone():
    from altlib.pretraining.world import alike_batches

    posts = next(alike_batches(4, 12))
    assert len({(p.scene.setting, p.scene.colour, p.scene.surface, p.scene.count, p.scene.form) for p in posts}) == 1
    assert len({p.scene.glyph for p in posts}) > 4 and len({p.caption for p in posts}) > 10
