"""What an edit is likely to need that its old code does not refer to."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.exporters.resolver.references import Resolved


@dataclass(frozen=True, slots=True)
class Likely:
    """Definitions, the rule that found them, and how likely it is that they are needed.

    1 is the likelihood of what the item next to the place refers to.
    """

    rule: str
    weight: float
    definitions: Sequence[Resolved]
