"""An assistant asks by the protocol's own client, gets no more than it can take, and only reads."""

import hashlib
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import click
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client

import rsidx
from rsidx.__main__ import main
from rsidx.commands.root import root
from rsidx.serving.complete import Check
from rsidx.serving.mcp_server import server_of
from rsidx.serving.tools import Limits, Tools
from tests.evaluation.conftest import any_sandbox, toolchain  # noqa: F401
from tests.serving.conftest import BAD, LIB, MORE

NAMES = ["symbols", "refs", "show", "context", "prompt", "check", "apply"]


@pytest.fixture
def ask(crate, edits, tmp_path):
    """Ask a server for tools, in one session; return the answers, an error's as a text."""

    def ask(*calls, **limits):
        given = {"check": Check(scratch=tmp_path / "scratch"), "like": edits} | limits
        with rsidx.open(crate.path) as index:
            return anyio.run(_answers, server_of(Tools(index, Limits(**given)), "1"), calls)

    return ask


async def _answers(server, calls):
    async with Client(server) as client:
        found = []
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            [content] = result.content
            found.append(content.text if result.is_error else json.loads(content.text))
        return found


def test_a_tool_is_the_command_of_its_name_and_begins_with_its_argument(crate):
    async def tools(server):
        async with Client(server) as client:
            return (await client.list_tools()).tools

    with rsidx.open(crate.path) as index:
        found = anyio.run(tools, server_of(Tools(index, Limits(Check())), "1"))
        writing = anyio.run(tools, server_of(Tools(index, Limits(Check(), may_write=True)), "1"))
    assert [tool.name for tool in found] == NAMES
    for tool in found:
        command = root.get_command(click.Context(root), tool.name)
        [first, *_] = [one.name for one in command.params if isinstance(one, click.Argument)]
        assert next(iter(tool.input_schema["properties"])) == first
        assert tool.description
    reads = {tool.name: tool.annotations.read_only_hint for tool in found}
    assert reads == {name: name != "check" for name in NAMES}
    assert not any(tool.annotations.destructive_hint for tool in found)
    assert [one.name for one in writing if one.annotations.destructive_hint] == ["apply"]


def test_answers_are_those_of_the_commands(ask, crate, capfd):
    symbols, refs, show = ask(
        ("symbols", {"name": "twice"}),
        ("refs", {"name": "same"}),
        ("show", {"commit": "HEAD"}),
    )
    main(["symbols", "twice", "--json"])
    assert symbols["items"] == json.loads(capfd.readouterr().out)
    main(["refs", "same", "--json"])
    assert refs["items"] == json.loads(capfd.readouterr().out)
    assert (symbols["total"], refs["total"]) == (1, 1)
    assert show["message"] == "Double without adding zero"
    [edit] = show["items"]
    assert "-    inner::same(x) + x + 0\n+    inner::same(x) + x" in edit["diff"]
    assert "old" not in edit
    assert crate.head() == show["commit"]


def test_the_prompt_is_that_of_the_command(ask, crate, edits, capfd):
    arguments = {"place_in_code": "src/lib.rs:twice", "message": "Double it"}
    [found, new] = ask(
        ("prompt", arguments),
        ("prompt", {"place_in_code": "src/lib.rs", "message": "Add it", "after": "twice"}),
    )
    given = ["--like", str(edits), "--message"]
    main(["prompt", "src/lib.rs:twice", *given, "Double it"])
    assert found["prompt"] == capfd.readouterr().out
    assert found["end_token"] == "<|endoftext|>"
    main(["prompt", "src/lib.rs", "--after", "twice", *given, "Add it"])
    assert new["prompt"] == capfd.readouterr().out
    [error] = ask(("prompt", arguments), like=None)
    assert "start rsidx mcp with --like OUT" in error
    [error] = ask(("prompt", arguments), max_chars=200)
    assert "with more --max-chars" in error
    assert crate.head()


