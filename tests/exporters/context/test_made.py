"""What the commit's earlier edits made is shown as it is now, new code first."""

from tests.exporters.context.conftest import BEFORE, SHAPES

LIB = BEFORE["src/lib.rs"]
PARAMETERS = "".join(f"    a_parameter_with_a_long_name_{n}: f64,\n" for n in range(8))
LONG_SIGNATURE = f"pub fn area_of(\n{PARAMETERS}) -> f64"
TESTS = """
#[cfg(test)]
mod tests {
    #[test]
    fn last() {
        super::zoom();
    }
}
"""
CLEAR = "clear_all(&self) {\n        zoom();\n    }"


def earlier(excerpts):
    return {name: text for (name, rule), text in excerpts.items() if rule == "earlier"}


def test_new_code_comes_before_what_changed_and_tests_behind_both(shown):
    files = {
        "src/shapes.rs": SHAPES.replace("radius\n}", "radius * 2.0\n}")
        + "\npub fn zoom() -> f64 {\n    3.0\n}\n",
        "tests/first.rs": BEFORE["tests/first.rs"].replace("1.0", "2.0"),
        "src/lib.rs": LIB.replace("clear_all(&self) {}", CLEAR) + TESTS,
    }
    found = shown(files)
    assert [*earlier(found["clear_all"])] == ["zoom", "area_of", "tests"]
    # What the code refers to comes first of all.
    assert [*earlier(found["first"])] == ["area_of", "zoom", "clear_all", "tests"]


def test_a_signature_is_never_cut(shown):
    new = SHAPES.replace("pub fn area_of(radius: f64) -> f64", LONG_SIGNATURE)
    files = {"src/shapes.rs": new, "src/lib.rs": LIB.replace("{}", "{\n        self;\n    }")}
    assert LONG_SIGNATURE in earlier(shown(files)["clear_all"])["area_of"]


def test_what_came_from_another_file_shows_what_changed_of_it(shown):
    body = "".join(f"    let step_{n} = radius * {n}.0;\n" for n in range(40))
    before = BEFORE | {"src/shapes.rs": SHAPES.replace("    radius\n", f"{body}    radius\n")}
    moved = f"pub fn area_of(radius: f64) -> f64 {{\n{body}    radius * 2.0\n}}\n"
    files = {
        "src/shapes.rs": "pub struct Circle {\n    pub radius: f64,\n}\n",
        "src/first.rs": BEFORE["src/first.rs"] + "\n" + moved,
        "src/lib.rs": LIB.replace("{}", "{\n        self;\n    }"),
    }
    text = earlier(shown(files, before=before)["clear_all"])["area_of"]
    assert text == "pub fn area_of(radius: f64) -> f64\n    radius * 2.0\n"


def test_what_only_moved_is_nothing_that_was_made(shown):
    files = {
        "src/shapes.rs": SHAPES[SHAPES.index("pub fn") :],
        "src/first.rs": BEFORE["src/first.rs"] + "\n" + SHAPES[: SHAPES.index("pub fn")],
        "src/lib.rs": LIB.replace("{}", "{\n        self;\n    }"),
    }
    assert earlier(shown(files)["clear_all"]) == {}
