"""The order of train, and its weights."""

from datetime import datetime

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
LENGTHS = (7, 2, 9, 4, 4, 1, 8, 3, 6, 5)
DAY_S = 86_400


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path, read_jsonl):
    for n, length in enumerate(LENGTHS):
        body = "".join(f"    call_{n}({i});\n" for i in range(length))
        repo.time += DAY_S
        repo.commit(f"number {n}", {f"src/m{n}.rs": f"pub fn f{n}() {{\n{body}}}\n"})
    index.sync()

    def do(name, **options):
        config = ExportConfig(tokenizer=str(tokenizer_file), split="0.8,0.1,0.1", **options)
        out = tmp_path / name
        export(index.database, out, config)
        assert index.problems(out) == []
        return {
            split: list(
                zip(
                    read_jsonl(out / f"{split}.jsonl"),
                    read_jsonl(out / f"{split}.meta.jsonl"),
                    strict=True,
                )
            )
            for split in ("train", "val", "test")
        }

    return do


def test_the_card_says_how_long_examples_are_and_from_where(exported, tmp_path):
    pairs = [pair for rows in exported("out").values() for pair in rows]
    lengths = sorted(len(row["input_ids"]) for row, _ in pairs)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"| `50%` | {lengths[4]:,} |" in card
    assert f"| `100%` | {lengths[-1]:,} |" in card
    assert "| `src/m3.rs` | 1 |" in card
    assert f"| `test/{pairs[-1][1]['time'][:4]}` | 1 |" in card


def n_learned(pair):
    return sum(label >= 0 for label in pair[0]["labels"])


def test_the_easiest_come_first_in_train_alone(exported):
    plain, sorted_ = exported("plain"), exported("sorted", order="difficulty")
    assert [n_learned(pair) for pair in plain["train"]] != sorted(map(n_learned, plain["train"]))
    assert sorted_["train"] == sorted(
        plain["train"], key=lambda pair: (n_learned(pair), len(pair[0]["input_ids"]))
    )
    assert (sorted_["val"], sorted_["test"]) == (plain["val"], plain["test"])


def test_a_random_order_follows_from_the_seed(exported):
    orders = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        rows = exported(name, order="random", seed=seed)["train"]
        orders[name] = [meta["path"] for _, meta in rows]
    assert orders["a"] == orders["b"] != orders["c"]
    assert sorted(orders["a"]) == sorted(orders["c"]) == [f"src/m{n}.rs" for n in range(8)]


@pytest.mark.parametrize("order", ["time", "difficulty"])
def test_weights_halve_with_each_half_life(exported, order):
    rows = exported("out", half_life=2.0, order=order)
    times = {m["path"]: datetime.fromisoformat(m["time"]).timestamp() for _, m in rows["train"]}
    for _, meta in rows["train"]:
        age = (max(times.values()) - times[meta["path"]]) / DAY_S
        assert meta["weight"] == pytest.approx(0.5 ** (age / 2), rel=1e-4)
    assert max(meta["weight"] for _, meta in rows["train"]) == 1
    assert min(meta["weight"] for _, meta in rows["train"]) < 0.2
    assert all("weight" not in meta for _, meta in (*rows["val"], *rows["test"]))
