"""Classification tasks of the miniature world."""

from altlib.miniworld import tasks


def test_the_tasks_of_the_miniature_world_differ_in_size_and_domain():
    classes = tasks.miniworld_classes()
    sizes = [len(c) for c in classes.values()]
    assert len(sizes) == 3 and min(sizes) == 15 and max(sizes) > 130
    assert all(len({label for _, label in c}) == len(c) for c in classes.values())
