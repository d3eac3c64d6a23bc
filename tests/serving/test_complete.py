"""A model is asked as it was trained, told what was wrong, and given up on with nothing written."""

import json

import pytest

import rsidx
from rsidx import EditRequest, EvaluationError, PlacementError, RsidxError, Server
from rsidx.__main__ import main
from tests.evaluation.conftest import any_sandbox, toolchain  # noqa: F401
from tests.evaluation.server import completion, served
from tests.serving.conftest import BAD, INNER, LIB, MORE

MESSAGE = "Double by multiplication"


@pytest.fixture
def ask(crate, edits, server):
    """Ask for an edit; return what came of it."""

    def ask(path="src/lib.rs", symbol="twice", *, message=MESSAGE, like=edits, **options):
        given = {name: options.pop(name) for name in list(options) if name in REQUEST}
        with rsidx.open(crate.path) as index:
            request = EditRequest(path, symbol, message, **given)
            return rsidx.complete(index, request, Server(server.url), like=like, **options)

    return ask


REQUEST = {"line", "column", "after", "in_", "named", "signature", "suffix_first"}


def prompts(server):
    return [body["prompt"] for path, body in server.requests if path == "/v1/completions"]


def test_the_prompt_is_that_of_rsidx_prompt_and_the_answer_goes_in_its_place(
    ask, crate, edits, server
):
    server.says(MORE + "<|endoftext|>")
    found = ask()
    assert (found.outcome, found.model, len(found.attempts)) == ("applies", "small", 1)
    assert "+    2 * x" in found.applied.diff
    with rsidx.open(crate.path) as index:
        wanted = index.at().prompt("src/lib.rs", "twice", MESSAGE, like=edits)
    assert prompts(server) == [wanted.text]
    assert wanted.text.endswith("<|new_code|>")
    [_, (_, body)] = server.requests
    assert (body["stop"], body["temperature"], body["stream"]) == (["<|endoftext|>"], 0.0, True)
    assert (crate.path / "src/lib.rs").read_text() == LIB


def test_an_instruct_model_is_asked_in_messages_and_answers_in_a_fence(ask, crate, chat, server):
    server.says(f"```rust\n{MORE}```")
    found = ask(like=chat, write=True)
    assert (found.outcome, found.attempts[0].left_out) == ("applies", ("the lines of ```",))
    assert MORE in (crate.path / "src/lib.rs").read_text()
    [_, (path, body)] = server.requests
    assert (path, body["stop"], "prompt" in body) == ("/v1/chat/completions", ["<|im_end|>"], False)
    [message] = body["messages"]
    assert message["role"] == "user"
    assert message["content"].startswith("Change `src/lib.rs` of repo")
    assert MESSAGE in message["content"]


def test_an_answer_that_passes_is_written_if_it_is_to_be(ask, crate, server):
    server.says(MORE)
    found = ask(write=True)
    assert found.applied.is_written
    assert MORE in (crate.path / "src/lib.rs").read_text()
    with rsidx.open(crate.path) as index:
        index.undo("src/lib.rs", write=True)
    assert (crate.path / "src/lib.rs").read_text() == LIB


def test_what_is_wrong_is_said_in_the_next_prompt_and_what_was_wrong_before_is_not(ask, server):
    server.says("fn twice( {", "fn other() {}\n", MORE)
    found = ask()
    assert [one.outcome for one in found.attempts] == ["syntax", "not_the_symbol", "applies"]
    first, second, third = prompts(server)
    wanted = f"<|message|>{MESSAGE}\n\n{found.attempts[0].errors}<|/message|>"
    assert wanted not in first
    assert wanted in second
    assert f"<|message|>{MESSAGE}\n\n{found.attempts[1].errors}<|/message|>" in third
    assert found.attempts[0].errors not in third
    assert "syntax error in line 1: fn twice( {" in found.attempts[0].errors
    assert found.attempts[1].errors == "the new code does not define twice"
    drawn = [(body["temperature"], body["seed"]) for _, body in server.requests if body]
    assert drawn == [(0.0, 0), (0.8, 1), (0.8, 2)]


def test_after_so_many_answers_it_is_given_up_and_nothing_is_written(ask, crate, server):
    server.says("")
    found = ask(tries=2, write=True)
    assert (found.outcome, found.is_done, found.applied) == ("no_answer", False, None)
    assert len(prompts(server)) == 2
    assert (crate.path / "src/lib.rs").read_text() == LIB


