"""rsidx: an index of a Rust repository's history, and training data from it.

    with rsidx.open("ripgrep") as index:
        index.update()
        index.export("out", rsidx.ExportConfig(tokenizer="tokenizer.json"))

The names in `__all__` are the public API; docs/library.md describes it. A name is loaded when it is
first used, so that importing rsidx costs next to nothing.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsidx.api.address import Address
    from rsidx.api.commits import Commit, Edit
    from rsidx.api.corpus import Corpus
    from rsidx.api.data_set import DataSet, Relation, Row, Verification
    from rsidx.api.evaluation import Evaluation, EvaluationResult, check_code, predict, reward
    from rsidx.api.examples import Example
    from rsidx.api.hooks import Hooks, Watcher
    from rsidx.api.index import Index
    from rsidx.api.opening import open  # noqa: A004  (as `rsidx.open`)
    from rsidx.api.snapshot import Snapshot
    from rsidx.api.tokenizers import compare_tokenizer, measure_tokenizer
    from rsidx.api.worktree import Applied
    from rsidx.corpus.outcome import Outcome
    from rsidx.corpus.status import CorpusStatus, StageStatus
    from rsidx.errors import (
        ConfigError,
        CorpusError,
        EvaluationError,
        ExportError,
        IndexInUseError,
        IndexStoreError,
        LockError,
        ManagedHooksError,
        NewerIndexError,
        PlacementError,
        RepositoryError,
        RsidxError,
        TokenizerError,
    )
    from rsidx.evaluation.asking.client import Sampling
    from rsidx.evaluation.asking.predict import PredictCounts
    from rsidx.evaluation.asking.server_tokens import TokenizerComparison
    from rsidx.evaluation.compiler.configuration import CheckSettings
    from rsidx.evaluation.judging.check import CheckCounts
    from rsidx.evaluation.judging.code_check import CodeCheck, CodeError
    from rsidx.evaluation.judging.fetch import FetchCounts
    from rsidx.evaluation.judging.reward import Reward
    from rsidx.evaluation.report.comparison import Comparison
    from rsidx.evaluation.report.report import EvaluationReport, SelfTestReport
    from rsidx.exporters.config import ExportConfig
    from rsidx.exporters.dataset.reader import ShownRow, ShownToken
    from rsidx.exporters.questions.context import ContextAnswer
    from rsidx.exporters.questions.prompt import Prompt
    from rsidx.exporters.questions.uses import Use
    from rsidx.exporters.report.audit import Audit, Fault
    from rsidx.exporters.tokenizer import TokenizerReport
    from rsidx.exporters.verify.dataset import Problem
    from rsidx.hooks.doctor import Finding
    from rsidx.hooks.install import HookState
    from rsidx.indexer.ingest import SyncReport
    from rsidx.indexer.lookup import Location
    from rsidx.indexer.status import Status
    from rsidx.log import LastError
    from rsidx.serving.attempt import Attempt, Completed, Percentiles
    from rsidx.serving.complete import Check, Server, complete
    from rsidx.serving.request import EditRequest
    from rsidx.serving.serve import serve_tools

__version__ = "0.2.0.dev0"
__all__ = [
    "Address",
    "Applied",
    "Attempt",
    "Audit",
    "Check",
    "CheckCounts",
    "CheckSettings",
    "CodeCheck",
    "CodeError",
    "Commit",
    "Comparison",
    "Completed",
    "ConfigError",
    "ContextAnswer",
    "Corpus",
    "CorpusError",
    "CorpusStatus",
    "DataSet",
    "Edit",
    "EditRequest",
    "Evaluation",
    "EvaluationError",
    "EvaluationReport",
    "EvaluationResult",
    "Example",
    "ExportConfig",
    "ExportError",
    "Fault",
    "FetchCounts",
    "Finding",
    "HookState",
    "Hooks",
    "Index",
    "IndexInUseError",
    "IndexStoreError",
    "LastError",
    "Location",
    "LockError",
    "ManagedHooksError",
    "NewerIndexError",
    "Outcome",
    "Percentiles",
    "PlacementError",
    "PredictCounts",
    "Problem",
    "Prompt",
    "Relation",
    "RepositoryError",
    "Reward",
    "Row",
    "RsidxError",
    "Sampling",
    "SelfTestReport",
    "Server",
    "ShownRow",
    "ShownToken",
    "Snapshot",
    "StageStatus",
    "Status",
    "SyncReport",
    "TokenizerComparison",
    "TokenizerError",
    "TokenizerReport",
    "Use",
    "Verification",
    "Watcher",
    "check_code",
    "compare_tokenizer",
    "complete",
    "measure_tokenizer",
    "open",
    "predict",
    "reward",
    "serve_tools",
]

_MODULES = {
    "Address": "rsidx.api.address",
    "Applied": "rsidx.api.worktree",
    "Attempt": "rsidx.serving.attempt",
    "Audit": "rsidx.exporters.report.audit",
    "Check": "rsidx.serving.complete",
    "CheckCounts": "rsidx.evaluation.judging.check",
    "CheckSettings": "rsidx.evaluation.compiler.configuration",
    "CodeCheck": "rsidx.evaluation.judging.code_check",
    "CodeError": "rsidx.evaluation.judging.code_check",
    "Commit": "rsidx.api.commits",
    "Comparison": "rsidx.evaluation.report.comparison",
    "Completed": "rsidx.serving.attempt",
    "ContextAnswer": "rsidx.exporters.questions.context",
    "Corpus": "rsidx.api.corpus",
    "CorpusStatus": "rsidx.corpus.status",
    "DataSet": "rsidx.api.data_set",
    "Edit": "rsidx.api.commits",
    "EditRequest": "rsidx.serving.request",
    "Evaluation": "rsidx.api.evaluation",
    "EvaluationReport": "rsidx.evaluation.report.report",
    "EvaluationResult": "rsidx.api.evaluation",
    "Example": "rsidx.api.examples",
    "ExportConfig": "rsidx.exporters.config",
    "Fault": "rsidx.exporters.report.audit",
    "FetchCounts": "rsidx.evaluation.judging.fetch",
    "Finding": "rsidx.hooks.doctor",
    "HookState": "rsidx.hooks.install",
    "Hooks": "rsidx.api.hooks",
    "Index": "rsidx.api.index",
    "LastError": "rsidx.log",
    "Location": "rsidx.indexer.lookup",
    "Outcome": "rsidx.corpus.outcome",
    "Percentiles": "rsidx.serving.attempt",
    "PredictCounts": "rsidx.evaluation.asking.predict",
    "Problem": "rsidx.exporters.verify.dataset",
    "Prompt": "rsidx.exporters.questions.prompt",
    "Relation": "rsidx.api.data_set",
    "Row": "rsidx.api.data_set",
    "Reward": "rsidx.evaluation.judging.reward",
    "Sampling": "rsidx.evaluation.asking.client",
    "SelfTestReport": "rsidx.evaluation.report.report",
    "Server": "rsidx.serving.complete",
    "ShownRow": "rsidx.exporters.dataset.reader",
    "ShownToken": "rsidx.exporters.dataset.reader",
    "Snapshot": "rsidx.api.snapshot",
    "StageStatus": "rsidx.corpus.status",
    "Status": "rsidx.indexer.status",
    "SyncReport": "rsidx.indexer.ingest",
    "TokenizerComparison": "rsidx.evaluation.asking.server_tokens",
    "TokenizerReport": "rsidx.exporters.tokenizer",
    "Use": "rsidx.exporters.questions.uses",
    "Verification": "rsidx.api.data_set",
    "Watcher": "rsidx.api.hooks",
    "check_code": "rsidx.api.evaluation",
    "compare_tokenizer": "rsidx.api.tokenizers",
    "complete": "rsidx.serving.complete",
    "measure_tokenizer": "rsidx.api.tokenizers",
    "open": "rsidx.api.opening",
    "predict": "rsidx.api.evaluation",
    "reward": "rsidx.api.evaluation",
    "serve_tools": "rsidx.serving.serve",
}
"""Where the names of `__all__` are defined; the others, all errors, are in `rsidx.errors`."""
_DEPRECATED: dict[str, tuple[str, str]] = {}
"""Names that go: the release that goes without them, and the name in their place."""


def __getattr__(name: str) -> Any:
    """Load a public name; say of a deprecated one what to use in its place."""
    if name in _DEPRECATED:
        release, successor = _DEPRECATED[name]
        warnings.warn(
            f"rsidx.{name} goes with rsidx {release}; use rsidx.{successor}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(import_module("rsidx"), successor)
    if name not in __all__:
        raise AttributeError(f"module 'rsidx' has no attribute {name!r}")
    value = getattr(import_module(_MODULES.get(name, "rsidx.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
