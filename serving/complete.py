"""A request answered by a model: prompt, answer and check, until an answer passes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rsidx.api.data_set import DataSet
from rsidx.api.evaluation import check_spot
from rsidx.api.index import Index
from rsidx.api.snapshot import WORKTREE
from rsidx.api.worktree import Applied, FilesOnDisk
from rsidx.errors import EvaluationError, PlacementError, RepositoryError
from rsidx.evaluation.asking.client import Client, Completion, PromptRefusedError, Sampling
from rsidx.evaluation.asking.prompts import RowPrompt
from rsidx.evaluation.compiler.configuration import CheckSettings
from rsidx.exporters.examples.message import with_errors
from rsidx.exporters.questions.prompt import Prompt
from rsidx.indexer.git.discovery import discover
from rsidx.serving.attempt import DONE, Completed, Percentiles
from rsidx.serving.loop import Draw, Judgement, attempts, draws
from rsidx.serving.request import EditRequest


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers as OpenAI's does, and what is asked of it.

    `url` is its address, such as `http://127.0.0.1:8000/v1`; `model` is by default the first that
    it lists. An answer has at most `max_tokens`, and must be there within `timeout_s`. The first
    answer is the likeliest one and later ones are drawn at 0.8, unless there is a `temperature`.
    """

    url: str
    model: str | None = None
    max_tokens: int = Sampling().max_tokens
    temperature: float | None = None
    seed: int = 0
    timeout_s: float = 600


@dataclass(frozen=True, slots=True)
class Check:
    """That answers are checked, as `rsidx check` does; `scratch` is the folder for the clone."""

    settings: CheckSettings = field(default_factory=CheckSettings)
    scratch: Path | None = None


def complete(
    index: Index,
    request: EditRequest,
    server: Server,
    *,
    like: DataSet | str | Path,
    check: Check | None = None,
    tries: int = 3,
    write: bool = False,
    on_text: Callable[[str], None] | None = None,
) -> Completed:
    """Ask a model for an edit of the code on disk, and again with the errors where it is wrong.

    Prompts are those of `Snapshot.prompt` after the edits that are on disk, or of
    `Snapshot.fill_prompt`, as text, in the form of the rows of `like`. With a `check` an answer
    must compile, else it must fit in its place. With `write` such an answer is written to the file;
    where there is none, nothing is. `on_text` is called with each piece of an answer as it comes.

    Raises PlacementError where the place is not there, EvaluationError where the server cannot be
    asked, the prompt is too long for the model, or nothing can be checked.
    """
    data = like if isinstance(like, DataSet) else DataSet(like)
    steps = _Steps(index, request, server, data, check)
    planned = draws(max(1, tries), server.temperature, server.seed)
    asked = list(attempts(steps, planned, on_text or _ignore))
    made = [attempt for attempt, _ in asked]
    last, prompt = asked[-1]
    applied = None
    if last.outcome in DONE:
        applied = steps.apply(last.code.encode(), prompt, write=write)
    return Completed(
        last.outcome,
        last.reason,
        steps.client.model,
        tuple(made),
        applied,
        Percentiles.of([one.prompt_s for one in made]),
        Percentiles.of([one.model_s for one in made]),
        Percentiles.of([one.check_s for one in made]),
    )


class _Steps:
    """The steps of an attempt, for one request; the file must stay what it was."""

    def __init__(
        self,
        index: Index,
        request: EditRequest,
        server: Server,
        data: DataSet,
        check: Check | None,
    ) -> None:
        self._index = index
        self._request = request
        self._server = server
        self._data = data
        self._check = check
        if index.worktree is None:
            raise RepositoryError(f"{index.git_folder} has no worktree")
        self._worktree = index.worktree
        self._files = FilesOnDisk(discover(index.worktree, is_named=True))
        self._source = self._files.read(request.path)
        self.client = Client(server.url, server.model, timeout_s=server.timeout_s)

    def prompt(self, errors: str) -> Prompt:
        request = self._request
        if request.column is not None and request.line is not None:
            return self._index.at(WORKTREE).fill_prompt(
                request.path,
                request.line,
                request.column,
                like=self._data,
                suffix_first=request.suffix_first,
            )
        return self._index.at("HEAD").prompt(
            request.path,
            request.symbol,
            with_errors(request.message, errors),
            like=self._data,
            named=request.named,
            signature=request.signature,
            after_edits=WORKTREE,
            **request.place,
        )

    def ask(self, prompt: Prompt, draw: Draw, on_text: Callable[[str], None]) -> Completion:
        sampling = Sampling(self._server.max_tokens, draw.temperature, draw.seed)
        try:
            asked = RowPrompt("", prompt.text, prompt.messages)
            return self.client.complete(asked, sampling, (prompt.end_token,), on_text=on_text)
        except PromptRefusedError as error:
            n_tokens = len(prompt.input_ids)
            raise EvaluationError(
                f"the prompt, of {n_tokens:,} tokens, is too long for {self.client.model}: {error}"
            ) from error

    def judge(self, code: bytes, prompt: Prompt) -> Judgement:
        if self._check is None:
            try:
                self.apply(code, prompt, write=False)
            except PlacementError as error:
                return Judgement(error.outcome, str(error), _told(str(error)))
            return Judgement("applies")
        spot = self._request.spot(prompt.part)
        settings, scratch = self._check.settings, self._check.scratch
        found = check_spot(self._worktree, spot, code, settings=settings, scratch=scratch)
        return Judgement(found.outcome, found.reason, found.feedback or _told(found.reason))

    def apply(self, code: bytes, prompt: Prompt, *, write: bool) -> Applied:
        """Put the answer into the file; raises PlacementError where that is another one by now."""
        if self._files.read(self._request.path) != self._source:
            raise PlacementError("changed", f"{self._request.path} was changed meanwhile")
        return self._files.apply(self._request.spot(prompt.part), code, write=write)


def _told(reason: str) -> str:
    """Return why code was refused without what a person may do about it, for a model cannot."""
    return reason.partition("; --delete")[0]


def _ignore(_text: str) -> None:
    pass
