"""What an export remembers of the edits that it has seen."""

import gc
import random
import tracemalloc
from collections import Counter
from contextlib import closing
from functools import cache

import pytest

from rsidx.exporters.dedup import duplicates, leakage
from rsidx.exporters.dedup.duplicates import Deduplicator
from rsidx.exporters.dedup.leakage import CherryPickLinks, RecentEdits
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.pipeline.result import CodeName, CommitResult, EditResult, pack
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.splits.split import Plan, Split
from rsidx.store.records import CommitRow

EDITS_A_COMMIT = 8
BLOCK = 64
N_WORDS = 30


class Edits:
    """A cache of entries; what `text_of` says of (commit, edit) is what the edit writes."""

    def __init__(self, text_of):
        self._text_of = text_of

    def get(self, oid):
        every = (self._text_of(int.from_bytes(oid), n) for n in range(EDITS_A_COMMIT))
        patches = (PatchFingerprint.of(b"", text.encode()) for text in every)
        edits = (
            EditResult(CodeName("src/lib.rs", f"f{n}"), patch, (), Counter(), Counter())
            for n, patch in enumerate(patches)
        )
        return pack(CommitResult(tuple(edits), (), Counter()))


def deduplicator_of(split, n_commits, edits, folder, keep=(), kept=RecentEdits):
    commits = [CommitRow(n, n.to_bytes(20), (), n, n, False, "ok") for n in range(n_commits)]
    plan = Plan(commits, split)
    links = CherryPickLinks(lambda _: (), plan)
    return Deduplicator(edits, plan, frozenset(keep), links, folder, kept)


@pytest.mark.parametrize("keep", [(), ("near_duplicates",), ("related",)])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_compared_in_blocks_is_what_is_compared_at_once(seed, keep, tmp_path, monkeypatch):
    rng = random.Random(seed)
    texts = {}

    def text_of(commit, edit):
        """Return a text that differs in some words from an earlier one, or in none."""
        if (commit, edit) not in texts:
            words = [str(rng.random()) for _ in range(N_WORDS)]
            if texts and rng.random() < 0.8:
                words = rng.choice(list(texts.values())).split("\n")
                for _ in range(rng.randrange(4)):
                    words[rng.randrange(N_WORDS)] = str(rng.random())
            texts[commit, edit] = "\n".join(words)
        return texts[commit, edit]

    for commit in range(24):
        for edit in range(EDITS_A_COMMIT):
            text_of(commit, edit)
    edits = Edits(text_of)
    monkeypatch.setattr(edits, "get", cache(edits.get))
    found = []
    for block in (1, 7, 10_000):
        for module in (leakage, duplicates):
            monkeypatch.setattr(module, "BLOCK", block)
        statistics = Statistics()
        split = Split(12, 18, 1, 1)
        with closing(deduplicator_of(split, 24, edits, tmp_path, keep)) as deduplicator:
            kept, likes = [], []
            for position in deduplicator.plan.positions():
                its_kept, left_out, _ = deduplicator.keep(position)
                statistics.count_dropped(
                    split.name(position), Counter(one.reason for one in left_out)
                )
                likes += [one.like for one in left_out]
                kept += [(position, edit.patch.exact) for edit in its_kept.values()]
            found.append(
                (kept, likes, statistics.dropped, statistics.related, deduplicator.across_splits())
            )
    assert found[0] == found[1] == found[2]
    kept, likes, dropped, related, across = found[0]
    assert len(kept) + dropped.total() == 22 * EDITS_A_COMMIT
    assert dropped["edits_duplicates"] > 5
    assert ("related" in keep) == (related.total() < 5) == (across.total() > 5)


def test_kept_duplicates_are_no_near_duplicates_of_the_first(tmp_path):
    """An edit, the same again, nearly the same, and that again."""
    words = " ".join(f"word_{n}" for n in range(40))
    texts = [words, words, f"{words} more", f"{words} more"]
    edits = Edits(lambda commit, edit: texts[commit] if edit == 0 else f"edit {edit} of {commit}")

    def found(*keep):
        with closing(deduplicator_of(Split(4, 4), 4, edits, tmp_path, keep)) as deduplicator:
            results = [deduplicator.keep(position) for position in range(4)]
        return [len(kept) - EDITS_A_COMMIT for kept, *_ in results], sum(
            (Counter(one.reason for one in left_out) for _, left_out, _ in results), Counter()
        )

    assert found() == ([0, -1, -1, -1], {"edits_duplicates": 2, "edits_near_duplicates": 1})
    assert found("duplicates") == ([0, 0, -1, -1], {"edits_near_duplicates": 2})
    assert found("near_duplicates") == ([0, -1, 0, -1], {"edits_duplicates": 2})
    assert found("duplicates", "near_duplicates") == ([0, 0, 0, 0], {})


def test_what_is_like_a_copy_is_like_what_that_repeats(tmp_path):
    words = " ".join(f"word_{n}" for n in range(40))
    texts = [words, f"{words} more", f"{words} more", f"{words} more words"]
    edits = Edits(lambda commit, edit: texts[commit] if edit == 0 else f"edit {edit} of {commit}")
    with closing(deduplicator_of(Split(4, 4), 4, edits, tmp_path)) as deduplicator:
        left_out = [deduplicator.keep(position)[1] for position in range(4)]
    assert [[one.reason for one in found] for found in left_out] == [
        [], ["edits_near_duplicates"], ["edits_duplicates"], ["edits_near_duplicates"]
    ]  # fmt: skip
    first = (0).to_bytes(20).hex()
    assert {one.like.commit for found in left_out for one in found} == {first}


def n_bytes_kept(n_commits, tmp_path):
    """Sift so many commits, half of them in val; return what is in memory at the end."""
    edits = Edits(lambda commit, edit: str(random.Random(commit * 1000 + edit).random()))
    split = Split(n_commits // 2, n_commits)
    recent = deduplicator_of(split, n_commits, edits, tmp_path, kept=lambda: RecentEdits(BLOCK))
    with closing(recent) as deduplicator:
        tracemalloc.start()
        n_kept = sum(len(deduplicator.keep(n)[0]) for n in range(n_commits))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_kept == n_commits * EDITS_A_COMMIT
    return kept


@pytest.mark.slow
def test_memory_does_not_grow_with_the_edits(tmp_path, monkeypatch):
    for module in (leakage, duplicates):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
    few, many = n_bytes_kept(20, tmp_path), n_bytes_kept(100, tmp_path)
    # A bit for each edit; of a commit an entry of a dict, 100 bytes.
    assert (many - few) / (80 * EDITS_A_COMMIT) < 20
