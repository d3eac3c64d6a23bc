"""A model is asked for each row as the row asks, once, and what goes wrong is said plainly."""

import json

import pytest

import rsidx
from rsidx import EvaluationError, Sampling
from rsidx.__main__ import main
from rsidx.evaluation.asking.prompts import read_prompts
from tests.conftest import read_lines
from tests.evaluation.server import completion, served

FUNCTION = "pub fn scale{n}(x: u32) -> u32 {{\n    let scaled = x * {n};\n    scaled + {n}\n}}\n"


@pytest.fixture
def server():
    with served() as (url, model):
        yield url, model


@pytest.fixture
def rows(tmp_path):
    """A data set of text rows, which is all that a prompt needs."""

    def write(*texts, **more):
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        manifest = {
            "format": "rsidx-dataset", "format_version": 1, "rsidx_version": "0.2.0",
            "config": {"kind": "edit", "format": "jsonl"}, "tokenizer": {"end_token": "<end>"},
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest | more))
        lines = [
            {
                "id": f"row{n}",
                "completion": "",
                **(text if isinstance(text, dict) else {"prompt": text}),
            }
            for n, text in enumerate(texts)
        ]
        metas = [
            {"commit": "", "path": f"{n}.rs", "old": None, "new": None, "part": [1, 1], "roles": []}
            | line.pop("meta", {})
            for n, line in enumerate(lines)
        ]
        for name, written in (("test.text", lines), ("test.meta", metas)):
            text = "".join(json.dumps(line) + "\n" for line in written)
            (folder / f"{name}.jsonl").write_text(text)
        return folder

    return write


@pytest.fixture
def ask(rows, server, tmp_path):
    def ask(*texts, **options):
        url, _ = server
        to = tmp_path / "answers.jsonl"
        counts = rsidx.predict(rows(*texts), url, to, **{"jobs": 1, **options})
        return counts, read_lines(to)

    return ask


def test_each_row_is_asked_as_it_stands_and_its_answer_written(ask, server):
    _, model = server
    model.answer = lambda _path, body: completion(f"answer to {body['prompt']}", "length")
    counts, lines = ask("<a>one", "two")
    assert (counts.model, counts.n_answers, counts.n_before, counts.n_cut_off) == ("small", 2, 0, 2)
    assert lines == [
        {"id": f"row{n}", "sample": 0, "completion": f"answer to {text}", "finish_reason": "length"}
        for n, text in enumerate(("<a>one", "two"))
    ]
    assert model.requests[1] == (
        "/v1/completions",
        {"model": "small", "prompt": "<a>one", "max_tokens": 1024, "temperature": 0.0, "seed": 0,
         "stop": ["<end>"]},
    )  # fmt: skip


def test_an_answer_to_a_hole_also_ends_where_models_end_one(rows, server, tmp_path):
    url, model = server
    folder = rows("one", config={"kind": "fim", "format": "jsonl"})
    rsidx.predict(folder, url, tmp_path / "answers")
    assert model.requests[-1][1]["stop"] == ["<end>", "<file_sep>", "<EOT>"]


def test_several_samples_are_asked_with_seeds_of_their_own(ask, server):
    _, model = server
    sampling = Sampling(max_tokens=7, temperature=0.8, seed=40, n_samples=3)
    _, lines = ask("one", sampling=sampling, model="large", jobs=3)
    assert {line["sample"] for line in lines} == {0, 1, 2}
    assert {body["seed"] for _, body in model.requests} == {40, 41, 42}
    assert {(b["model"], b["max_tokens"], b["temperature"]) for _, b in model.requests} == {
        ("large", 7, 0.8)
    }


def test_messages_are_asked_as_a_chat_without_the_answer(ask, server):
    _, model = server
    message = {"message": {"content": "fn f() {}"}, "finish_reason": None}
    model.answer = lambda _path, _body: {"choices": [message]}
    talk = [{"role": "user", "content": "write f"}, {"role": "assistant", "content": "fn g() {}"}]
    _, lines = ask({"messages": talk})
    assert lines[0]["completion"] == "fn f() {}"
    path, body = model.requests[-1]
    assert (path, body["messages"]) == ("/v1/chat/completions", talk[:1])
    assert "prompt" not in body


