import pytest


@pytest.fixture
def trap(monkeypatch, tmp_path):
    """Other processes that abort on a marked blob; a start-up file on their path reaches them."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "import rsidx.indexer.extract as e\n"
        "plain = e.parse\n"
        "def parse(source, before=None):\n"
        "    if b'POISON' in source: os.abort()\n"
        "    return plain(source, before)\n"
        "e.parse = parse\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
