"""No secret and nobody's name leaves the index."""

import json
import random
import string

import pytest
from tokenizers import Tokenizer

from rsidx.exporters.config import Config
from rsidx.exporters.export import export
from rsidx.exporters.redact import secrets_in, split_placeholders, without_people
from rsidx.exporters.verify import verify
from rsidx.exporters.verify_rows import Checked
from rsidx.indexer.gitview import GitView
from rsidx.indexer.objects import blob_reader

pytestmark = pytest.mark.usefixtures("wordy")

LETTERS, HEX = string.ascii_letters + string.digits, "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
KINDS = {
    "aws": lambda pick: "AKIA" + pick(UPPER, 16),
    "github": lambda pick: "ghp_" + pick(LETTERS, 36),
    "gitlab": lambda pick: "glpat-" + pick(LETTERS, 20),
    "slack": lambda pick: f"xoxb-{pick('123456789', 12)}-{pick(LETTERS.lower(), 24)}",
    "stripe": lambda pick: "sk_live_" + pick(LETTERS, 24),
    "twilio": lambda pick: "SK" + pick(HEX, 32),
    "sendgrid": lambda pick: f"SG.{pick(LETTERS, 22)}.{pick(LETTERS, 43)}",
    "jwt": lambda pick: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + pick(LETTERS, 43),
    "telegram": lambda pick: f"1{pick('0123456789', 9)}:{pick(LETTERS, 35)}",
    "pypi": lambda pick: "pypi-AgEIcHlwaS5vcmc" + pick(LETTERS, 80),
    "azure": lambda pick: "AccountKey=" + pick(LETTERS, 86) + "==",
    "basic": lambda pick: "https://user:" + pick(LETTERS, 18) + "@example.org/x",
    "pem": lambda pick: "-----BEGIN {0}-----\\n{1}\\n-----END {0}-----".format(
        "PRIVATE KEY", pick(LETTERS, 64)
    ),
}  # fmt: skip


