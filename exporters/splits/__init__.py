"""Which commit goes to which split: their order, the boundaries, and those of an earlier export."""
