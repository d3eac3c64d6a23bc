"""The executors of clusters, where they are: the rows are those of the local one."""

import importlib.util
import shutil

import pytest

from tests.corpus.conftest import grow


@pytest.fixture
def expected(corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 5), grow(corpus.repo("beta"), "beta", 5))
    corpus.run()
    found = corpus.content()
    shutil.rmtree(corpus.out)
    shutil.rmtree(corpus.folder / "work")
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_ray_gives_the_same_bytes(corpus, expected):
    corpus.configure(executor="ray", workers=2)
    corpus.run()
    assert corpus.content() == expected


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sbatch") is None, reason="needs a Slurm cluster")
def test_slurm_gives_the_same_bytes(corpus, expected):
    corpus.configure(executor="slurm", workers=2)
    with corpus.file.open("a") as file:
        file.write("[corpus.slurm]\npartition = 'main'\ntime = '00:10:00'\nmem_per_cpu_gb = 1\n")
    corpus.run()
    assert corpus.content() == expected
