"""The steps from a commit, or code that is still to be edited, to examples, connected once."""

from dataclasses import dataclass

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.pipeline.drafts import Drafter
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.selection import EditSelector
from rsidx.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Steps:
    """`selector` finds edits, `drafter` gives them context, `builder` makes examples of them."""

    texts: SideTexts
    licenses: Licenses
    selector: EditSelector
    drafter: Drafter
    builder: ExampleBuilder

    @classmethod
    def of(cls, reader: Reader, config: ExportConfig) -> "Steps":
        """Return the steps of a configuration."""
        texts = SideTexts(reader)
        licenses = Licenses(reader, tuple(sorted(config.licenses)))
        selector = EditSelector(reader, texts, licenses, config)
        builder = ExampleBuilder(reader, texts, config)
        drafter = Drafter(reader, texts, licenses, selector, builder, config)
        return cls(texts, licenses, selector, drafter, builder)
