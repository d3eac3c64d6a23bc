"""Near duplicates: what datatrove's stages find, and what is left out because of it."""

import random

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from datatrove.data import Document

from rsidx.corpus.candidates import CONFIG, AgreeingEdits, EditSignatures, agreeing, buckets
from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dedup.leakage import THRESHOLD, is_near
from rsidx.exporters.edits.fingerprint import PatchFingerprint

N_TASKS = 3


def patch(text):
    return PatchFingerprint.of(b"", text.encode())


def words(rng, n=60):
    return [f"word_{rng.randrange(10**9)}" for _ in range(n)]


def changed(rng, text, n):
    """Return a text of which some words in a row are others."""
    found = list(text)
    start = rng.randrange(len(text) - n)
    found[start : start + n] = words(rng, n)
    return found


def candidates_of(patches, folder):
    """Return the sets of edits that datatrove finds, which come to its tasks in turns."""
    out = Workspace(str(folder))
    for task in range(N_TASKS):
        documents = [
            Document(b"".join(v.to_bytes(4, "little") for v in one.minhash.digest()).hex(), str(n))
            for n, one in list(enumerate(patches))[task::N_TASKS]
        ]
        EditSignatures(out).run(documents, task, N_TASKS)
    for band in range(CONFIG.num_buckets):
        buckets(out).run(None, band, CONFIG.num_buckets)
    return agreeing(out, [range(task, len(patches), N_TASKS) for task in range(N_TASKS)])


def test_edits_that_are_alike_share_a_set_whichever_task_they_came_to(tmp_path):
    rng = random.Random(1)
    texts = []
    for _ in range(12):
        texts.append(words(rng))
        texts += [changed(rng, texts[-1], n) for n in (1, 3, 6)]
    patches = [patch(" ".join(text)) for text in texts]
    sets = candidates_of(patches, tmp_path)
    pairs = [(a, b) for b in range(len(patches)) for a in range(b)]
    alike = {
        (a, b) for a, b in pairs if patches[a].minhash.jaccard(patches[b].minhash) >= THRESHOLD
    }
    found = {(a, b) for a, b in pairs if set(sets.get(a, ())) & set(sets.get(b, ()))}
    assert len(alike) > 12
    assert alike <= found
    assert len(found) < len(pairs) / 10


def test_an_edit_falls_to_the_first_that_it_is_near_to_and_never_through_a_chain(tmp_path):
    rng = random.Random(2)
    first = words(rng, 100)
    near = [*first[:-10], *words(rng, 10)]
    far = [*words(rng, 10), *near[10:]]
    patches = [patch(" ".join(text)) for text in (first, near, far)]
    assert is_near(patches[1], patches[0])
    assert is_near(patches[2], patches[1])
    assert not is_near(patches[2], patches[0])
    kept = AgreeingEdits(candidates_of(patches, tmp_path))
    fell_to = []
    for number, one in enumerate(patches):
        fell_to.append(kept.near(number, one))
        if fell_to[-1] is None:
            kept.add(number, one)
    assert fell_to == [None, 0, None]
