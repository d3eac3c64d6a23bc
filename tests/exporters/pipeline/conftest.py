import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.pipeline import workers
from tests.exporters.pipeline.growth import contents


@pytest.fixture
def exported(index, tokenizer_file, tmp_path):
    def do(name, *, fresh=False, jobs=1, **options):
        if fresh:
            index.database.cache_file.unlink(missing_ok=True)
        usual = {"tokenizer": str(tokenizer_file), "split": "0.6,0.2,0.2"}
        config = ExportConfig(**usual | options)
        export(index.database, tmp_path / name, config, jobs=jobs)
        return contents(tmp_path / name)

    return do


@pytest.fixture
def made(monkeypatch):
    """The commits whose entries were made in this process."""
    found = []
    plain = workers._make

    def make(maker, commits):
        found.extend(commits)
        return plain(maker, commits)

    monkeypatch.setattr(workers, "_make", make)
    return found
