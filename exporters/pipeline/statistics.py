"""The statistics of an export."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rsidx.exporters.filters.licenses import NO_LICENSE
from rsidx.exporters.pipeline.result import EditResult, TokenizedRow

_WITHOUT_DEFINITIONS = frozenset({"imports", "outline"})
"""Sections that show no definition that the code names."""
_RELATED = "edits_related_"


@dataclass(slots=True)
class Statistics:
    """Counts of an export, for the manifest and the card."""

    examples: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    learned_tokens: Counter[str] = field(default_factory=Counter)
    by_change: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    tokens_by_change: Counter[str] = field(default_factory=Counter)
    tokens_by_kind: Counter[str] = field(default_factory=Counter)
    tokens_by_role: Counter[str] = field(default_factory=Counter)
    excerpts_by_rule: Counter[str] = field(default_factory=Counter)
    excerpts_by_section: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    needs: Counter[str] = field(default_factory=Counter)
    with_context: int = 0
    with_earlier: int = 0
    test_code: int = 0
    tiny: Counter[str] = field(default_factory=Counter)
    cut_messages: int = 0
    blocks: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    old_line_ends: int = 0
    related: Counter[str] = field(default_factory=Counter)
    across_splits: Counter[str] = field(default_factory=Counter)
    packed: Counter[str] = field(default_factory=Counter)
    now_train: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Statistics") -> None:
        """Add the counts of another part of the rows."""
        for name in self.__dataclass_fields__:
            own, more = getattr(self, name), getattr(other, name)
            if isinstance(own, Counter):
                own.update(more)
            else:
                setattr(self, name, own + more)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, for JSON."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name in self.__dataclass_fields__
            for value in (getattr(self, name),)
        }

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> "Statistics":
        """Undo `as_dict`, also where it went through JSON."""
        found = cls()
        for name, value in {**counts, "lengths": _by_number(counts["lengths"])}.items():
            setattr(found, name, Counter(value) if isinstance(value, dict) else value)
        return found

    def count_dropped(self, split: str, dropped: Counter[str]) -> None:
        """Count what a commit of a split left out; related edits also by their relation."""
        self.dropped.update(dropped)
        for reason, n in dropped.items():
            relation = reason.removeprefix(_RELATED)
            if relation != reason:
                self.related[f"{split}/{relation}"] += n

    def count_edit(self, edit: EditResult) -> None:
        """Count, for an edit that stays, what its rows left out and how its references resolved."""
        self.dropped.update(edit.dropped)
        self.references.update(edit.references)

    def count(self, split: str, row: TokenizedRow) -> None:
        """Count a row that was written."""
        brief = row.brief
        n_tokens, change, kind = brief["n_tokens"], brief["change"], brief["kind"]
        self.examples[split] += 1
        self.tokens[split] += n_tokens["total"]
        self.learned_tokens[split] += sum(end - start for start, end in row.learned)
        self.by_change[f"{split}/{change}"] += 1
        self.by_kind[kind] += 1
        self.tokens_by_change[f"{split}/{change}"] += n_tokens["total"]
        self.tokens_by_kind[kind] += n_tokens["total"]
        self.tokens_by_role.update(n_tokens)
        self.with_context += not _WITHOUT_DEFINITIONS.issuperset(brief["sections"])
        self.years[f"{split}/{brief['year']}"] += 1
        self.paths[brief["path"]] += 1
        self.licenses[brief["license"] or NO_LICENSE] += 1
        self.lengths[n_tokens["total"]] += 1
        self.with_earlier += bool(brief["n_earlier"])
        self.test_code += brief["is_test"]
        if brief["tiny"] is not None:
            self.tiny[brief["tiny"]] += 1
        self.blocks += brief["is_blocks"]
        if brief["verdict"] is not None:
            self.verdicts[brief["verdict"]] += 1
        self.cut_messages += brief["is_message_cut"]
        self.old_line_ends += brief["has_old_line_ends"]
        self.needs.update(brief["needs"])
        self.excerpts_by_rule.update(brief["rules"])
        self.excerpts_by_section.update(brief["sections"])


def _by_number(counts: Mapping[str, int]) -> dict[int, int]:
    """Return counts by numbers, which JSON has as texts."""
    return {int(number): n for number, n in counts.items()}