def test_what_is_there_is_not_asked_again(ask, server, tmp_path):
    _, model = server
    ask("one", "two")
    file = tmp_path / "answers.jsonl"
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:10])
    model.requests.clear()
    counts, lines = ask("one", "two", "three")
    assert (counts.n_before, counts.n_answers) == (1, 2)
    assert [line["id"] for line in lines] == ["row0", "row1", "row2"]
    assert [body["prompt"] for _, body in model.requests if body] == ["two", "three"]


def test_a_prompt_that_is_too_long_is_counted_and_the_others_are_asked(ask, server):
    _, model = server
    refusal = {"error": {"message": "This model's maximum context length is 8 tokens"}}
    model.answer = lambda _path, body: (
        (400, refusal) if body["prompt"] == "long" else completion("x")
    )
    counts, lines = ask("long", "short")
    assert (counts.n_too_long, counts.n_answers) == (1, 1)
    assert "maximum context length" in counts.refusal
    assert [line["id"] for line in lines] == ["row1"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"detail": "Not Found"}), "has no completions; name the address"),
        ((404, {"error": "The model `small` does not exist"}), "has no model small: .*not exist"),
        ((500, "broken"), "refused with status 500: broken"),
        ((400, "bad temperature"), "refused with status 400: bad temperature"),
        ("<html>", "gave no JSON"),
        ({"choices": []}, "gave an answer without a completion"),
        ([], "gave an answer without a completion"),
    ],
)
def test_a_refusal_ends_the_run_with_what_was_answered(ask, server, tmp_path, answer, says):
    _, model = server
    model.answer = lambda _path, body: completion("x") if body["prompt"] == "one" else answer
    with pytest.raises(EvaluationError, match=says):
        ask("one", "two", "three")
    assert [line["id"] for line in read_lines(tmp_path / "answers.jsonl")] == ["row0"]


def test_a_server_that_is_not_there_is_named(rows, tmp_path):
    with served() as (url, _):
        pass
    with pytest.raises(EvaluationError, match=r"127\.0\.0\.1:\d+/v1 cannot be asked: .*refused"):
        rsidx.predict(rows("one"), url, tmp_path / "answers")
    for wrong in ("localhost:8000", "file:///etc/passwd", "http://"):
        with pytest.raises(EvaluationError, match="is no address, such as"):
            rsidx.predict(rows("one"), wrong, tmp_path / "answers")


def test_an_address_may_name_the_version(rows, server, tmp_path):
    url, model = server
    rsidx.predict(rows("one"), f"{url}/v1/", tmp_path / "answers")
    assert [path for path, _ in model.requests] == ["/v1/models", "/v1/completions"]


def test_a_key_goes_to_the_server(ask, server, monkeypatch):
    _, model = server
    ask("one")
    assert all("Authorization" not in headers for headers in model.headers)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    ask("one", "two")
    assert model.headers[-1]["Authorization"] == "Bearer a-key"


def test_rows_without_a_prompt_are_refused(rows, tmp_path):
    folder = rows("one", config={"kind": "sequence", "format": "jsonl"})
    with pytest.raises(EvaluationError, match="rows of kind sequence, which have no prompt"):
        rsidx.predict(folder, "http://127.0.0.1:1", tmp_path / "answers")


PARTS = ("fn f() {\n    a();\n", "    b();\n    c();\n", "    d();\n}\n")


@pytest.fixture
def parts():
    """Rows of an edit in three parts: the commit's own code leads up to the second and third."""
    leads = "", "    a();\n", "    b();\n    c();\n"
    return [
        {
            "prompt": f"ask {n}\n{lead}",
            "completion": text,
            "meta": {"path": "x.rs", "part": [n + 1, 3], "roles": [["lead", 1]] if lead else []},
        }
        for n, (lead, text) in enumerate(zip(leads, PARTS, strict=True))
    ]


def test_a_part_is_led_up_to_by_the_model_s_own_code(ask, server, parts):
    _, model = server
    own = iter(
        ("```\nfn g() {\n    x();\n    y()\n```<end>", "    long_name_of_a_function();\n", "}")
    )
    model.answer = lambda _path, _body: completion(next(own))
    counts, _ = ask(*parts)
    asked = [body["prompt"] for _, body in model.requests if body]
    assert asked == ["ask 0\n", "ask 1\n    y()\n", "ask 2\n"]
    assert counts.n_answers == 3


def test_parts_are_asked_in_their_order_wherever_they_stand(ask, server, parts):
    _, model = server
    model.answer = lambda _path, body: completion(body["prompt"][4] + ";\n")
    counts, _ = ask(*reversed(parts))
    asked = [body["prompt"] for _, body in model.requests if body]
    assert asked == ["ask 0\n", "ask 1\n0;\n", "ask 2\n0;\n1;\n"]
    assert counts.n_answers == 3


