"""The ids of a text are kept, whatever was asked for when it was encoded."""

import json

import pytest

from rsidx.exporters.rendering.encoder import Encoder
from tests.exporters.pipeline.growth import grow

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture
def encoded(monkeypatch, tmp_path):
    """What the tokenizer was asked to encode, in every process, in the order of the files."""
    file = tmp_path / "encoded"
    plain = Encoder._encoded

    def encode(self, texts):
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(text)}\n" for text in texts)
        return plain(self, texts)

    monkeypatch.setattr(Encoder, "_encoded", encode)

    def take():
        found = file.read_text("utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return found

    return take


@pytest.mark.slow
def test_a_text_is_encoded_once_whatever_is_asked_for(repo, index, exported, encoded):
    grow(repo, index, 12)
    exported("first")
    first = encoded()
    assert len(first) > 20
    assert len(first) == len(set(first))
    options = ({"max_tokens": 100}, {"text": True}, {"labels": "all"}, {"context_tokens": 50})
    for number, asked in enumerate(options):
        again = exported(f"again{number}", **asked)
        assert set(first).isdisjoint(encoded())
        assert again == exported(f"fresh{number}", fresh=True, **asked)
        exported("first")
        encoded()


def test_ids_of_another_tokenizer_are_not_used(repo, index, exported, encoded):
    grow(repo, index, 6)
    exported("first")
    first = encoded()
    native = exported("native", markers="native", text=True)
    assert set(first) & set(encoded())
    assert native == exported("fresh", fresh=True, markers="native", text=True)
