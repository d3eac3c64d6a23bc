"""The repositories of public benchmarks, which a data set may have to do without."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rsidx.corpus.facts import Facts
from rsidx.corpus.repositories import Listed, read_list


def known_benchmarks() -> list[Listed]:
    """Return the list that is shipped; the revision is a history's first commit."""
    with resources.as_file(resources.files("rsidx.corpus").joinpath("benchmarks.txt")) as file:
        return read_list(Path(file))


def of_benchmarks(
    listed: Sequence[Listed], repositories: Sequence[Facts], known: Sequence[Listed]
) -> frozenset[int]:
    """Return the numbers of the repositories that are a benchmark's: by address, origin or root.

    A repository that has the first commit of one is a fork of it.
    """
    places = {one.identity for one in known}
    named = {
        number
        for number, (one, facts) in enumerate(zip(listed, repositories, strict=True))
        if places & {one.identity, (facts.origin or "").casefold()}
    }
    roots = {one.revision for one in known}
    roots |= {root for number in named for root in repositories[number].roots}
    forks = {number for number, facts in enumerate(repositories) if roots & set(facts.roots)}
    return frozenset(named | forks)
