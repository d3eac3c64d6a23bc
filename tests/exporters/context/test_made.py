"""What the commit's earlier edits made is shown as it is now, new code first."""

from planted import PLANTED

from tests.exporters.context.conftest import BEFORE, SHAPES

KEY = next(planted for planted in PLANTED if planted.name == "github_classic").code
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
    assert text == "pub fn area_of(radius: f64) -> f64\n    // ...\n    radius * 2.0\n"


def test_what_only_moved_is_nothing_that_was_made(shown):
    files = {
        "src/shapes.rs": SHAPES[SHAPES.index("pub fn") :],
        "src/first.rs": BEFORE["src/first.rs"] + "\n" + SHAPES[: SHAPES.index("pub fn")],
        "src/lib.rs": LIB.replace("{}", "{\n        self;\n    }"),
    }
    assert earlier(shown(files)["clear_all"]) == {}


LONG = "".join(f"        let line_{n} = some_other_function(first, second);\n" for n in range(20))
CANVAS = (
    "pub struct Canvas;\n\nimpl Canvas {\n    pub fn clear_all(&self) {}\n\n"
    f"    pub fn draw_all(&self) {{\n        let a_name = 1;\n{LONG}        let c_name = 3;\n"
    "    }\n}\n"
)
DRAWN = CANVAS.replace("a_name = 1", "a_name = zoom()").replace("c_name = 3", "c_name = last()")
IN_CANVAS = """\
impl Canvas {
    pub fn clear_all(&self) {
        zoom();
    }
    pub fn draw_all(&self) {
        let a_name = zoom();
        // ...
        let c_name = last();
    // ...
}
"""


def test_members_share_the_braces_of_their_container_and_gaps_are_marked(commit_section):
    new = DRAWN.replace("clear_all(&self) {}", CLEAR)
    files = {"src/canvas.rs": new, "src/first.rs": BEFORE["src/first.rs"].replace("one", "two")}
    text = commit_section(files, {"src/canvas.rs": CANVAS})["two"]
    assert text == f"src/canvas.rs\n{IN_CANVAS}"


def test_the_braces_are_those_that_stand_when_the_code_is_asked_for(commit_section):
    generic = DRAWN.replace("pub struct Canvas;", "pub struct Canvas<T>(T);")
    generic = generic.replace("impl Canvas {", "impl<T> Canvas<T> {")
    before = {"src/canvas.rs": CANVAS, "src/zoom.rs": "fn last_one() {}\n"}
    files = {"src/canvas.rs": generic, "src/zoom.rs": "fn last_one() {\n    zoom();\n}\n"}
    texts = commit_section(files, before)
    assert [*texts][-1] == "last_one"
    assert "impl<T> Canvas<T> {\n    pub fn draw_all" in texts["last_one"]
    assert texts["last_one"].count("impl") == 1


def test_a_secret_of_a_header_is_not_shown(commit_section):
    said = CANVAS.replace("impl Canvas", f'#[doc = "token: {KEY}"]\nimpl Canvas')
    files = {"src/canvas.rs": said.replace("clear_all(&self) {}", CLEAR)}
    files["src/first.rs"] = BEFORE["src/first.rs"].replace("one", "two")
    text = commit_section(files, {"src/canvas.rs": said})["two"]
    assert "impl Canvas {\n    pub fn clear_all" in text
    assert KEY not in text


def test_containers_within_containers_stand_in_each_other(commit_section):
    before = (
        "mod inner {\n    pub struct A;\n\n    impl A {\n        pub fn one(&self) {}\n    }\n}\n"
    )
    new = before.replace("{}", "{\n            zoom();\n        }")
    files = {"src/a.rs": new, "src/first.rs": BEFORE["src/first.rs"].replace("one", "two")}
    text = commit_section(files, {"src/a.rs": before})["two"]
    assert text == (
        "src/a.rs\nmod inner {\n    impl A {\n        pub fn one(&self) {\n"
        "            zoom();\n        }\n        // ...\n    }\n    // ...\n}\n"
    )


def test_edits_without_a_row_are_made_in_their_turn(shown):
    said = "pub fn area_of(radius: f64) -> f64 {\n    // In metres.\n    radius\n}\n"
    files = {
        "src/shapes.rs": said,
        "tests/first.rs": BEFORE["tests/first.rs"].replace("1.0", "2.0"),
    }
    before = BEFORE | {
        "tests/first.rs": BEFORE["tests/first.rs"].replace(
            "    app::shapes", "    app::shapes::Circle::default();\n    app::shapes"
        )
    }
    found = shown(files, before=before)
    # What only a comment changed, and what is taken away, have no rows.
    assert [*found] == ["first"]
    assert "// In metres." in earlier(found["first"])["area_of"]
    assert "Circle" not in {name for name, _ in found["first"]}