def test_a_long_list_comes_in_pages_and_each_fits(ask, crate):
    crate.commit(
        "Act in a hundred modules",
        {f"src/m{n}.rs": f"pub fn act(value: u32) -> u32 {{\n    value + {n}\n}}\n"
         for n in range(100)},
    )  # fmt: skip
    with rsidx.open(crate.path) as index:
        index.update()
    seen, offset = [], 0
    while offset is not None:
        [page] = ask(("symbols", {"name": "act", "offset": offset}), max_chars=3000)
        assert page["total"] == 100
        assert len(json.dumps(page, separators=(",", ":"))) <= 3000
        seen += [one["path"] for one in page["items"]]
        offset = page.get("next_offset")
    assert sorted(seen) == sorted(f"src/m{n}.rs" for n in range(100))
    [page] = ask(("symbols", {"name": "act", "offset": 500}))
    assert page["items"] == []


def test_a_text_that_is_too_long_is_cut_and_says_so(ask, crate):
    lines = "".join(f"    act({n});\n" for n in range(2000))
    crate.commit("Act very often in a row", {"src/long.rs": f"pub fn long() {{\n{lines}}}\n"})
    with rsidx.open(crate.path) as index:
        index.update()
    [found] = ask(("show", {"commit": "HEAD"}), max_chars=8000)
    [edit] = found["items"]
    assert edit["diff"].endswith(" characters left out]")
    assert len(json.dumps(found)) < 8000


def test_secrets_are_left_out_of_what_is_shown(ask, crate):
    key = "AKIA" + "Q3EGRIPVTN5HOZ4M"
    crate.commit("Add the key of a server", {"src/key.rs": f'pub const KEY: &str = "{key}";\n'})
    with rsidx.open(crate.path) as index:
        index.update()
    answers = ask(
        ("show", {"commit": "HEAD"}),
        ("symbols", {"name": "KEY"}),
        ("apply", {"place_in_code": "src/key.rs:KEY", "code": "pub const KEY: u32 = 1;\n"}),
    )
    assert key not in json.dumps(answers)
    assert "<KEY>" in answers[0]["items"][0]["diff"]


def test_a_key_is_left_out_where_its_lines_alone_are_shown(ask, crate):
    kind = "RSA PRIVATE" + " KEY-----"
    body = [hashlib.sha512(b"%d" % n).hexdigest()[:64] for n in range(12)]
    key = "\n".join((f"-----BEGIN {kind}", *body, f"-----END {kind}"))
    old = f'pub fn key() -> String {{\n    "{key}"\n}}\n\npub fn rest() {{}}\n'
    crate.commit("Add the key of a server", {"src/key.rs": old})
    crate.commit("Give the key away", {"src/key.rs": old.replace('-"\n', '-".trim()\n')})
    with rsidx.open(crate.path) as index:
        index.update()
    answers = ask(
        ("show", {"commit": "HEAD"}),
        ("apply", {"place_in_code": "src/key.rs:rest", "code": "pub fn rest() { key(); }\n"}),
    )
    assert ".trim()" in answers[0]["items"][0]["diff"]
    assert "+pub fn rest() { key(); }" in answers[1]["diff"]
    said = json.dumps(answers)
    assert "<KEY>" in said
    assert not [line for line in body if line in said]


@pytest.mark.parametrize(
    "code",
    [
        "".join(f"pub fn made{n}() {{}}\n" for n in range(2000)),
        'pub const TABS: &str = "' + "\t" * 4000 + '";\n',
    ],
    ids=["names", "tabs"],
)
def test_an_answer_is_never_longer_than_it_may_be(ask, crate, code):
    [found] = ask(("apply", {"place_in_code": "src/new.rs", "code": code}), max_chars=4000)
    assert 2000 < len(json.dumps(found, separators=(",", ":"))) <= 4000
    assert " left out]" in found["diff"]
    # Each spelled with six characters, in a line of the diff's context.
    crate.commit("Add bells and tabs", {"src/bells.rs": f"// {chr(7) * 4000}\n{code}"})
    with rsidx.open(crate.path) as index:
        index.update()
    [found] = ask(("show", {"commit": "HEAD"}), max_chars=4000)
    assert len(json.dumps(found, separators=(",", ":"))) <= 4000
    [refused] = ask(("symbols", {"name": "twice", "at": "x" * 9000}), max_chars=4000)
    assert len(refused) <= 4100


