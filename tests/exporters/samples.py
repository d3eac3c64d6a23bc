"""The code of an example of each kind, and an example made of it, with texts alone."""

import dataclasses

from rsidx.exporters.context.around import Around, Block
from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.edits.edit import Edit, Place, Side
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditCode
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import HoleCode
from rsidx.exporters.examples.preference import PreferenceCode
from rsidx.exporters.examples.repair import RepairCode
from rsidx.exporters.examples.sequence import WindowCode


def filled(kind, **given):
    """Return a dataclass with a text in each field that can hold one."""
    texts = {one.name: "shown" for one in dataclasses.fields(kind) if one.type in (str, "str")}
    return kind(**{**texts, **given})


CODES = {
    "edit": filled(EditCode),
    "fim": filled(
        HoleCode, blob_id=2, start=0, hole_start=0, hole_end=0, end=5, is_suffix_first=False
    ),
    "sequence": WindowCode((("shown", True),), ((0, 5),), ends_file=True),
    "repair": filled(RepairCode, blocks="", verdict="", sample=""),
    "preference": filled(PreferenceCode, blocks="", verdict="", sample=""),
}
"""The code of each kind of example."""


def example_of(code):
    """Return an example with an excerpt and an earlier edit; each of its texts is `shown`."""
    side = Side(1, 2, 0, 0, ())
    place = filled(Place, path_id=1, is_test=False, old=side)
    draft = filled(
        Draft,
        place=place,
        edit=Edit(place, "shown", "shown", is_test=False, new=side),
        excerpts=(filled(Excerpt, path_id=1, blob_id=2, ranges=((0, 5),)),),
        excerpt_paths=("shown",),
        earlier=(filled(EarlierEdit, order=0, commit=b"", old=side, new=side),),
    )
    block = filled(Block, blob_id=2, start=0, end=5)
    around = Around((block,), (block,))
    return Example(draft, Part(0, 0, 0, 0, 0), 0, 1, code, around=around)
