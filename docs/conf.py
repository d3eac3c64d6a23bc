"""Sphinx's configuration; `make docs` builds the site into `build/site`."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

from rsidx import __version__

sys.path.insert(0, str(Path(__file__).parent))  # For `command_options`.

project = "rsidx"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "command_options"]
exclude_patterns: list[str] = []
nitpicky = True
default_role = "code"  # The help marks code as Markdown does.
smartquotes = False  # They make a dash of the hyphens of an option.

myst_heading_anchors = 3
autodoc_typehints_format = "short"
# Types of Python and of rsidx's inside have no page here.
nitpick_ignore_regex = [("py:.*", r"(?!rsidx\.[A-Za-z]\w*$).*")]

html_theme = "furo"
html_title = f"rsidx {__version__}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False

# Programs do not make these themselves; the options of an export have a table.
_WITHOUT_SIGNATURE = {"Commit", "ExportConfig", "Hooks", "Index", "Snapshot", "Watcher"}


def setup(app: Sphinx) -> None:
    """Leave out the signatures of what programs do not make, and of errors."""
    app.connect("autodoc-process-signature", _signature)


def _signature(
    _app: Sphinx,
    kind: str,
    name: str,
    _value: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    is_hidden = kind == "exception" or name.removeprefix("rsidx.") in _WITHOUT_SIGNATURE
    return ("", None) if is_hidden and signature is not None else (signature, returned)
