"""Writing a recipe: what trains a model on a data set, in a folder beside it."""

from collections.abc import Callable
from pathlib import Path

from rsidx.errors import ExportError
from rsidx.exporters.recipes import axolotl, sft
from rsidx.exporters.recipes.facts import Facts, facts_of
from rsidx.files import put

TRAINERS: dict[str, tuple[str, Callable[[Facts, str], str]]] = {
    "trl": (sft.FILE, sft.trl_script),
    "unsloth": (sft.FILE, sft.unsloth_script),
    "axolotl": (axolotl.FILE, axolotl.configuration),
}
"""By trainer: the file, and what makes its text of a data set and the name of a model."""


def write_recipe(out: Path, trainer: str, model: str, to: Path | None = None) -> Path:
    """Write a recipe to a folder, by default `OUT.recipe`, and return its file.

    A model that is a folder here is named by its whole path: the recipe may be run elsewhere.
    Raises ExportError where the data set cannot be trained on, and where a file is there that is
    another.
    """
    name, make = TRAINERS[trainer]
    out = out.resolve()
    folder = to or out.with_name(f"{out.name}.recipe")
    here = Path(model)
    name_of_model = str(here.resolve()) if here.is_dir() else model
    content = make(facts_of(out), name_of_model).encode()
    file = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.read_bytes() != content:
            raise ExportError(
                f"{file} is there already, and another; remove it, or name another --to"
            )
        put(file, content)
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror}") from error
    return file
