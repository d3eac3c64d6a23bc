"""The shards of a corpus, in the libraries that read them."""

import json

import pytest

from tests.corpus.conftest import Corpus, grow

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, tokenizer_file):
    made = Corpus(tmp_path_factory.mktemp("corpus"), tokenizer_file)
    made.list_all(grow(made.repo("alpha"), "alpha", 8), grow(made.repo("beta"), "beta", 8))
    made.run()
    return made


def rows(corpus, split):
    return [
        json.loads(line)
        for file in sorted(corpus.out.glob(f"{split}-?????.jsonl"))
        for line in file.read_text().splitlines()
    ]


def test_datasets_streams_them(corpus):
    datasets = pytest.importorskip("datasets", reason="the conformance extra is missing")
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        data = datasets.load_dataset(str(corpus.out), streaming=True, split=split)
        assert [row["input_ids"] for row in data] == [r["input_ids"] for r in rows(corpus, name)]
        assert data.num_shards == len(list(corpus.out.glob(f"{name}-?????.jsonl")))
    meta = datasets.load_dataset(str(corpus.out), "meta", streaming=True, split="train")
    assert {row["repository"] for row in meta} == {"alpha", "beta"}


def test_mlcroissant_checks_it_and_reads_all_shards(corpus):
    mlcroissant = pytest.importorskip("mlcroissant", reason="the conformance extra is missing")
    described = mlcroissant.Dataset(jsonld=str(corpus.out / "croissant.json"))
    assert described.metadata.issues.errors == set()
    read = [
        [int(token) for token in record["train/input_ids"]] for record in described.records("train")
    ]
    assert sorted(read) == sorted(row["input_ids"] for row in rows(corpus, "train"))


def test_streaming_reads_its_own_shards(corpus):
    streaming = pytest.importorskip("streaming", reason="the mds extra is missing")
    corpus.configure("format = 'mds'")
    corpus.run()
    folders = sorted(corpus.out.glob("train-?????.mds"))
    streams = [streaming.Stream(local=str(folder)) for folder in folders]
    data = streaming.StreamingDataset(streams=streams, shuffle=False, batch_size=1)
    assert (
        len(data)
        == json.loads((corpus.out / "manifest.json").read_text())["counts"]["examples"]["train"]
    )
