"""Tokenizers and dialects: texts never become control tokens, and come back as they were."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from rsidx.errors import TokenizerError
from rsidx.exporters.rendering.edit import dialect_for
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.markers import MARKERS, token_of
from rsidx.exporters.tokenizer import train
from rsidx.store.cache import open_cache

SPELLINGS = st.sampled_from(
    ["<file_sep>", "<|endoftext|>", "<|file_sep|>", "<|old_code|>", "<|fim_prefix|>", "<", "|>",
     "fn x() {}", "\n", " ", "é", "<file_sep", "<<file_sep>>", "\t"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(parts=st.lists(SPELLINGS, max_size=12))
@pytest.mark.parametrize("file", ["tokenizer_file", "qwen_file"])
def test_a_text_that_spells_control_tokens_has_none_and_comes_back(file, parts, request):
    encoder = Encoder(load(str(request.getfixturevalue(file))))
    dialect = dialect_for(encoder, markers="extended", name="auto")
    text = "".join(parts)
    ids = encoder.encode(text)
    assert encoder.decode(ids) == text
    control = {encoder.control(token) for token in dialect.control_tokens}
    assert control.isdisjoint(ids)


def test_the_reference_encodings_of_starcoder2_agree(starcoder2_file):
    encoder = Encoder(load(str(starcoder2_file)))
    vectors = json.loads((starcoder2_file.parent / "vectors.json").read_text("utf-8"))
    assert len(vectors) == 47
    for vector in vectors:
        assert list(encoder.encode(vector["text"])) == vector["ids"]


def test_a_text_that_the_tokenizer_changes_is_refused(tokenizer_file, tmp_path):
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encoder = Encoder(load(str(tmp_path)))
    assert encoder.encode("FN") is None
    assert encoder.encode("fn") is not None


def test_lines_are_encoded_apart_only_where_the_tokenizer_splits_there(tokenizer_file, tmp_path):
    splitters = {
        "as it was": None,
        "at spaces": pre_tokenizers.Split(" ", "isolated"),
        "nowhere": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        "with a space in front": pre_tokenizers.ByteLevel(add_prefix_space=True),
    }
    found = {}
    for name, splitter in splitters.items():
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        if splitter is not None:
            tokenizer.pre_tokenizer = splitter
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        found[name] = Encoder(load(str(tmp_path))).is_split_at_lines
    assert found == {
        "as it was": True, "at spaces": False, "nowhere": False, "with a space in front": False
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("n_more", [0, 70_000])
def test_ids_that_were_kept_are_those_that_the_tokenizer_gives(tokenizer_file, tmp_path, n_more):
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.normalizer = normalizers.Replace("never", "ever")
    # Words of their own, so that ids need more than two bytes.
    tokenizer.add_tokens([f"word{n}word" for n in range(n_more)])
    texts = ["fn main() {}", "", "never", f"let word{n_more - 1}word = 1;", "<file_sep>", "é"]
    plain = Encoder(tokenizer)
    expected = [plain.encode(text) for text in texts]
    assert expected[2] is None
    for _ in range(2):
        with open_cache(tmp_path / "cache", [plain.identity]) as cache:
            encoder = Encoder(tokenizer)
            encoder.keep_in(cache.of(encoder.identity))
            encoder.warm(texts)
            for text, ids in zip(texts, expected, strict=True):
                found = encoder.encode(text)
                assert (ids is None) if found is None else list(found) == list(ids)
    assert (max(expected[3]) > 1 << 16) == bool(n_more)


@pytest.mark.parametrize(
    ("file", "native"),
    [("tokenizer_file", "starcoder2"), ("qwen_file", "qwen"), ("starcoder_file", "starcoder"),
     ("plain_file", "generic")],
)  # fmt: skip
def test_the_dialect_follows_from_what_the_tokenizer_has(file, native, request):
    source = str(request.getfixturevalue(file))
    assert dialect_for(Encoder(load(source)), markers="native", name="auto").name == native
    extended = dialect_for(Encoder(load(source)), markers="extended", name="auto")
    assert extended.name == f"extended-{native}"


def test_native_adds_nothing_and_extended_adds_more_than_thirty(tokenizer_file):
    native = Encoder(load(str(tokenizer_file)))
    before = native.n_tokens
    dialect_for(native, markers="native", name="auto")
    assert native.n_tokens == before
    extended = Encoder(load(str(tokenizer_file)))
    dialect_for(extended, markers="extended", name="auto")
    assert extended.n_tokens == before + len(extended.added)
    assert len(extended.added) == len(MARKERS) - 2 > 30
    assert extended.added[0] == token_of("module")
    assert extended.control(token_of("module")) == before


def test_a_dialect_whose_tokens_are_missing_is_refused(tokenizer_file):
    with pytest.raises(TokenizerError, match="lacks <reponame>, <filename>, <commit_before>"):
        dialect_for(Encoder(load(str(tokenizer_file))), markers="native", name="starcoder")


def test_no_tokenizer_is_a_clear_error(tmp_path):
    with pytest.raises(TokenizerError, match="there is no tokenizer at"):
        load(str(tmp_path / "missing.json"))
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(TokenizerError, match="is not a tokenizer"):
        load(str(tmp_path / "bad.json"))


def test_no_end_token_is_a_clear_error(tmp_path, plain_file):
    content = json.loads(plain_file.read_text("utf-8"))
    content["added_tokens"] = []
    content["model"]["vocab"] = {
        ("x</s" if token == "</s>" else token): i for token, i in content["model"]["vocab"].items()
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match="eos_token"):
        Encoder(load(str(path)))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "x</s"}))
    assert Encoder(load(str(path)), source=str(path)).end_token == "x</s"


SETTINGS = {
    "bos_token": "<file_sep>", "unk_token": {"content": "<|endoftext|>", "__type": "AddedToken"},
    "mask_token": "<mask>", "model_max_length": 4096, "padding_side": "left",
    "additional_special_tokens": ["<repo_name>", "<nowhere>"],
    "auto_map": {"AutoTokenizer": ["theirs.Tokenizer", None]}, "tokenizer_class": "TheirTokenizer",
}  # fmt: skip
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.mark.parametrize("is_file", [True, False])
def test_a_saved_tokenizer_keeps_chats_special_tokens_and_length(tmp_path, tokenizer_file, is_file):
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    if is_file:
        (folder / "chat_template.jinja").write_text(TEMPLATE)
    given = SETTINGS if is_file else {**SETTINGS, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(given))
    (folder / "special_tokens_map.json").write_text('{"cls_token": "<repo_name>"}')
    kept = {
        "bos_token": "<file_sep>", "unk_token": "<|endoftext|>", "cls_token": "<repo_name>",
        "additional_special_tokens": ["<repo_name>"],
    }  # fmt: skip
    # Once more, from what was saved.
    for source, out in ((folder, tmp_path / "saved"), (tmp_path / "saved", tmp_path / "again")):
        Encoder(load(str(source)), source=str(source)).save(out, max_tokens=512)
        config = json.loads((out / "tokenizer_config.json").read_text())
        special = json.loads((out / "special_tokens_map.json").read_text())
        assert config["chat_template"] == TEMPLATE
        assert (config["model_max_length"], config["padding_side"]) == (4096, "left")
        assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
        # What would be added to the vocabulary stays out, and so does code.
        assert not {"mask_token", "auto_map"} & config.keys()
        assert special == {"eos_token": "<|endoftext|>", "pad_token": "<fim_pad>", **kept}
        assert {key: config[key] for key in special} == special


def test_a_tokenizer_without_settings_has_the_length_of_an_example(tmp_path, tokenizer_file):
    Encoder(load(str(tokenizer_file))).save(tmp_path / "saved", max_tokens=512)
    config = json.loads((tmp_path / "saved/tokenizer_config.json").read_text())
    assert config["model_max_length"] == 512


LOADS = """
import json, sys
from rsidx.errors import TokenizerError
from rsidx.exporters.rendering.encoder import Encoder, load
for name in sys.argv[1:]:
    try:
        said = [load(name).get_vocab_size(), Encoder(load(name), source=name).end_token]
    except TokenizerError as error:
        said = str(error)
    print(json.dumps(said))
