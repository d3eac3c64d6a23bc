"""What a repository's own file may set."""

import json
import os

import pytest

from rsidx.option import Option, settable
from tests.rsidx.config.options import COMMANDS, OPTIONS, expected, settings, toml, value_of

HARMLESS = {
    (
        "export",
        "tokenizer",
    ): ("to a path inside the repository, or a name that is in the local cache"),
    ("export", "kind"): "",
    ("export", "level"): "",
    ("export", "fim-middle"): "",
    ("export", "fim-spm"): "",
    ("export", "given"): "",
    ("export", "seed"): "",
    ("export", "markers"): "",
    ("export", "dialect"): "",
    ("export", "split"): "",
    ("export", "embargo"): "",
    ("export", "new-commits"): "",
    ("export", "keep"): "without `secrets`",
    ("export", "max-chars"): "up to 4000",
    ("export", "max-tokens"): "up to 4096",
    ("export", "context-tokens"): "up to 2048",
    ("export", "max-files"): "up to 50",
    ("export", "max-edits-per-commit"): "",
    ("export", "min-message"): "up to 10",
    ("export", "message-numbers"): "",
    ("export", "line-ends"): "",
    ("export", "leave-out"): "",
    ("export", "since"): "",
    ("export", "target"): "",
    ("export", "labels"): "",
    ("export", "order"): "",
    ("tokenizer", "train", "size"): "up to 16384",
}
"""What a stranger's file may set: think of what it could do with an option before adding it."""

HOOKS = {("hooks", "run"), ("hooks", "wake")}


def test_the_options_that_a_repository_may_set_are_these_alone():
    declared = {
        (*command, key): option.harmless_if
        for command, leaf in COMMANDS.items()
        for key, option in settable(leaf).items()
        if isinstance(option, Option) and option.harmless is not False
    }
    assert declared == HARMLESS


@pytest.mark.parametrize(("command", "key"), OPTIONS)
def test_an_option_in_the_repository_s_file_is_harmless_or_refused(repo, cli, command, key):
    option = settable(COMMANDS[command])[key]
    line = toml(key, value_of(option))
    for text, dotted in (
        (f"[{'.'.join(command)}]\n{line}", ".".join((*command, key))),
        (line, key),
    ):
        (repo.path / "rsidx.toml").write_text(text)
        found = settings(command, own=repo.path)
        if (*command, key) in HARMLESS and key != "tokenizer":
            assert (found.defaults, found.faults) == (expected(option, value_of(option)), [])
            continue
        assert found.defaults == {}
        # A hook only logs it.
        err = cli(*(("status",) if command in HOOKS else command), status=1).err
        assert err.count("\n") == 1
        assert command in HOOKS or err == f"rsidx: {found.faults[0]}\n"
        assert f"rsidx.toml: {dotted}: a repository's own file may" in err
        assert f"set it in {os.environ['XDG_CONFIG_HOME']}/rsidx/config.toml" in err


def test_a_repository_s_tokenizer_is_its_own_or_one_that_is_here_already(
    repo, tmp_path, tokenizer_file, monkeypatch
):
    file = repo.path / "rsidx.toml"
    inside = repo.path / "tools/tok"
    inside.mkdir(parents=True)
    outside = tmp_path / "outside.json"
    outside.write_bytes(tokenizer_file.read_bytes())
    (inside / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    (repo.path / "tools/link").symlink_to(tmp_path)
    (repo.path / "tools/linked").mkdir()
    (repo.path / "tools/linked/tokenizer.json").symlink_to(outside)
    for name in ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        folder = repo.path / "tools/with" / name
        folder.mkdir(parents=True)
        (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
        (folder / name).symlink_to(outside)
    monkeypatch.setattr("rsidx.exporters.config.cached_file",
                        lambda name: outside if name == "own/cached" else None)  # fmt: skip

    def of(source):
        file.write_text(f"[export]\ntokenizer = {json.dumps(str(source))}\n")
        found = settings(("export",), own=repo.path)
        assert len(found.faults) == (0 if found.defaults else 1)
        return found.defaults.get("tokenizer")

    assert of("tools/tok") == str(inside)
    assert of(inside / "tokenizer.json") == str(inside / "tokenizer.json")
    assert of("own/cached") == "own/cached"
    for source in ("own/elsewhere", outside, "../outside.json", "tools/link/outside.json",
                   "tools/linked", "tools/nothing", "~/tok", "nothing", "", ".", "x" * 5000,
                   "a\x00b", "own/name/x",
                   *(repo.path / "tools/with").iterdir()):  # fmt: skip
        assert of(source) is None, source


def test_sizes_and_kept_rows_end_where_a_repository_s_file_may_go(repo):
    for text, is_set in (
        ("max-tokens = 4096", True), ("max-tokens = 4097", False),
        ("keep = ['bulk', 'bots']", True), ("keep = ['bulk', 'secrets']", False),
        ("keep = 'secrets'", False),
    ):  # fmt: skip
        (repo.path / "rsidx.toml").write_text(f"[export]\n{text}\n")
        found = settings(("export",), own=repo.path)
        assert (bool(found.defaults), bool(found.faults)) == (is_set, not is_set), text
