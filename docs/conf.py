"""Sphinx's configuration; `make docs` builds the site into `build/site`."""

import sys
from pathlib import Path

from rsidx import __version__

sys.path.insert(0, str(Path(__file__).parent))  # For `command_options`.

project = "rsidx"
release = version = __version__
extensions = ["myst_parser", "sphinx_click", "command_options"]
exclude_patterns: list[str] = []
nitpicky = True
default_role = "code"  # The help marks code as Markdown does.
smartquotes = False  # They make a dash of the hyphens of an option.

myst_heading_anchors = 3

html_theme = "furo"
html_title = f"rsidx {__version__}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
