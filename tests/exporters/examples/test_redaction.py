"""No secret and nobody's name leaves the index."""

import dataclasses
import json

import pytest
from planted import PLANTED
from tokenizers import Tokenizer

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.examples.redaction import (
    split_placeholders,
    values_of,
    whole_placeholders,
    without_people,
)
from rsidx.exporters.export import export
from rsidx.exporters.filters.secrets import Secret
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.questions.context import context_at
from rsidx.exporters.questions.prompt import prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.exporters.tokenizer import train
from rsidx.exporters.verify.dataset import verify
from rsidx.exporters.verify.rows import Checked
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.gitview import GitView
from tests.exporters.samples import CODES, example_of

pytestmark = pytest.mark.usefixtures("wordy")

UNFILTERED = ("letters", "encoded", "long_lines", "messages")
KEY = next(planted for planted in PLANTED if planted.name == "github_classic").code
OTHER_KEY = next(planted for planted in PLANTED if planted.name == "npm").code
LONG_KEY = next(planted for planted in PLANTED if planted.name == "key_rsa")
STEP = 12


def documented(text):
    return "".join(f"/// {line}\n" for line in text.split("\n"))


@pytest.fixture(scope="module")
def plant(make_history):
    """Every planted form in code, documentation, a definition that it refers to, and a message."""
    repo, index = make_history()
    mods = "".join(f"mod f{n};\nmod held{n};\n" for n in range(len(PLANTED)))
    files = {"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": f"{mods}pub struct Client;\n"}
    changes = [("begin", files)]
    people = (
        "Mail bob.builder@example.com of it.\n\n"
        "Signed-off-by: Bob Builder <bob.builder@example.com>\n"
        "Co-authored-by: Alice Smith <alice@example.com>"
    )
    for n, planted in enumerate(PLANTED):
        files = {
            f"src/held{n}.rs": f'pub const HELD_{n}: &str = r##"{planted.code}"##;\n',
            f"src/f{n}.rs": calling(n, planted.code, 0),
        }
        changes.append((f"Begin with {planted.code}\n\n{people}", files))
    for few in range(0, len(PLANTED), 40):
        numbered = list(enumerate(PLANTED))[few : few + 40]
        files = {f"src/f{n}.rs": calling(n, planted.code, 1) for n, planted in numbered}
        changes.append((f"Go on\n\n{people}", files))
    repo.commits(changes)
    index.sync()
    return index


def calling(n, code, step):
    return (
        f"use crate::held{n}::HELD_{n};\n\n{documented(code)}pub fn call_{n}() -> Client {{\n"
        f'    let key = r##"{code}"##;\n    Client::new(key, HELD_{n}, {step})\n}}\n'
    )


@pytest.fixture
def fim_like(starcoder_like, tmp_path):
    """The same tokenizer with the tokens for filling in."""
    tokenizer = Tokenizer.from_file(str(starcoder_like))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
    path = tmp_path / "fim.json"
    tokenizer.save(str(path))
    return path


