"""What the configuration of a corpus may say."""

import pytest

from rsidx.corpus.configuration import read_configuration
from rsidx.errors import ConfigError


@pytest.mark.parametrize("name", ["out", "repositories", "opt_out", "remove"])
def test_only_work_may_be_an_address(tmp_path, name):
    options = {"repositories": "list.txt", "out": "out", "work": "s3://bucket/work"}
    options[name] = "s3://bucket/folder"
    lines = "".join(f"{key} = '{value}'\n" for key, value in options.items())
    file = tmp_path / "corpus.toml"
    file.write_text(f"[corpus]\n{lines}[export]\ntokenizer = 'some/name'\n")
    with pytest.raises(ConfigError, match=f"{name} must be a path of this machine") as raised:
        read_configuration(file)
    assert "\n" not in str(raised.value)
