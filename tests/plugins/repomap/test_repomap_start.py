"""What the plugin loads, and when."""

from __future__ import annotations

import subprocess
import sys


def test_numpy_is_loaded_by_the_first_map_and_not_by_the_plugin() -> None:
    code = "import sys, pillion_repomap.plugin; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
