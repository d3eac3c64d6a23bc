"""What an edit is shown that its old code does not refer to, and what it no longer is shown."""

import pytest

from rsidx.exporters.context.named import names_in
from tests.exporters.context.conftest import BEFORE, CARGO, SHAPES

LONG = "    // words that say nothing of the code, and that make it too long for one edit\n" * 2


def test_an_item_of_a_new_file_is_shown_what_the_items_in_front_of_it_refer_to(shown):
    new = (
        "use crate::shapes::area_of;\n\n"
        f"fn early() {{\n{LONG}    area_of(2.0);\n}}\n\nfn late() {{\n{LONG}}}\n"
    )
    lib = BEFORE["src/lib.rs"].replace("mod first;", "mod first;\nmod fresh;")
    found = shown({"src/fresh.rs": new, "src/lib.rs": lib})
    assert ("area_of", "near") in found["late"]
    assert ("area_of", "near") not in found["early"]


def test_an_item_of_a_new_file_is_shown_what_the_files_beside_it_refer_to(shown):
    found = shown({"tests/second.rs": "#[test]\nfn second() {}\n"})
    assert found["second"].keys() >= {("Canvas", "folder"), ("area_of", "folder")}


def test_an_item_of_a_file_is_shown_what_several_files_beside_it_import(shown):
    changed = SHAPES.replace("    radius\n", "    radius * radius\n")
    uses = "use crate::{Canvas, Rare};\n\nfn other() {\n    crate::first::one;\n}\n"
    names = ("second", "third", "fourth")
    others = {f"src/{name}.rs": uses for name in names}
    others["src/fourth.rs"] = uses.replace(", Rare", "")
    lib = "".join(f"mod {name};\n" for name in names) + "pub struct Rare;\n"
    before = {**BEFORE, **others, "src/lib.rs": lib + BEFORE["src/lib.rs"]}
    found = shown({"src/shapes.rs": changed}, before=before)
    assert [symbol for symbol, rule in found["area_of"] if rule == "folder"] == ["Canvas"]


@pytest.mark.parametrize("name", ["Circle", "clear_all"])
def test_what_the_message_names_as_code_is_shown(shown, name):
    found = shown({"tests/second.rs": "#[test]\nfn second() {}\n"}, f"Test that `{name}` works")
    rules = {rule for (_, rule), text in found["second"].items() if name in text}
    assert "message" in rules


def test_what_the_message_names_is_looked_for_in_as_many_words_as_say_so():
    assert names_in("Let `a::Bc::new()` and do_it use FooBar, not Foo or bar") == (
        *("Bc", "new", "do_it", "FooBar"),
    )


def test_a_name_that_many_definitions_have_is_not_looked_up(shown):
    many = {f"src/m{n}.rs": "pub fn make_it() {}\n" for n in range(5)}
    lib = "".join(f"mod m{n};\n" for n in range(5)) + "fn f() {}\n"
    before = {"Cargo.toml": CARGO, "src/lib.rs": lib, **many}
    files = {"src/lib.rs": lib.replace("{}", "{\n    1;\n}")}
    found = shown(files, "Call make_it in f", before)
    assert not any(rule == "message" for _, rule in found["f"])


USES = {
    "Cargo.toml": CARGO,
    "src/lib.rs": "mod shapes;\nuse shapes::{area_of, Circle};\n\n"
    "fn uses(circle: Circle) -> f64 {\n    area_of(circle.radius)\n}\n",
    "src/shapes.rs": SHAPES,
}


def test_what_an_earlier_edit_changed_is_shown_as_it_is_now_and_no_more_as_it_was(shown):
    after = SHAPES.replace("radius: f64) ->", "radius: f64, scale: f64) ->")
    lib = USES["src/lib.rs"].replace("circle.radius)", "circle.radius, 1.0)")
    found = shown({"src/shapes.rs": after, "src/lib.rs": lib}, before=USES)
    texts = [text for (symbol, _), text in found["uses"].items() if symbol == "area_of"]
    assert texts
    assert all("scale: f64" in text for text in texts)
    # What it is shown first of what was made is what it refers to.
    assert next(iter(found["uses"])) == ("area_of", "earlier")


def test_what_it_was_is_shown_where_the_commit_s_edits_are_not(shown):
    after = SHAPES.replace("radius: f64) ->", "radius: f64, scale: f64) ->")
    lib = USES["src/lib.rs"].replace("circle.radius)", "circle.radius, 1.0)")
    files = {"src/shapes.rs": after, "src/lib.rs": lib}
    found = shown(files, before=USES, earlier=("none",))
    [text] = [text for (symbol, _), text in found["uses"].items() if symbol == "area_of"]
    assert "scale" not in text


def test_an_impl_is_not_shown_empty_where_edits_changed_all_of_its_members(shown):
    canvas = "pub struct Canvas;\n\nimpl Canvas {\n    pub fn clear(&self) {}\n}\n"
    lib = "mod canvas;\n\nfn uses(canvas: &canvas::Canvas) {\n    canvas.clear();\n}\n"
    before = {"Cargo.toml": CARGO, "src/lib.rs": lib, "src/canvas.rs": canvas}
    after = {
        "src/canvas.rs": canvas.replace("(&self)", "(&self, all: bool)"),
        "src/lib.rs": lib.replace("clear()", "clear(true)"),
    }
    found = shown(after, before=before)["uses"]
    assert any("all: bool" in text for text in found.values())
    assert not any("impl" in text for text in found.values())