"""


def loaded(folder, hub, *names, **variables):
    env = {**os.environ, **hub.environment, **variables}
    done = subprocess.run([sys.executable, "-P", "-c", LOADS, *names], cwd=folder, env=env,
                          capture_output=True, check=True)  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_only_owner_and_name_are_asked_of_the_hub(tmp_path, hub):
    folder = tmp_path / "work"
    (folder / "models").mkdir(parents=True)
    (folder / "taken/here").mkdir(parents=True)
    names = (
        "starcodr2", "starcoder2.json", "a/b/c", "./a/b", "../a", "~/a", "~nobody/a", "/a/b",
        "a/b.json", "a\\b", "models/starcodr2", "taken/here", "a/", "/", "", ".", "a b/c",
        "https://example.com/a", "a/b\nc", "x" * 5000,
    )  # fmt: skip
    said = loaded(folder, hub, *names)
    assert hub.asked == []
    for name, text in zip(names, said, strict=True):
        assert text.startswith("there is no tokenizer at "), (name, text)
    assert said[0].endswith("starcodr2; a name on the hub is spelled owner/name")
    [text] = loaded(folder, hub, "owner/name")
    assert text.startswith("there is no tokenizer at owner/name here, nor in the local cache, and "
                           "the hub says: ")  # fmt: skip
    assert "\n" not in text
    assert hub.asked


@pytest.mark.slow
def test_a_tokenizer_of_the_hub_is_fetched_once(tmp_path, hub, tokenizer_file):
    [text] = loaded(tmp_path, hub, "owner/name", HF_HUB_OFFLINE="1")
    assert text.endswith("nor in the local cache, and HF_HUB_OFFLINE forbids asking the hub")
    assert hub.asked == []
    hub.files["/owner/name/resolve/main/tokenizer.json"] = tokenizer_file.read_bytes()
    hub.files["/owner/name/resolve/main/tokenizer_config.json"] = b'{"eos_token": "<fim_pad>"}'
    found = [[load(str(tokenizer_file)).get_vocab_size(), "<fim_pad>"]]
    assert loaded(tmp_path, hub, "owner/name") == found
    assert hub.asked
    hub.asked.clear()
    assert loaded(tmp_path, hub, "owner/name") == found
    assert loaded(tmp_path, hub, "owner/name", HF_HUB_OFFLINE="1") == found
    assert hub.asked == []


@pytest.mark.slow
def test_a_tokenizer_is_trained_into_a_new_or_an_empty_folder_only(repo, index, tmp_path):
    repo.commit("the first commit", {"src/lib.rs": "pub fn f() -> u32 { 1 }\n"})
    index.sync()

    def into(out):
        return train(index.database, out, name=None, vocabulary_size=3000)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("mine", "file", "link"):
        with pytest.raises(TokenizerError, match=f"{name} exists and is not an empty folder"):
            into(tmp_path / name)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    into(tmp_path / "empty")
    into(tmp_path / "new" / "one")
    for name in ("empty", "new/one"):
        assert (tmp_path / name / "tokenizer.json").is_file()
    with pytest.raises(TokenizerError, match=r"cannot write .*file/tok: File exists"):
        into(tmp_path / "file" / "tok")
