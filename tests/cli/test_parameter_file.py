"""The arguments of commands that read a parameter file."""

import argparse
from pathlib import Path

from altlib.cli.parameter_file import add_parameter_file


def test_settings_are_repeated_and_kept_in_order():
    parser = argparse.ArgumentParser()
    add_parameter_file(parser, "a file")
    given = parser.parse_args(["a.yaml", "--set", "run=x", "--set", "training.epochs=2"])
    assert given.file == Path("a.yaml") and given.settings == ["run=x", "training.epochs=2"]
    assert parser.parse_args(["a.yaml"]).settings == []