def test_an_answer_that_is_cut_off_does_not_pass(ask, server):
    server.says(completion(MORE, "length"), MORE)
    found = ask()
    assert [one.outcome for one in found.attempts] == ["cut_off", "applies"]
    assert prompts(server)[0] == prompts(server)[1]


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "any_sandbox")
def test_with_a_check_an_answer_must_compile(ask, crate, server, tmp_path):
    server.says(BAD, MORE)
    check = rsidx.Check(rsidx.CheckSettings(), tmp_path / "scratch")
    found = ask(check=check, write=True)
    assert [one.outcome for one in found.attempts] == ["error", "compiles"]
    assert found.attempts[0].errors.startswith("error[E0425]: cannot find function `nowhere`")
    assert found.attempts[0].errors in prompts(server)[1]
    assert MORE in (crate.path / "src/lib.rs").read_text()
    assert found.attempts[1].check_s > 0
    server.says(BAD)
    crate.write({"src/inner.rs": INNER + "fn more() -> u32 {\n    absent()\n}\n"})
    found = ask(check=check, write=True)
    assert [one.outcome for one in found.attempts] == ["broken_before"]


def test_what_differs_on_disk_is_shown_as_edits_that_are_made(ask, crate, edits, server):
    crate.write({"src/inner.rs": "pub fn same(x: u32) -> u32 {\n    x | x\n}\n"})
    server.says(MORE)
    ask()
    with rsidx.open(crate.path) as index:
        asked = index.at().prompt(
            "src/lib.rs", "twice", MESSAGE, like=edits, after_edits="worktree"
        )
    assert prompts(server) == [asked.text]
    assert "x | x" in asked.text


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        ({"symbol": "", "line": 4}, MORE),
        ({"symbol": "", "after": "twice"}, "fn more() {}\n"),
        ({"path": "src/new.rs", "symbol": ""}, "fn more() {}\n"),
    ],
)
def test_all_addresses_of_a_prompt_can_be_asked_for(ask, crate, server, place, answer):
    server.says(answer)
    found = ask(write=True, **place)
    assert found.outcome == "applies"
    assert answer in (crate.path / place.get("path", "src/lib.rs")).read_text()


def test_of_an_item_that_is_too_long_the_part_alone_is_replaced(
    ask, crate, tmp_path, server, tokenizer_file
):
    lines = "".join(f"    let value_{n} = compute(value, {n});\n" for n in range(60))
    crate.commit("Compute more values", {"src/long.rs": f"pub fn long(value: u32) {{\n{lines}}}\n"})
    with rsidx.open(crate.path) as index:
        index.update()
        config = rsidx.ExportConfig(str(tokenizer_file), split="1,0,0", max_chars=600)
        index.export(tmp_path / "short", config)
        prompt = index.at().prompt("src/long.rs", "", MESSAGE, like=tmp_path / "short", line=30)
    start, end = prompt.part
    before = (crate.path / "src/long.rs").read_text()
    assert "let value_28 = compute(value, 28);\n" in before[start:end]
    server.says("    let value_28 = 28;\n")
    found = ask("src/long.rs", "", line=30, like=tmp_path / "short", write=True)
    assert found.outcome == "applies"
    after = (crate.path / "src/long.rs").read_text()
    assert after == f"{before[:start]}    let value_28 = 28;\n{before[end:]}"


def test_a_hole_is_filled_byte_for_byte_and_asked_again_without_errors(ask, crate, holes, server):
    crate.write({"src/lib.rs": LIB.replace("inner::same(x) + x", "inner::same() + x")})
    server.says(") {", "x<file_sep>")
    found = ask(symbol="", message="", line=5, column=17, like=holes, write=True)
    assert [one.outcome for one in found.attempts] == ["syntax", "applies"]
    assert (crate.path / "src/lib.rs").read_text() == LIB
    first, second = prompts(server)
    assert first == second
    assert first.endswith("<fim_middle>")


def test_a_file_that_is_edited_meanwhile_stays_as_it_is(ask, crate, server):
    mine = LIB + "// mine\n"

    def answer(_path, _body):
        crate.write({"src/lib.rs": mine})
        return completion(MORE)

    server.answer = answer
    found = ask(write=True)
    assert (found.outcome, len(found.attempts)) == ("changed", 1)
    assert (crate.path / "src/lib.rs").read_text() == mine