def planted(seed):
    """Return a secret of some kind, and a part of it that nobody may see."""
    rng = random.Random(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    secret = KINDS[kind](lambda alphabet, n: "".join(rng.choices(alphabet, k=n)))
    hidden = {"basic": secret[13:31], "pem": secret[-80:-40], "azure": secret[-20:-2]}
    return secret, hidden.get(kind, secret[-12:])


@pytest.fixture
def plant(repo, index):
    """A hundred secrets: in code that is edited, in code that it refers to, and in messages."""
    hidden = []
    for n in range(34):
        secrets = [planted(3 * n + k) for k in range(3)]
        hidden += [part for _, part in secrets]
        held = f'pub const HELD_{n}: &str = "{secrets[1][0]}";\n'
        for step in range(3):
            code = (
                f"use crate::held::HELD_{n};\n\npub fn call_{n}() -> Client {{\n"
                f'    let key = "{secrets[0][0]}";\n    Client::new(key, HELD_{n}, {step})\n}}\n'
            )
            files = {f"src/f{n}.rs": code, "src/held.rs": held}
            mods = "".join(f"mod f{k};\n" for k in range(n + 1))
            files["src/lib.rs"] = f"mod held;\n{mods}pub struct Client;\n"
            files["Cargo.toml"] = '[package]\nname = "x"\n'
            repo.commit(
                f"step {step} with {secrets[2][0]}\n\nMail bob.builder@example.com of it.\n\n"
                "Signed-off-by: Bob Builder <bob.builder@example.com>\n"
                "Co-authored-by: Alice Smith <alice@example.com>",
                files,
            )
    index.sync()
    return index, hidden[:100]


@pytest.mark.parametrize("markers", ["extended", "native"])
def test_no_planted_secret_is_in_the_output(plant, starcoder_like, tmp_path, markers):
    index, hidden = plant
    config = Config(tokenizer=str(starcoder_like), markers=markers, text=True, context_tokens=2048)
    manifest = export(index.database, tmp_path / "out", config)
    assert len({n % len(KINDS) for n in range(len(hidden))}) >= 10
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer" / "tokenizer.json"))
    shown, n_redacted = [], 0
    for split in ("train", "val", "test"):
        for line in (tmp_path / "out" / f"{split}.jsonl").read_text("utf-8").splitlines():
            ids = json.loads(line)["input_ids"]
            shown.append(tokenizer.decode(ids, skip_special_tokens=False))
        metas = (tmp_path / "out" / f"{split}.meta.jsonl").read_text("utf-8")
        shown.append(metas)
        n_redacted += sum(json.loads(line)["is_redacted"] for line in metas.splitlines())
    every = "\n".join(shown)
    assert [secret for secret in hidden if secret in every] == []
    assert n_redacted > 60
    for name in ("Bob Builder", "bob.builder", "Alice"):
        assert name not in every
    assert tokenizer.token_to_id("<KEY>") is not None
    assert "<KEY>" in every
    assert "<PASSWORD>" in every
    assert "<EMAIL>" in every
    assert manifest["counts"]["examples"]["train"] > 50
    with blob_reader(index.repository, max_bytes=1 << 20) as reader:
        checked = Checked()
        assert list(verify(tmp_path / "out", GitView(index.repository, reader), checked)) == []
        assert checked.n_redacted == n_redacted


def test_a_placeholder_is_the_tokenizers_own_token(plant, starcoder_like, tmp_path):
    index, _ = plant
    export(index.database, tmp_path / "out", Config(tokenizer=str(starcoder_like)))
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer" / "tokenizer.json"))
    rows = (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()
    n_keys = sum(json.loads(row)["input_ids"].count(tokenizer.token_to_id("<KEY>")) for row in rows)
    assert n_keys > 50


def test_both_sides_have_the_same_placeholder_and_an_edit_of_secrets_alone_is_left_out(
    repo, index, starcoder_like, tmp_path
):
    one, other = planted(0)[0], planted(13)[0]
    code = 'pub fn f() {{\n    login("{}", {});\n}}\n'
    repo.commit("one", {"src/lib.rs": code.format(one, 1)})
    repo.commit("two", {"src/lib.rs": code.format(one, 2)})
    repo.commit("rotate", {"src/lib.rs": code.format(other, 2)})
    index.sync()
    config = Config(tokenizer=str(starcoder_like), split="1,0,0")
    manifest = export(index.database, tmp_path / "out", config)
    assert manifest["dropped"]["parts_only_secrets"] == 1
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer" / "tokenizer.json"))
    rows = (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()
    text = tokenizer.decode(json.loads(rows[1])["input_ids"], skip_special_tokens=False)
    assert text.count('login("<KEY>", 1)') == text.count('login("<KEY>", 2)') == 1


def test_secrets_are_kept_if_asked_for(plant, starcoder_like, tmp_path):
    index, hidden = plant
    config = Config(tokenizer=str(starcoder_like), keep=("secrets",), text=True)
    export(index.database, tmp_path / "out", config)
    metas = (tmp_path / "out" / "train.meta.jsonl").read_text("utf-8")
    assert hidden[0] in metas
    assert "Signed-off-by" not in metas


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found(kind):
    secret, hidden = planted(list(KINDS).index(kind))
    assert any(hidden in value for value, _ in secrets_in(f'let x = "{secret}";\n'))


@pytest.mark.parametrize(
    "code",
    ["let skip = ask_live_key();", 'assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb924");',
     'let url = "https://example.org:8080/a";', "pub const AKIA: usize = 16;"],
)  # fmt: skip
def test_ordinary_code_has_none(code):
    assert secrets_in(code) == ()


def test_trailers_that_name_people_go_and_the_rest_stays():
    message = "Fix it\n\nCloses #1.\nreviewed-by: Some One <a@b.cd>\nRefs: abc\nCc: x@y.zz"
    assert without_people(message) == "Fix it\n\nCloses #1.\nRefs: abc"


def test_text_is_split_around_placeholders():
    text = "a\ue0feKEY\ue0ffb\ue0feEMAIL\ue0ff"
    found = list(split_placeholders(text))
    assert found == [("a", False), ("<KEY>", True), ("b", False), ("<EMAIL>", True)]
