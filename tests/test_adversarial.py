"""No text of a repository keeps a pattern busy: each is met by a process with little CPU time."""

import subprocess
import sys

_LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 21))
"""


def limited(script, *args):
    """Run a script that must end within seconds of CPU time; a hang gets it killed."""
    command = [sys.executable, "-c", _LIMITED + script, *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


_LISTS = """
from rsidx.exporters.hygiene import broken_rules
elements = (b"1234567890, " * 63 + b"12x", (b"0x1f, " * 63 + b"x") * 2000)
for text in (*elements, b"1" * 1_000_000 + b"," * 64, (b"1," + b" " * 9000) * 100):
    list(broken_rules(text))
"""


def test_long_lists_of_numbers_are_told_in_linear_time():
    result = limited(_LISTS)
    assert result.returncode == 0, result.stderr or f"killed by signal {-result.returncode}"