def test_pieces_of_an_answer_are_given_as_they_come(ask, server):
    server.says(MORE)
    pieces = []
    ask(on_text=pieces.append)
    assert len(pieces) == 2
    assert "".join(pieces) == MORE
    # A server that does not stream gives its answer as a whole.
    server.stream = False
    ask(on_text=pieces.append)
    assert pieces[2:] == [MORE]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"detail": "Not Found"}), "has no completions; name the address"),
        ((404, {"error": "The model `small` does not exist"}), "has no model small"),
        ((400, {"error": {"message": "maximum context length is 8 tokens"}}),
         r"the prompt, of \d+ tokens, is too long for small: .*maximum context length is 8"),
        ({"error": {"message": "out of memory"}}, "completions failed: out of memory"),
        ((500, "broken"), "refused with status 500: broken"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_server_is_said_in_a_line(ask, server, answer, says):
    server.says(answer)
    with pytest.raises(EvaluationError, match=says):
        ask()


def test_a_stream_that_is_no_json_is_no_completion(ask, server):
    server.answer = lambda _path, _body: "<html>"
    with pytest.raises(EvaluationError, match="streamed no completion"):
        ask()


def test_a_place_that_is_not_there_is_not_asked_for(ask, server):
    with pytest.raises(PlacementError) as caught:
        ask(symbol="absent")
    assert caught.value.outcome == "no_place"
    assert prompts(server) == []


def test_a_request_has_a_message_or_a_hole():
    for wrong in ({}, {"column": 2, "line": 1, "message": "x"}, {"column": 2}):
        with pytest.raises(RsidxError, match=r"a hole has|an edit has"):
            EditRequest("a.rs", **wrong)


@pytest.fixture
def cli(edits, server, capfd):
    def cli(place, *options, status=0, url=None):
        given = ["--like", str(edits), "--url", url or server.url, *map(str, options)]
        assert main(["complete", place, *given]) == status
        return capfd.readouterr()

    return cli


@pytest.mark.usefixtures("crate")
def test_the_command_prints_the_diff_or_why_it_gave_up(cli, server):
    server.says("fn twice() {", MORE)
    said = cli("src/lib.rs:twice", "--message", MESSAGE)
    assert "+    2 * x\n" in said.out
    first, second, last = said.err.splitlines()
    assert first.startswith("rsidx: answer 1: syntax: the new code has a syntax error in line 1")
    assert second.startswith("rsidx: answer 2: applies (prompt ")
    assert last == "rsidx: nothing is written without --apply"
    server.says("fn other() {}")
    said = cli("src/lib.rs:twice", "--message", MESSAGE, "--tries", 1, "--apply", status=17)
    assert said.out == ""
    assert said.err.endswith("rsidx: given up after 1 answer; nothing is written\n")
    server.says(completion(MORE, "length"))
    cli("src/lib.rs:twice", "--message", MESSAGE, "--tries", 1, status=21)


@pytest.mark.usefixtures("crate")
def test_the_command_s_json_has_each_answer_and_how_long_it_took(cli, server):
    server.says("", MORE)
    found = json.loads(cli("src/lib.rs:twice", "--message", MESSAGE, "--json").out)
    assert found["outcome"] == "applies"
    assert [one["outcome"] for one in found["attempts"]] == ["no_answer", "applies"]
    assert found["attempts"][1]["code"] == MORE
    for name in ("prompt_s", "model_s", "check_s"):
        times = sorted(one[name] for one in found["attempts"])
        assert found[name] == {"p50": times[0], "p95": times[1]}
    refused = cli("src/lib.rs:absent", "--message", MESSAGE, "--json", status=18).out
    assert json.loads(refused)["outcome"] == "no_place"


@pytest.mark.usefixtures("crate")
def test_the_command_says_in_a_line_what_is_wrong(cli):
    with served() as (url, _):
        pass
    said = cli("src/lib.rs:twice", "--message", MESSAGE, url=url, status=1)
    assert said.err.startswith(f"rsidx: {url}/v1 cannot be asked: ")
    assert said.err.count("\n") == 1
    cli("src/lib.rs:twice", status=2)
    said = cli("src/lib.rs", "--message", "x", status=2)
    assert "name a symbol, as in" in said.err
    said = cli(f"{'a' * 300}.rs:twice", "--message", "x", status=1)
    assert "File name too long" in said.err
    cli("src/lib.rs:3:1", "--fim", "--message", "x", status=2)
    cli("src/lib.rs:twice", "--message", "x", "--suffix-first", status=2)
    said = cli("src/lib.rs:3:1", "--fim", status=1)
    assert "is of kind edit, and has no holes" in said.err


def test_percentiles_are_of_the_nearest_rank():
    found = rsidx.Percentiles.of([float(n) for n in range(1, 101)])
    assert (found.p50, found.p95) == (50.0, 95.0)
    assert rsidx.Percentiles.of([]) == rsidx.Percentiles(0.0, 0.0)
    assert rsidx.Percentiles.of([2.0]) == rsidx.Percentiles(2.0, 2.0)
