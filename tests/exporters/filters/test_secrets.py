"""What is a secret and what is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import LOOK_ALIKES, PLANTED

from rsidx.exporters.filters.secrets import RULES, KnownSecrets, scanner_version, secrets_in

SURROUNDINGS = {
    "string": 'pub fn f() -> &str {{\n    r#"{}"#\n}}\n',
    "escaped": 'let text = "\\n{}\\n";\n',
    "documentation": "/// Give it {}, then go on.\npub fn f() {{}}\n",
    "parentheses": "See ({}).",
    "alone": "{}",
}
LEAST_BYTES = 8


def without_secrets(text):
    data = text.encode()
    for secret in reversed(secrets_in(data)):
        data = data[: secret.start] + b"<>" + data[secret.end :]
    return data.decode()


def shown(text, hidden):
    """Return the stretches of some secrets that a text shows."""
    pieces = (one[n : n + LEAST_BYTES] for one in hidden for n in range(len(one) - LEAST_BYTES + 1))
    return [piece for piece in pieces if piece in text]


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_every_form_is_found_to_its_last_character(surroundings):
    text = SURROUNDINGS[surroundings]
    assert len(PLANTED) >= 40
    missed = [p.name for p in PLANTED if shown(without_secrets(text.format(p.code)), p.hidden)]
    assert missed == []


def test_of_what_looks_alike_two_at_most_are_taken_for_secrets():
    assert len(LOOK_ALIKES) >= 40
    changed = [name for name, code in LOOK_ALIKES.items() if without_secrets(code) != code]
    assert len(changed) <= 2, changed


def test_all_are_found_in_one_text_that_has_them_close_together():
    every = " ".join(planted.code for planted in PLANTED)
    text = without_secrets(every)
    assert [p.name for p in PLANTED if shown(text, p.hidden)] == []


def test_code_between_the_constants_of_a_pem_parser_stays():
    code = LOOK_ALIKES["pem_constants"]
    key = next(p.code for p in PLANTED if p.name == "key_rsa")
    assert without_secrets(f"{key}\n{code}\n{key}\n") == f"<>\n{code}\n<>\n"


@pytest.mark.parametrize(
    ("before", "between", "behind"),
    [
        ('"', "\\n\\\n     ", '"'),
        ('concat!(\n    "', '\\n",\n    "', '"\n)'),
        ("/// ", "\n/// ", "\n"),
        ('b"', "\\r\\n", '"'),
    ],
)
def test_a_key_is_found_however_its_lines_are_written(before, between, behind):
    planted = next(p for p in PLANTED if p.name == "key_pkcs8")
    code = before + between.join(planted.code.split("\n")) + behind
    assert shown(without_secrets(code), planted.hidden) == []


def test_the_rules_say_where_they_are_from_and_under_which_licence():
    rules = json.loads(RULES.read_text("utf-8"))
    assert scanner_version().startswith(rules["source"])
    assert "MIT License" in RULES.with_name("secret_rules.NOTICE").read_text("utf-8")
    assert "Apache License" in RULES.with_name("secret_rules.LICENSE").read_text("utf-8")
    assert len(rules["rules"]) > 300


@given(
    st.dictionaries(st.text('a0-"', min_size=1, max_size=20), st.just("KEY"), max_size=6),
    st.text('a0-"', max_size=60),
)
def test_known_values_are_found_wherever_they_stand(values, text):
    expected = [
        (start, start + len(value))
        for value in values
        for start in range(len(text))
        if len(value) >= 6
        and text.startswith(value, start)
        and (len(value) > 16 or stands_alone(text, start, start + len(value)))
    ]
    known = KnownSecrets({value.encode(): kind for value, kind in values.items()})
    found = [(one.start, one.end) for one in known.occurrences(text.encode())]
    assert sorted(found) == sorted(expected)


def stands_alone(text, start, end):
    around = text[start - 1 : start] if start else "", text[end : end + 1]
    if text[start:end].isalpha():
        return around == ('"', '"')
    return not any(map(str.isalnum, around))


def test_a_password_that_is_a_name_is_hidden_in_strings_alone():
    known = KnownSecrets({b"diesel": "PASSWORD"})
    text = b'#[diesel(table_name = users)] use diesel::prelude; let password = "diesel";'
    assert [text[one.start - 1 : one.end + 1] for one in known.occurrences(text)] == [b'"diesel"']
