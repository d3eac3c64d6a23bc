"""Paths that name a member of a container."""

import pytest

from rsidx.store.records import is_qualified_by, path_of


@pytest.mark.parametrize(
    ("qualifier", "container", "fits"),
    [("<A as From<u8>>", "impl From<u8> for A", True),
     ("<A as From<u8>>", "impl From<u16> for A", False),
     ("<A as From<u8>>", "impl From<u8> for B", False),
     ("<A as From>", "impl From<u16> for A", True),
     ("<A as Display>", "mod m / impl fmt::Display for A<'a>", True),
     ("<A<'a> as fmt::Display>", "impl fmt::Display for A<'a> [test]", True),
     ("<A as Play>", "impl Display for A", False),
     ("<& 'a [T] as Walk< U, V>>", "impl Walk<U, V> for &'a [T]", True),
     ("<A as Printer>", "impl A", False),
     ("<A as Printer>", "trait Printer", False),
     ("Printer", "impl Printer for A", True),
     ("A", "impl From<u8> for A", True),
     ("A<u8>", "impl A<u8>", True),
     ("A<u8>", "impl A<u16>", False),
     ("A<u8>", "impl fmt::Display for A<u8>", True),
     ("", "impl A", True)],
)  # fmt: skip
def test_a_qualifier_names_the_containers_that_it_fits(qualifier, container, fits):
    assert is_qualified_by(container, qualifier) is fits


@pytest.mark.parametrize(
    ("container", "path"),
    [("", "f"),
     ("mod m", "m::f"),
     ("impl A<'a>", "A<'a>::f"),
     ("mod m [test] / impl From<u8> for A [test]", "<A as From<u8>>::f"),
     ("trait Walk", "Walk::f")],
)  # fmt: skip
def test_the_path_of_a_member_leads_back_to_it(container, path):
    assert path_of(container, "f") == path
    assert is_qualified_by(container, path.rpartition("::")[0])
