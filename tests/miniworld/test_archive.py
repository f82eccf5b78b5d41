from random import Random

from altlib.miniworld import archive
from altlib.miniworld.lexicon import people, places, things
from altlib.miniworld.scene import sample_story


def stories(count: int):
    return [sample_story(str(i), Random(f"archive/{i}")) for i in range(count)]


def test_a_catalogue_line_files_all_that_is_drawn():
    for story in stories(200):
        scene = story.scenes[0]
        parts = archive.write_catalogue_line(scene, Random(0)).split(", ")
        if scene.form == "photo":
            assert parts[0] == things()[scene.thing].nouns[0] and parts[2] in places()[scene.place].nouns
            assert not scene.person or people()[scene.person_kind].nouns[0] in parts
            assert not scene.companion or things()[scene.companion].nouns[0] in parts
            assert scene.name not in parts or not scene.name


def test_accounts_tell_one_sentence_for_each_picture():
    for story in stories(100):
        account = archive.write_account(story, Random(1))
        assert account.count(".") + account.count("!") + account.count("?") >= len(story.scenes)
        assert "{" not in account
        assert len(archive.write_account(story, Random(1), story.scenes[0])) <= len(account) + 80


def test_names_that_a_post_does_not_tell_are_in_no_list():
    for story in stories(200):
        names = archive.account_names(story)
        assert (story.place_name in names) == ("place_name" in story.told)
        assert all(("name" in story.told) == (scene.name in names) for scene in story.scenes if scene.name)


def test_a_note_has_what_the_post_is_about_above_what_is_seen():
    story = next(s for s in stories(50) if s.scenes[0].form == "photo" and s.scenes[0].name)
    about, seen = archive.write_note(story, story.scenes[0], Random(2)).split("\n")
    assert about and seen.endswith(".") and story.scenes[0].name.split(" ")[0].lower() in seen.lower()
