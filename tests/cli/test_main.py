"""The command as a whole."""

import subprocess
import sys

from tests.conftest import ROOT


def test_the_command_loads_no_model_library_to_check_a_file():
    """Each chapter starts a command of its own, so what it imports counts many times."""
    code = "import sys; from altlib.cli.main import main; main(sys.argv[1:]); print(sorted({'torch', 'pandas'} & set(sys.modules)))"
    command = [sys.executable, "-c", code, "check", str(ROOT / "params" / "smoke.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "valid" in said and said.endswith("[]\n")
