import subprocess
import sys
from pathlib import Path

import pytest

from altlib.data.collect import bluesky, mastodon, x
from altlib.data.collect.networks import NETWORKS, CollectRequest
from altlib.data.sources.registry import SOURCES


def test_every_live_source_can_be_collected_from_and_no_other():
    assert sorted(NETWORKS) == sorted(name for name, source in SOURCES.items() if source.live)


@pytest.mark.parametrize(("name", "module"), [("bluesky", bluesky), ("mastodon", mastodon), ("x", x)])
def test_what_is_asked_for_reaches_the_collector(monkeypatch, tmp_path, name, module):
    found = []
    monkeypatch.setattr(module, "collect_live", lambda *arguments: found.append(arguments))
    said = []
    request = CollectRequest(tmp_path, 5, 60.0, "pt", 30, "https://example.org/", Path("ids"), said.append)
    NETWORKS[name](request)
    folder, settings, tell = found[0]
    assert (folder, settings.pictures, settings.seconds, tell) == (tmp_path, 5, 60.0, said.append)
    if name == "x":
        assert settings.ids == Path("ids")
    else:
        assert (settings.language, settings.minimum_characters) == ("pt", 30)
        assert getattr(settings, "instance", "https://example.org") == "https://example.org"


def test_knowing_the_networks_loads_no_collector():
    code = "import sys, altlib.data.collect.networks; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"httpx", "websockets", "tweepy", "pandas"} & set(loaded)
