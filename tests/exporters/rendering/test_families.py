"""Each family of models gets every kind of example in tokens that its tokenizers have."""

import dataclasses

import pytest
from tokenizers import Tokenizer

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.kinds import KINDS, dialect_of
from rsidx.exporters.rendering import families
from rsidx.exporters.rendering.base import Chosen
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.families import FAMILIES, Family, FimTokens
from tests.exporters.samples import CODES, example_of
from tests.results import NEEDED

HOLES = FimTokens("<pre>", "<suf>", "<mid>")
WITHOUT_REPOSITORY = Family("files-alone", file="<file>", fim=HOLES)
CASES = [
    pytest.param(family, kind, id=f"{family.name}-{kind}")
    for family in (*FAMILIES, WITHOUT_REPOSITORY)
    for kind in KINDS
    if (family.fim_tokens() if kind == "fim" else family.edit_tokens())
]
"""Each family with each kind that it can be written for."""


@pytest.fixture
def write(plain_file, tmp_path, monkeypatch):
    """Return a function that writes an example of a kind for a tokenizer with a family's tokens."""

    def do(family, kind, markers):
        tokenizer = Tokenizer.from_file(str(plain_file))
        tokenizer.add_special_tokens([*family.edit_tokens(), *family.fim_tokens()])
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        monkeypatch.setattr(families, "FAMILIES", (family,))
        encoder = Encoder(load(str(tmp_path)))
        spm = {} if family.fim is None or family.fim.can_spm else {"fim_spm": 0.0}
        needed = NEEDED.get(kind, {})
        config = ExportConfig(str(tmp_path), kind=kind, markers=markers, **spm, **needed)
        dialect = dialect_of(encoder, config)
        example = example_of(CODES[kind])
        draft = dataclasses.replace(
            example.draft,
            repository="its-name",
            place=dataclasses.replace(example.draft.place, change="modify"),
            excerpts=tuple(
                dataclasses.replace(excerpt, section="functions")
                for excerpt in example.draft.excerpts
            ),
        )
        pieces = dialect.pieces(dataclasses.replace(example, draft=draft), Chosen((0,), (0,), 1, 1))
        return encoder, dialect, pieces

    return do


@pytest.mark.parametrize("markers", ["native", "extended"])
@pytest.mark.parametrize(("family", "kind"), CASES)
def test_an_example_is_written_in_tokens_that_the_tokenizer_has(write, family, kind, markers):
    encoder, dialect, pieces = write(family, kind, markers)
    assert dialect.name.endswith(family.name)
    tokens = {piece.text for piece in pieces if piece.is_control}
    assert tokens <= set(dialect.control_tokens)
    assert all(map(encoder.has, tokens))
    has_name = any(piece.text.strip() == "its-name" for piece in pieces)
    assert has_name == bool(family.repository or (KINDS[kind].is_edit and markers == "extended"))
    assert {piece.role for piece in pieces} <= {*CODES[kind].roles, "end"}
