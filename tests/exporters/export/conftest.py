"""A real history with commits of every kind, and exports of it."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.exporters.export.rows import read_rows

LIB = """\
//! A library.
mod shapes;

use crate::shapes::{{Area, Circle}};

const SCALE: f64 = {scale};

/// Holds shapes.
pub struct Canvas {{
    shapes: Vec<Circle>,
}}

impl Canvas {{
    pub fn new() -> Self {{
        {new}
    }}

    pub fn total(&self) -> f64 {{
        {total}
    }}
}}
"""
NEW = "Canvas { shapes: Vec::new() }"
SHAPES = """\
/// Has an area.
pub trait Area {{
    /// The area.
    fn area(&self) -> f64;
}}

#[derive(Debug)]
pub struct Circle {{
    pub radius: {float},
}}

impl Area for Circle {{
    fn area(&self) -> f64 {{
        3.14 * self.radius * self.radius{more}
    }}
}}
"""


@pytest.fixture(scope="session")
def thirty_commits(make_history):
    """Commits of every kind that an export meets."""
    repo, index = history = make_history()
    total = "self.shapes.iter().map(|c| c.area()).sum()"
    manifest = '[package]\nname = "shapes-lib"\nedition = "2021"\n'
    repo.commit("start", {
        "Cargo.toml": manifest, "src/lib.rs": LIB.format(scale=1.0, total="0.0", new=NEW),
        "src/shapes.rs": SHAPES.format(float="f64", more=""),
    })  # fmt: skip
    repo.commit("compute the total", {"src/lib.rs": LIB.format(scale=1.0, total=total, new=NEW)})
    repo.commit(
        "scale it", {"src/lib.rs": LIB.format(scale=2.0, total=f"{total} * SCALE", new=NEW)}
    )
    repo.commits(
        (f"tune {n}", {
            "src/lib.rs": LIB.format(
                scale=2.0 + n, total=f"{total} * SCALE + {n}.0",
                new=NEW if n < 6 else f"Canvas {{ shapes: vec![Circle {{ radius: {n}.0 }}] }}",
            ),
            "src/shapes.rs": SHAPES.format(float="f64", more=f" + {n}.0"),
        })
        for n in range(12)
    )  # fmt: skip
    long = "pub fn long() {\n" + "".join(
        f"    let v{n} = compute({n}, \"text that takes room\");\n" for n in range(120)
    ) + "}\n"  # fmt: skip
    repo.commit("a long function", {"src/long.rs": long})
    repo.commit("control <file_sep>", {"src/long.rs": long.replace("v60", "<|new_code|>")})
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    repo.commit("on the side", {"src/side.rs": "pub fn side() -> u32 {\n    7\n}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    repo.commit("bot", {"src/bot.rs": "fn bot() {}\n"}, GIT_AUTHOR_NAME="renovate[bot]")
    repo.commit("reformat", {"src/side.rs": "pub fn side() -> u32 { 7 }\n"})
    repo.commit("remove", {"src/side.rs": None})
    repo.git("mv", "src/long.rs", "src/longer.rs")
    repo.commit("rename", {"src/longer.rs": long.replace("v60", "v_sixty")})
    index.sync()
    return history


@pytest.fixture
def chosen(thirty_commits, history_for):
    return history_for(thirty_commits)


@pytest.fixture
def repo(chosen):
    return chosen.repo


@pytest.fixture
def history(chosen):
    return chosen.index


@pytest.fixture(scope="session")
def exports():
    """What was exported of the thirty commits, by the options."""
    return {}


@pytest.fixture
def run(history, exports, tokenizer_file, tmp_path_factory, request):
    """Return a function that exports, where the same was not exported before."""
    made = {} if "writable" in request.fixturenames else exports

    def do(*, again=False, **options):
        key = tuple(sorted(options.items()))
        if again or key not in made:
            made[key] = make(**options)
        return made[key]

    def make(**options):
        out = tmp_path_factory.mktemp("export") / "out"
        config = ExportConfig(
            **{
                "tokenizer": str(tokenizer_file),
                "max_tokens": 4096,
                "context_tokens": 2048,
                "text": True,
                **options,
            }
        )
        # What is kept of an earlier export has tests of its own.
        history.database.cache_file.unlink(missing_ok=True)
        manifest = export(history.database, out, config)
        return out, manifest, read_rows(out)

    return do