def test_nothing_is_written_unless_the_server_was_started_for_it(ask, crate):
    file = crate.path / "src/lib.rs"
    arguments = {"place_in_code": "src/lib.rs:twice", "code": f"```rust\n{MORE}```"}
    shown, refused = ask(("apply", arguments), ("apply", arguments | {"write": True}))
    assert (shown["outcome"], shown["is_written"]) == ("applies", False)
    assert "+    2 * x" in shown["diff"]
    assert "start rsidx mcp with --allow-write" in refused
    assert file.read_text() == LIB
    [wrong] = ask(("apply", arguments | {"code": "fn other() {}", "write": True}), may_write=True)
    assert wrong["outcome"] == "not_the_symbol"
    assert file.read_text() == LIB
    [written] = ask(("apply", arguments | {"write": True}), may_write=True)
    assert written["is_written"]
    assert MORE in file.read_text()


def test_what_is_wrong_is_said_and_the_server_goes_on(ask):
    answers = ask(
        ("refs", {"name": "absent"}),
        ("context", {"place_in_code": "src/absent.rs:x"}),
        ("show", {"commit": "nowhere"}),
        ("symbols", {}),
        ("symbols", {"name": "twice"}),
    )
    assert "no definition of absent" in answers[0]
    assert "there is no src/absent.rs" in answers[1]
    assert "nowhere" in answers[2]
    assert "name" in answers[3]
    assert answers[4]["total"] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "any_sandbox")
def test_code_is_checked_in_a_sandbox(ask, crate):
    place = {"place_in_code": "src/lib.rs:twice"}
    good, bad = ask(("check", place | {"code": MORE}), ("check", place | {"code": BAD}))
    assert good["outcome"] == "compiles"
    assert (bad["outcome"], bad["n_errors"]) == ("error", 1)
    assert bad["feedback"].startswith("error[E0425]")
    assert (crate.path / "src/lib.rs").read_text() == LIB


@asynccontextmanager
async def started(*arguments):
    """A server in a process of its own, spoken to over stdin and stdout."""
    command = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "rsidx", "mcp", *map(str, arguments)]
    )
    async with Client(command) as client:
        yield client


@pytest.mark.slow
def test_one_process_stays_and_shares_the_index_with_everything_else(crate, edits):
    async def use():
        async with started("-C", crate.path, "--like", edits) as client:

            async def symbols(name):
                result = await client.call_tool("symbols", {"name": name})
                return json.loads(result.content[0].text)["total"]

            assert await symbols("twice") == 1
            assert await symbols("later") == 0
            crate.commit("Add what comes later", {"src/later.rs": "pub fn later() {}\n"})
            with rsidx.open(crate.path) as index:
                index.update()
            assert await symbols("later") == 1
            arguments = {"place_in_code": "src/lib.rs:twice", "message": "Double it"}
            result = await client.call_tool("prompt", arguments)
            assert "<|new_code|>" in result.content[0].text

    anyio.run(use)


WAITING = """
import sys, threading
from rsidx.serving import mcp_server, tools

def wait() -> str:
    print("called", file=sys.stderr, flush=True)
    threading.Event().wait()
    return ""

class Waiting:
    def all(self):
        return (tools.Tool(wait),)

mcp_server.run(Waiting(), "1")
"""
CALLS = (
    {"id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}},
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/call", "params": {"name": "wait", "arguments": {}}},
)  # fmt: skip


def test_who_closes_the_connection_does_not_wait_for_a_call():
    command = [sys.executable, "-P", "-c", WAITING]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            for call in CALLS:
                process.stdin.write(json.dumps({"jsonrpc": "2.0", **call}) + "\n")
                process.stdin.flush()
            assert process.stderr.readline() == "called\n"
            process.stdin.close()
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.slow
def test_an_interruption_ends_the_server(crate):
    command = [sys.executable, "-P", "-m", "rsidx", "mcp", "-C", str(crate.path)]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **CALLS[0]}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == 0
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == -signal.SIGINT
        finally:
            process.kill()


def test_without_the_package_one_line_says_what_to_install(crate, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "rsidx.serving.mcp_server", None)
    assert main(["mcp", "-C", str(crate.path)]) == 1
    said = capfd.readouterr().err
    assert said == "rsidx: the package mcp is missing: pip install 'rsidx[mcp]'\n"