def everything_in(out):
    """Return all that an export shows: its rows as text, and its meta lines."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    texts = []
    for split in ("train", "val", "test"):
        rows = map(json.loads, (out / f"{split}.jsonl").read_text("utf-8").splitlines())
        texts += [tokenizer.decode(row["input_ids"], skip_special_tokens=False) for row in rows]
        metas = map(json.loads, (out / f"{split}.meta.jsonl").read_text("utf-8").splitlines())
        texts += [text for meta in metas for text in meta["text"].values()]
    return "\n".join(texts)


def leaked(text, planted):
    """Return the forms of which a text shows a stretch."""
    return [
        one.name
        for one in planted
        if any(piece[n : n + STEP] in text for piece in one.hidden
               for n in range(0, len(piece) - STEP + 1, STEP))
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"context_tokens": 2048},
        {"earlier": ("commit", "history"), "markers": "native"},
        {"level": "file"},
        {"kind": "fim", "max_chars": 600},
        {"kind": "sequence", "max_chars": 600},
    ],
    ids=["edit", "earlier", "file", "fim", "sequence"],
)
def test_no_planted_secret_is_in_an_export(plant, fim_like, tmp_path, options):
    out = tmp_path / "out"
    given = {"text": True, "keep": UNFILTERED, "max_tokens": 4096, **options}
    manifest = export(plant.database, out, ExportConfig(tokenizer=str(fim_like), **given))
    shown = everything_in(out)
    assert leaked(shown, PLANTED) == []
    for name in ("Bob Builder", "bob.builder", "Alice"):
        assert name not in shown
    for placeholder in ("<KEY>", "<PASSWORD>"):
        assert placeholder in shown
    assert manifest["counts"]["examples"]["train"] > 50
    with blob_reader(plant.repository, max_bytes=1 << 20) as reader:
        checked = Checked()
        view = GitView(plant.repository, reader)
        assert list(verify(out, lambda _: view, checked)) == []
        assert checked.n_redacted > 50


@pytest.mark.slow
def test_a_placeholder_is_the_tokenizers_own_token(plant, starcoder_like, tmp_path):
    export(plant.database, tmp_path / "out", ExportConfig(tokenizer=str(starcoder_like)))
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer" / "tokenizer.json"))
    rows = (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()
    n_keys = sum(json.loads(row)["input_ids"].count(tokenizer.token_to_id("<KEY>")) for row in rows)
    assert n_keys > 50


def long_key(n_lines):
    """Return a private key of so many lines, and its lines; the last one is short."""
    lines = [f"{n:03}{LONG_KEY.hidden[1 + n % 10][3:]}" for n in range(n_lines - 1)]
    lines.append("Kq7xV9==")
    label = "RSA PRIVATE" + " KEY"
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----")), lines


@pytest.mark.parametrize("keep", [(), ("encoded",)])
@pytest.mark.parametrize(
    "options",
    [{}, {"kind": "sequence"}, {"level": "file"}, {"kind": "fim"}],
    ids=["edit", "sequence", "file", "fim"],
)
def test_no_line_of_a_key_that_comes_in_parts_is_shown(
    repo, index, fim_like, tmp_path, keep, options
):
    key, lines = long_key(100)
    changed = key.replace(lines[50], lines[50][::-1])
    for message, text in (("Add a key", key), ("Change a line of the key", changed)):
        code = f'pub const KEY: &str = r#"{text}"#;\n\npub fn f() {{\n    sign(KEY)\n}}\n'
        repo.commit(message, {"src/lib.rs": code})
    index.sync()
    out = tmp_path / "out"
    config = ExportConfig(
        tokenizer=str(fim_like),
        split="1,0,0",
        text=True,
        keep=keep,
        max_chars=2000,
        **options,
    )
    export(index.database, out, config)
    shown = everything_in(out)
    assert [line for line in [*lines, lines[50][::-1]] if line[:20] in shown] == []
    assert index.problems(out) == []


def test_verify_reports_a_key_that_was_exported_in_pieces(repo, index, starcoder_like, tmp_path):
    key, _ = long_key(100)
    repo.commit("Add a key", {"src/lib.rs": f'pub const KEY: &str = r#"{key}"#;\n'})
    index.sync()
    out = tmp_path / "out"
    kept = ("secrets", "encoded")
    config = ExportConfig(str(starcoder_like), kind="sequence", split="1,0,0", keep=kept)
    export(index.database, out, config)
    assert index.problems(out) == []
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["counts"]["examples"]["train"] > 1
    manifest["config"]["keep"] = ["encoded"]
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert sum("it shows a secret" in problem for problem in index.problems(out)) >= 99


def test_verify_reports_a_secret_in_a_message(repo, index, starcoder_like, tmp_path):
    repo.commit(f"Use the key {KEY}", {"src/lib.rs": "pub fn f() {}\n"})
    index.sync()
    out = tmp_path / "out"
    export(index.database, out, ExportConfig(tokenizer=str(starcoder_like), keep=("secrets",)))
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    manifest["config"]["keep"] = []
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert any("it shows a secret: 'ghp_'" in problem for problem in index.problems(out))


def test_a_value_is_replaced_wherever_the_example_shows_it(repo, index, starcoder_like, tmp_path):
    """What makes it a secret stands in another file than the edited code, and beyond its chunk."""
    word = "Zq7vLm2Xw9"
    held = f'pub const ADDRESS: &str = "https://robot:{word}@git.corp.net/x";\n'
    files = {"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": "mod held;\nmod user;\n"}
    user = "use crate::held::ADDRESS;\n\npub fn f() {\n    go(ADDRESS, 9)\n}\n"
    repo.commit("Hold it", {**files, "src/held.rs": held, "src/user.rs": user})
    for n in range(2):
        user = (
            "use crate::held::ADDRESS;\n\n"
            f"pub fn f() {{\n    // Was {word} before; {word}s is another.\n"
            f"    go(ADDRESS, {n})\n}}\n"
        )
        repo.commit(f"Say {word} {n}", {"src/user.rs": user})
    index.sync()
    out = tmp_path / "out"
    export(
        index.database, out, ExportConfig(tokenizer=str(starcoder_like), split="1,0,0", text=True)
    )
    shown = everything_in(out)
    assert f"{word}s is another" in shown
    assert "Was <PASSWORD> before" in shown
    assert "Say <PASSWORD> 1" in shown
    assert shown.count(word) == shown.count(f"{word}s is another")


def test_the_end_of_a_message_that_is_cut_shows_no_piece_of_a_secret(
    repo, index, starcoder_like, tmp_path
):
    for n in range(5, 60, 6):
        filler = "word " * 200
        message = filler[: 1000 - n] + " " + KEY
        repo.commit(message, {"src/lib.rs": f"pub fn f() {{\n    {n}\n}}\n"})
    index.sync()
    out = tmp_path / "out"
    export(
        index.database, out, ExportConfig(tokenizer=str(starcoder_like), split="1,0,0", text=True)
    )
    shown = everything_in(out)
    assert "ghp_" not in shown
    assert "\\ue0fe" not in "".join(
        text for text, is_token in split_placeholders(shown) if not is_token
    )


def test_both_sides_have_the_same_placeholder_and_an_edit_of_secrets_alone_is_left_out(
    repo, index, starcoder_like, tmp_path
):
    code = 'pub fn f() {{\n    login("{}", {});\n}}\n'
    repo.commit("one", {"src/lib.rs": code.format(KEY, 1)})
    repo.commit("two", {"src/lib.rs": code.format(KEY, 2)})
    repo.commit("rotate", {"src/lib.rs": code.format(OTHER_KEY, 2)})
    index.sync()
    config = ExportConfig(tokenizer=str(starcoder_like), split="1,0,0")
    manifest = export(index.database, tmp_path / "out", config)
    assert manifest["dropped"]["parts_only_secrets"] == 1
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer" / "tokenizer.json"))
    rows = (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()
    text = tokenizer.decode(json.loads(rows[1])["input_ids"], skip_special_tokens=False)
    assert text.count('login("<KEY>", 1)') == text.count('login("<KEY>", 2)') == 1


@pytest.fixture
def with_a_key(repo, index):
    """A function that has a secret and refers to a definition with another."""
    files = {
        "Cargo.toml": '[package]\nname = "x"\n',
        "src/lib.rs": "mod held;\nmod user;\n",
        "src/held.rs": f'pub const HELD: &str = "{OTHER_KEY}";\n',
    }
    for n in range(2):
        files["src/user.rs"] = (
            f'use crate::held::HELD;\n\npub fn f() {{\n    go("{KEY}", HELD, {n})\n}}\n'
        )
        repo.commit(f"Go with {n}", files)
    index.sync()
    return index


@pytest.mark.parametrize("keep", [(), ("secrets",)])
def test_a_prompt_has_the_placeholders_of_the_row(with_a_key, starcoder_like, tmp_path, keep):
    out = tmp_path / "out"
    config = ExportConfig(tokenizer=str(starcoder_like), split="1,0,0", text=True, keep=keep)
    export(with_a_key.database, out, config)
    rows = map(json.loads, (out / "train.jsonl").read_text("utf-8").splitlines())
    metas = map(json.loads, (out / "train.meta.jsonl").read_text("utf-8").splitlines())
    ((row, meta),) = [
        pair for pair in zip(rows, metas, strict=True) if pair[1]["change"] == "modify"
    ]
    target = Target(bytes.fromhex(meta["parent"]), "src/user.rs", "f")
    prompt = prompt_at(with_a_key.database, "repo", target, meta["text"]["message"], config_of(out))
    n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
    assert prompt.input_ids == row["input_ids"][:n_prompt]
    assert meta["is_redacted"] == (not keep)
    for key in (KEY, OTHER_KEY):
        assert (key in prompt.text) == bool(keep)


def test_a_prompts_message_is_redacted(with_a_key, repo, starcoder_like):
    config = ExportConfig(tokenizer=str(starcoder_like))
    target = Target(bytes.fromhex(repo.git("rev-parse", "HEAD")), "src/user.rs", "f")
    message = "Use " + "ghp_" + KEY[4:][::-1] + " instead"
    prompt = prompt_at(with_a_key.database, "repo", target, message, config)
    assert "Use <KEY> instead" in prompt.text


def test_context_shows_no_secret(with_a_key, repo):
    target = Target(bytes.fromhex(repo.git("rev-parse", "HEAD")), "src/user.rs", "f")
    (answer,) = context_at(with_a_key.database, "repo", target)
    shown = "".join(piece.text for piece in answer.context)
    assert "HELD: &str" in shown
    assert OTHER_KEY not in shown


@pytest.mark.slow
def test_secrets_are_kept_if_asked_for(plant, starcoder_like, tmp_path):
    config = ExportConfig(tokenizer=str(starcoder_like), keep=("secrets",), text=True)
    export(plant.database, tmp_path / "out", config)
    shown = everything_in(tmp_path / "out")
    assert KEY in shown
    assert "Signed-off-by" not in shown


def test_no_token_of_a_trained_vocabulary_is_a_piece_of_a_secret(repo, index, tmp_path):
    letters = "".join(character for character in OTHER_KEY[4:] if character.isalpha())
    key = "npm_" + (letters * 3)[:36]
    code = "".join(f'pub fn f{n}() {{\n    log_in("{key}", {n});\n}}\n' for n in range(200))
    repo.commit("one", {"src/lib.rs": code})
    index.sync()
    train(index.database, tmp_path / "vocabulary", name=None, vocabulary_size=3000)
    tokenizer = Tokenizer.from_file(str(tmp_path / "vocabulary" / "tokenizer.json"))
    assert [token for token in tokenizer.get_vocab() if len(token) > 7 and token in key] == []


NAMES = frozenset(
    "repository path old_path module symbol rule form section kind name container change middle"
    " excerpt_paths names secrets note".split()
)
"""The fields of an example that hold text and show no code or message."""


def texts_of(value, field=""):
    """Yield every text in a value, but for names."""
    if isinstance(value, str):
        yield field, value
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            if one.name not in NAMES:
                yield from texts_of(getattr(value, one.name), one.name)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from texts_of(one, field)


def test_the_code_of_every_kind_is_tried():
    assert set(CODES) == set(KINDS), "a new kind: is its code in tests/exporters/samples.py?"


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_no_text_of_an_example_is_forgotten(code):
    example = example_of(code)
    assert len(list(texts_of(example))) >= 5

    def hide(*_):
        return "hidden"

    mapped = dataclasses.replace(example, draft=example.draft.map_texts(hide)).map_code(hide)
    # What follows from the others is empty until it is made again.
    left = {text for _, text in texts_of(mapped) if text}
    assert left == {"hidden"}, list(texts_of(mapped))


def test_trailers_that_name_people_go_and_the_rest_stays():
    message = "Fix it\n\nCloses #1.\nreviewed-by: Some One <a@b.cd>\nRefs: abc\nCc: x@y.zz"
    assert without_people(message) == "Fix it\n\nCloses #1.\nRefs: abc"


def test_text_is_split_around_placeholders():
    text = "a\ue0feKEY\ue0ffb\ue0feEMAIL\ue0ff"
    found = list(split_placeholders(text))
    assert found == [("a", False), ("<KEY>", True), ("b", False), ("<EMAIL>", True)]


def test_a_placeholder_that_a_cut_leaves_open_goes():
    assert whole_placeholders("a\ue0feKEY\ue0ffb\ue0feEM") == "a\ue0feKEY\ue0ffb"
    assert whole_placeholders("a\ue0feKEY\ue0ff") == "a\ue0feKEY\ue0ff"


def test_a_value_of_two_kinds_gets_the_same_one_in_any_order():
    text = b"correct-horse correct-horse"
    found = [Secret(0, 13, "PASSWORD"), Secret(14, 27, "KEY")]
    assert values_of(text, found) == values_of(text, found[::-1]) == {b"correct-horse": "KEY"}
