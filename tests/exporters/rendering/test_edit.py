"""What the dialects say of an edit besides its code."""

import pytest
from tokenizers import Tokenizer

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

FIRST = "pub fn first(a: u32) -> u32 {\n    let b = a + 1;\n    helper(b)\n}\n"
SECOND = "\npub fn second(a: u32) -> u32 {\n    let c = a * 3;\n    helper(c) + 4\n}\n"
REST = "\n".join(f"pub fn rest_{n}() {{\n    work({n});\n}}\n" for n in range(6))
EXTENDED = ("tokenizer_file", "extended")
NATIVE = [
    ("tokenizer_file", "native"),
    ("qwen_file", "native"),
    ("starcoder_file", "native"),
    ("plain_file", "native"),
]


@pytest.fixture
def prompts(request, repo, index, tmp_path, read_jsonl):
    """Return a function: the texts of the last commit's rows in front of their new code."""

    def do(tokenizer, markers, **options):
        index.sync()
        file, out = request.getfixturevalue(tokenizer), tmp_path / "out"
        config = ExportConfig(
            str(file), markers=markers, split="1,0,0", embargo="0", max_tokens=4096, **options
        )
        export(index.database, out, config)
        assert index.problems(out) == []
        decoder = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
        rows, metas = (read_jsonl(out / name) for name in ("train.jsonl", "train.meta.jsonl"))
        return [
            decoder.decode(
                row["input_ids"][: meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1],
                skip_special_tokens=False,
            )
            for row, meta in zip(rows, metas, strict=True)
            if meta["commit"] == repo.head()
        ]

    return do


@pytest.fixture
def a_move(repo):
    """A function leaves a file, which stays, for another one, and changes."""
    repo.commit(
        "Begin with functions",
        {"a.rs": FIRST + SECOND + REST, "b.rs": "pub fn helper(a: u32) {}\n"},
    )
    changed = SECOND.replace("+ 4", "+ 5")
    repo.commit(
        "Move a function", {"a.rs": FIRST + REST, "b.rs": "pub fn helper(a: u32) {}\n" + changed}
    )


@pytest.fixture
def a_rename(repo):
    """A file gets a new name, and a function in it changes."""
    repo.commit("Begin with functions", {"a.rs": FIRST + SECOND + REST})
    changed = SECOND.replace("+ 4", "+ 5")
    repo.commit("Rename the file", {"a.rs": None, "b.rs": FIRST + changed + REST})


@pytest.mark.usefixtures("a_move")
def test_code_from_a_file_that_stays_has_the_marker_of_its_origin_and_no_rename(prompts):
    [prompt] = prompts(*EXTENDED)
    assert "b.rs<|origin|>a.rs<|move|>" in prompt
    assert "<|rename|>" not in prompt


@pytest.mark.usefixtures("a_rename")
def test_code_of_a_file_with_a_new_name_has_the_marker_of_a_rename(prompts):
    [prompt] = prompts(*EXTENDED)
    assert "b.rs<|rename|>a.rs<|move|>" in prompt
    assert "<|origin|>" not in prompt


def test_a_file_whose_old_name_another_file_took_is_no_rename(repo, prompts):
    other = REST.replace("rest", "other").replace("work", "labour")
    repo.commit("Begin with functions", {"a.rs": FIRST + SECOND + REST, "c.rs": FIRST + other})
    changed = SECOND.replace("+ 4", "+ 5")
    repo.commit(
        "Swap the files", {"a.rs": FIRST + other, "c.rs": None, "b.rs": FIRST + changed + REST}
    )
    [prompt] = prompts(*EXTENDED)
    assert "b.rs<|origin|>a.rs<|move|>" in prompt


@pytest.mark.parametrize(("tokenizer", "markers"), NATIVE)
@pytest.mark.usefixtures("a_move")
def test_without_markers_a_comment_in_front_of_the_old_code_names_the_origin(
    prompts, tokenizer, markers
):
    [prompt] = prompts(tokenizer, markers)
    assert "// From another file: a.rs\n\npub fn second(a: u32)" in prompt


@pytest.mark.parametrize(("tokenizer", "markers"), NATIVE)
@pytest.mark.usefixtures("a_rename")
def test_without_markers_no_comment_says_that_of_a_rename(prompts, tokenizer, markers):
    [prompt] = prompts(tokenizer, markers)
    assert "From another file" not in prompt