def test_an_edit_that_lacks_a_part_is_not_asked(ask, parts):
    counts, lines = ask(parts[0], parts[2], "another")
    assert (counts.n_left_out, counts.n_answers, len(lines)) == (2, 1, 1)
    parts[1]["completion"] = "    other();\n"
    with pytest.raises(EvaluationError, match="row2 does not show the end of the part before"):
        ask(*parts[:3])


def test_parts_are_gone_on_with_where_they_were_left(ask, server, parts, tmp_path):
    _, model = server
    model.answer = lambda _path, body: completion(body["prompt"][4] + ";\n")
    ask(*parts, sampling=Sampling(n_samples=2), jobs=2)
    file = tmp_path / "answers.jsonl"
    kept = [line for line in file.read_text().splitlines(keepends=True) if '"row1"' not in line]
    file.write_text("".join(kept))
    model.requests.clear()
    counts, lines = ask(*parts, sampling=Sampling(n_samples=2))
    assert [body["prompt"] for _, body in model.requests if body] == ["ask 1\n0;\n"] * 2
    assert (counts.n_before, counts.n_answers, len(lines)) == (4, 2, 6)


def test_what_is_behind_a_part_that_is_too_long_is_not_asked(ask, server, parts):
    _, model = server
    refusal = {"error": {"message": "This model's maximum context length is 8 tokens"}}
    model.answer = lambda _path, body: (
        (400, refusal) if body["prompt"].startswith("ask 1") else completion("x")
    )
    counts, lines = ask(*parts, "another")
    assert {line["id"] for line in lines} == {"row0", "row3"}
    assert (counts.n_answers, counts.n_too_long) == (2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["ids", "both", "text"])
def test_the_prompts_of_an_export_are_those_of_its_rows(
    repo, tmp_path, tokenizer_file, server, columns, capfd
):
    for number in range(6):
        files = {"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": FUNCTION.format(n=number)}
        repo.commit(f"Scale everything by {number}", files)
    with rsidx.open(repo.path) as index:
        index.backfill(jobs=1)
        config = rsidx.ExportConfig(
            str(tokenizer_file), columns=columns, split="0.5,0,0.5", embargo="0",
            keep=("duplicates", "near_duplicates", "related"),
        )  # fmt: skip
        out = tmp_path / "out"
        index.export(out, config)
        examples = {one.id: one.prompt for one in index.examples("HEAD", config)}
    found = read_prompts(out, "test")
    assert found.n_prompts > 1
    prompts = {one.id: one.text for edit in found.edits for one in edit}
    assert prompts.items() <= examples.items()
    url, model = server
    to = tmp_path / "answers.jsonl"
    assert main(["eval", "predict", str(out), "--url", url, "--to", str(to), "--samples", "2"]) == 0
    out_text = capfd.readouterr().out
    assert f"{2 * found.n_prompts} answers of small, 0 answers there before" in out_text
    assert model.requests[-1][1]["temperature"] == 0.8


@pytest.mark.parametrize("options", [{}, {"pad": True}, {"columns": "text"}, {"order": "random"}])
def test_a_later_part_of_an_export_knows_what_leads_up_to_it(
    repo, tmp_path, tokenizer_file, options
):
    steps = "".join(f"    let step{n} = x + {n};\n    use_it(step{n});\n" for n in range(40))
    files = {"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": "fn use_it(_: u32) {}\n"}
    repo.commit("Begin with something that is used", files)
    long = f"{files['src/lib.rs']}\nfn long(x: u32) {{\n{steps}}}\n"
    repo.commit("Use the numbers behind the first", {"src/lib.rs": long})
    with rsidx.open(repo.path) as index:
        index.backfill(jobs=1)
        out = tmp_path / "out"
        config = rsidx.ExportConfig(
            str(tokenizer_file), split="1,0,0", max_chars=400, max_tokens=2048, **options
        )
        index.export(out, config)
    [parts] = [edit for edit in read_prompts(out, "train").edits if len(edit) > 1]
    assert len(parts) > 3
    assert [bool(part.lead) for part in parts] == [False] + [True] * (len(parts) - 1)
    for part in parts[1:]:
        shown = part.led_up_by("    own();\n").text
        assert shown.endswith("    own();\n")
        assert part.lead not in shown
