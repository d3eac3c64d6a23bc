"""A server's ids of the prompts are compared with those that the model was trained on."""

import json

import pytest
from tokenizers import Tokenizer

import rsidx
from rsidx import EvaluationError
from rsidx.__main__ import main
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.chats import write_chat
from tests.evaluation.server import served

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path):
    """Return a function that exports a history, one row of which spells a control token."""

    def make(**options):
        if not repo.git("rev-list", "--all"):
            lib = "pub fn f() -> u32 {{\n    {n}\n}}\n"
            repo.commits((f"number {n}", {"src/lib.rs": lib.format(n=n)}) for n in range(6))
            repo.commit("a token", {"src/lib.rs": 'fn f() -> &str {\n    "<fim_pad>"\n}\n'})
            repo.commit("no token", {"src/lib.rs": 'fn f() -> &str {\n    "none"\n}\n'})
            index.sync()
        name = "llama" if options.get("columns") == "messages" else "mistral"
        chat = write_chat(tmp_path / "chat", tokenizer_file, name)
        if name == "mistral":
            config = json.loads((chat / "tokenizer_config.json").read_text())
            config["add_bos_token"] = True
            (chat / "tokenizer_config.json").write_text(json.dumps(config))
        config = ExportConfig(str(chat), split="0,0,1", embargo="0", **options)
        export(index.database, tmp_path / "out", config)
        return tmp_path / "out"

    return make


@pytest.fixture
def server(tmp_path):
    """A server that tokenizes as llama.cpp's does, with the export's tokenizer unless told else."""
    with served() as (url, model):
        model.url = url

        def answer(path, body):
            assert path == "/tokenize"
            tokenizer = Tokenizer.from_file(str(tmp_path / "out/tokenizer/tokenizer.json"))
            tokenizer.post_processor = None
            ids = tokenizer.encode(model.spelled(body["content"]), add_special_tokens=False).ids
            assert body["prompt"] == body["content"]
            assert body["add_special"] == body["add_special_tokens"]
            begins = [tokenizer.token_to_id("<s>")] if body["add_special"] and model.begins else []
            return {"tokens": begins + ids}

        model.answer = answer
        model.begins, model.spelled = True, lambda text: text
        yield model


@pytest.mark.parametrize("columns", ["ids", "text", "messages"])
def test_the_same_tokenizer_makes_the_same_ids(out, server, columns):
    found = rsidx.compare_tokenizer(out(columns=columns), server.url)
    assert found.is_same
    assert (found.model, found.differences) == ("small", ())
    # As text such a row is left out of the export.
    assert (found.n_rows, found.n_left_out) == ((7, 1) if columns == "ids" else (6, 0))


def test_a_server_that_adds_no_beginning_is_told(out, server, capsys):
    folder = out()
    server.begins = False
    found = rsidx.compare_tokenizer(folder, server.url, n_rows=3)
    assert (found.n_rows, found.n_same, found.ends_same, found.is_same) == (3, 0, True, False)
    first = found.differences[0]
    assert (first.at, first.trained[0], first.served[0]) == (0, "<s>", "<repo_name>")
    assert main(["tokenizer", "compare", str(folder), "--url", server.url]) == 10
    printed = capsys.readouterr().out
    assert "small: 0 of 7 prompts have the same ids\n1 prompt left out" in printed
    assert "token 0: trained on |<s>|<repo_name>|, served |<repo_name>|" in printed
    assert "and 4 more" in printed
    server.begins = True
    assert main(["tokenizer", "compare", str(folder), "--url", server.url, "--json"]) == 0


def test_a_server_that_does_not_know_a_marker_is_told(out, server):
    folder = out()
    server.spelled = lambda text: text.replace("<|old_code|>", "<|old_ code|>")
    found = rsidx.compare_tokenizer(folder, server.url)
    assert found.n_same < found.n_rows
    assert all("<|old_code|>" in one.trained for one in found.differences)


def test_an_end_token_in_pieces_is_told(out, server):
    folder = out()
    server.spelled = lambda text: "< /s>" if text == "</s>" else text
    found = rsidx.compare_tokenizer(folder, server.url)
    assert (found.n_same, found.ends_same, found.is_same) == (found.n_rows, False, False)


@pytest.mark.parametrize("answer", [{"count": 3}, {"tokens": [1, "a"]}, [1, 2], {"tokens": None}])
def test_a_server_that_does_not_tokenize_is_refused(out, server, answer):
    folder = out()
    server.answer = lambda _path, _body: answer
    with pytest.raises(EvaluationError, match="gave no list of tokens"):
        rsidx.compare_tokenizer(folder, server.url)
    server.answer = lambda _path, _body: (404, {"error": "no such thing"})
    with pytest.raises(EvaluationError, match="does not say how it tokenizes: it has no /tokenize"):
        rsidx.compare_tokenizer(folder, server.url)
