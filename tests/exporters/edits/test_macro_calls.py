"""The names of macro calls."""

import pytest

from rsidx.exporters.edits.macro_calls import call_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rgtest!(r30, |dir: Dir| { check(dir) });", "rgtest!r30"),
        ("// See: https://example.com/!\n#[cfg(a!)]\nclean!(r30);", "clean!r30"),
        ("thread_local! { static STATE: u8 = 1 }", "thread_local!STATE"),
        (
            "bitflags! {\n    /// Of a cell.\n    #[repr(C)]\n    pub flags Mode: u8 {} }",
            "bitflags!Mode",
        ),
        (
            "test_binding! {\n    name: without_mods,\n    mods: NONE,\n}",
            "test_binding!without_mods",
        ),
        ("delegate! {\n    Drain<'_, K> => (K,),\n}", "delegate!Drain"),
        ('unsupported!("any", r#type);', "unsupported!r#type"),
        ("syn::custom_keyword!(Debug);", "syn::custom_keyword!Debug"),
        ("range_impl!{u16}", "range_impl!u16"),
        ("private_impl! {}", "private_impl!"),
        ("fn f() {}", ""),
        ("", ""),
    ],
)
def test_a_call_is_named_by_its_macro_and_the_first_name_it_is_given(text, name):
    assert call_name(text.encode()) == name
