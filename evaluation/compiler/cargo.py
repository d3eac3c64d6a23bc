"""Running cargo in a workspace, in a sandbox, without the network."""

import posixpath
import re
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.evaluation.compiler.configuration import CheckCommand, digest
from rsidx.evaluation.compiler.diagnostics import Diagnostic, read_messages
from rsidx.evaluation.compiler.toolchain import Toolchain
from rsidx.evaluation.compiler.workspace import Workspace
from rsidx.evaluation.sandbox.process import Finished, run
from rsidx.evaluation.sandbox.sandbox import Places, Sandbox, environment

_CONFIGURATIONS = ("config.toml", "config")
_OF_HOME = ("registry", "git", *_CONFIGURATIONS)
"""What a check reads of somebody's cargo home: not what else is there, such as keys."""
_MAX_SAID_CHARS = 600
_RESOLVE_TIMEOUT_S = 120
_FETCH_TIMEOUT_S = 1800
_DEPENDENCIES = re.compile(
    r"no matching package|failed to select a version|failed to (?:get|download|load source|fetch)"
    r"|offline|unable to update|failed to query replaced source|failed to read root of directory"
    r"|checksum (?:of|for)|unable to get packages|attempting to make an HTTP request"
    r"|no prefer(?:red)? version|failed to resolve patches|perhaps a crate was updated"
)
_LOCK = re.compile(r"Cargo\.lock needs to be updated|cannot (?:update|create) the lock file")
_SIGNAL = re.compile(r"\(signal: (\d+)")
_KILL, _TIME = 9, 24
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the tree: its manifest, and the folder of the workspace that it belongs to.

    `build_script` is that of the package, whether or not it is there; `is_macro` tells whether it
    has procedural macros. Paths are below the tree; an empty one is the tree itself.
    """

    manifest: str
    workspace: str
    build_script: str
    is_macro: bool

    @classmethod
    def of(cls, manifest: str, table: dict[str, Any], workspace: str) -> "Package":
        """Return a package by what its manifest says."""
        package, library = table.get("package", {}), table.get("lib", {})
        named = package.get("build") if isinstance(package, dict) else None
        script = named if isinstance(named, str) else "build.rs"
        is_macro = isinstance(library, dict) and bool(
            library.get("proc-macro") or library.get("proc_macro")
        )
        path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), script))
        return cls(manifest, workspace, path, is_macro)

    def runs(self, path: str) -> bool:
        """Tell whether a check runs the code of a file: a build script's, or a macro's."""
        folder = posixpath.dirname(self.build_script)
        is_beside = folder != posixpath.dirname(self.manifest) and path.startswith(f"{folder}/")
        return self.is_macro or path == self.build_script or is_beside

    @property
    def lock(self) -> str:
        """The path of its Cargo.lock."""
        return posixpath.join(self.workspace, "Cargo.lock")


@dataclass(frozen=True, slots=True)
class Build:
    """What came of a check.

    `outcome` is `ok`, `errors` (the compiler found some), `failed` (a build script failed, or
    cargo), `dependencies` (crates are not there), `lock` (Cargo.lock does not fit), `timeout` or
    `killed`. `is_rebuilt` tells whether the edit's package was compiled. `said` is what cargo said
    where the compiler reported nothing.
    """

    outcome: str
    errors: tuple[Diagnostic, ...]
    is_rebuilt: bool
    said: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Access:
    """What a command may do besides reading the tree; `target` is another target folder."""

    is_tree_writable: bool = False
    has_network: bool = False
    target: Path | None = None


_CHECK = _Access()


class Cargo:
    """Runs cargo for one workspace; `stop` ends what is running."""

    def __init__(
        self,
        workspace: Workspace,
        toolchain: Toolchain,
        sandbox: Sandbox,
        home: Path,
        stop: threading.Event,
    ) -> None:
        self._workspace = workspace
        self._toolchain = toolchain
        self._sandbox = sandbox
        self._home = home
        # `scratch/workers/0/tree`: a cargo home in it has nothing of the user's.
        self._scratch = workspace.tree.parents[2]
        self._stop = stop
        self._packages: dict[tuple[str, str], Package | None] = {}
        self._locked: tuple[str, set[str]] = ("", set())

    @property
    def _tree(self) -> str:
        """What the tree is called inside of the sandbox."""
        places = Places(self._workspace.tree, self._workspace.target, self._workspace.temporary)
        return self._sandbox.inside(places).tree

    def package_of(self, path: str) -> Package | None:
        """Return the package whose folder a file is in; None where there is none."""
        key = self._workspace.commit, posixpath.dirname(path)
        if key not in self._packages:
            self._packages[key] = self._find_package(key[1])
        return self._packages[key]

    def _find_package(self, folder: str) -> Package | None:
        manifests = [posixpath.join(one, "Cargo.toml") for one in _upwards(folder)]
        tables = {one: self._manifest(one) for one in manifests}
        own = next((one for one, table in tables.items() if "package" in table), None)
        if own is None:
            return None
        above = [one for one in manifests[manifests.index(own) + 1 :] if tables[one]]
        workspace = posixpath.dirname(own)
        if "workspace" not in tables[own] and above:
            workspace = self._workspace_of(own, workspace)
        return Package.of(own, tables[own], workspace)

    def _manifest(self, path: str) -> dict[str, Any]:
        try:
            return tomllib.loads((self._workspace.read(path) or b"").decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
            return {}

    def _workspace_of(self, manifest: str, folder: str) -> str:
        done = self._run(
            ("locate-project", "--workspace", "--message-format=plain"),
            manifest,
            _RESOLVE_TIMEOUT_S,
        )
        tree = self._tree
        found = done.output.decode("utf-8", "replace").strip()
        if done.status != 0 or not found.startswith(f"{tree}/"):
            return folder
        return posixpath.dirname(found.removeprefix(f"{tree}/"))

    def lock(
        self, package: Package, *, unlocked: bool, has_network: bool = False
    ) -> tuple[str, bytes | None]:
        """Make sure that there is a Cargo.lock, which a check leaves as it is.

        Returns whether it is the commit's own (`commit`), or one that was made of the crates that
        are there (`resolved`), and its content; None where none could be made.
        """
        file = self._workspace.tree / package.lock
        commit, made = self._locked
        if commit != self._workspace.commit:
            made = set()
            self._locked = self._workspace.commit, made
        if package.lock not in made and file.is_file() and not file.is_symlink():
            if not unlocked:
                return "commit", file.read_bytes()
            file.unlink()
        if package.lock not in made:
            self._generate_lock(package, has_network=has_network)
            made.add(package.lock)
        is_there = file.is_file() and not file.is_symlink()
        return "resolved", file.read_bytes() if is_there else None

    def check(
        self, command: CheckCommand, package: Package, timeout_s: float, *, is_target_kept: bool
    ) -> Build:
        """Run a check of the tree as it is now.

        Without `is_target_kept` it builds in a copy of the target folder, which goes with it.
        """
        flags = (
            "--offline",
            "--locked",
            "--ignore-rust-version",
            "--message-format=json",
            "--quiet",
        )
        manifest = "" if command.chooses_packages else package.manifest
        variables = {"RUSTFLAGS": command.rustflags} if command.rustflags is not None else {}
        arguments = ("check", *flags, *command.arguments)
        if is_target_kept:
            done = self._run(arguments, manifest, timeout_s, _CHECK, variables)
        else:
            with self._workspace.target_copy() as copy:
                done = self._run(arguments, manifest, timeout_s, _Access(target=copy), variables)
        tree = self._tree
        messages = read_messages(done.output, tree, package.workspace)
        said = _said(done.errors)
        return Build(
            outcome=_outcome(done, messages.errors, said, is_complete=messages.is_complete),
            errors=messages.errors,
            is_rebuilt=package.manifest in messages.manifests,
            said=said,
            seconds=done.seconds,
        )

    def _generate_lock(self, package: Package, *, has_network: bool) -> Finished:
        return self._run(
            ("generate-lockfile", *(() if has_network else ("--offline",))),
            package.manifest,
            _FETCH_TIMEOUT_S if has_network else _RESOLVE_TIMEOUT_S,
            _Access(is_tree_writable=True, has_network=has_network),
        )

    def fetch(self, package: Package, *, unlocked: bool) -> str:
        """Fetch the crates that a package's workspace asks for, with the network.

        They go into the cargo home. Returns what cargo said where that failed, else nothing.
        """
        _, lock = self.lock(package, unlocked=unlocked, has_network=True)
        if lock is None:
            return _said(self._generate_lock(package, has_network=True).errors)
        access = _Access(has_network=True)
        done = self._run(("fetch", "--locked"), package.manifest, _FETCH_TIMEOUT_S, access)
        return _said(done.errors) if done.status else ""

    def configuration_digest(self) -> str:
        """Return a digest of cargo's configuration outside of the tree, and of the sandbox."""
        files = [self._home / name for name in _CONFIGURATIONS]
        texts = [file.read_bytes() for file in files if file.is_file()]
        return digest(self._sandbox.name, str(self._home), *texts)

    def _places(self, access: _Access) -> Places:
        read = _replaced_sources(self._home)
        # Where the toolchain is the system's own, it is there anyway.
        if not self._toolchain.folder.is_relative_to("/usr"):
            read.append(self._toolchain.folder)
        if not self._toolchain.cargo.is_relative_to(self._toolchain.folder):
            read.append(self._toolchain.cargo)
        if not access.has_network:
            parts = [self._home / name for name in _OF_HOME if (self._home / name).exists()]
            read += [self._home] if self._home.is_relative_to(self._scratch) else parts
        return Places(
            self._workspace.tree,
            access.target or self._workspace.target,
            self._workspace.temporary,
            read=tuple(read),
            write=(self._home,) if access.has_network else (),
            is_tree_writable=access.is_tree_writable,
            has_network=access.has_network,
        )

    def _run(
        self,
        arguments: Sequence[str],
        manifest: str,
        timeout_s: float,
        access: _Access = _CHECK,
        variables: Mapping[str, str] = _NOTHING,
    ) -> Finished:
        places = self._places(access)
        inside = self._sandbox.inside(places)
        of_package = (
            (f"--manifest-path={posixpath.join(inside.tree, manifest)}",) if manifest else ()
        )
        # `locate-project` and the others take the option behind their name.
        program = [str(self._toolchain.cargo), arguments[0], *of_package, *arguments[1:]]
        return run(
            self._sandbox.command(program, places),
            environment=environment(
                {
                    "PATH": f"{self._toolchain.rustc.parent}:/usr/bin:/bin",
                    "CARGO_HOME": str(self._home),
                    "CARGO_TARGET_DIR": inside.target,
                    "TMPDIR": inside.temporary,
                    "CARGO_BUILD_JOBS": "1",
                    "CARGO_INCREMENTAL": "1",
                    "CARGO_TERM_COLOR": "never",
                    # Whatever a repository's own configuration names in their place.
                    "RUSTC": str(self._toolchain.rustc),
                    "RUSTC_WRAPPER": "",
                    "RUSTC_WORKSPACE_WRAPPER": "",
                    **variables,
                }
            ),
            timeout_s=timeout_s,
            stop=self._stop,
            folder=str(self._workspace.tree),
        )


def _upwards(folder: str) -> list[str]:
    """Return a folder of the tree and those above it, up to the tree itself."""
    found = [folder]
    while found[-1]:
        found.append(posixpath.dirname(found[-1]))
    return found


def _replaced_sources(home: Path) -> list[Path]:
    """Return the folders of crates that the configuration in a cargo home names."""
    found = []
    for name in _CONFIGURATIONS:
        try:
            table = tomllib.loads((home / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        sources = table.get("source", {})
        for source in sources.values() if isinstance(sources, dict) else ():
            for key in ("directory", "local-registry"):
                path = source.get(key) if isinstance(source, dict) else None
                if isinstance(path, str) and (home.parent / path).is_dir():
                    # A relative path is relative to the folder above the configuration's.
                    found.append(home.parent / path)
    return found


def _said(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").splitlines()
    kept = [line.strip() for line in lines if line.strip()]
    start = next((n for n, line in enumerate(kept) if line.startswith("error")), 0)
    return " ".join(kept[start:])[:_MAX_SAID_CHARS]


def _outcome(
    done: Finished, errors: tuple[Diagnostic, ...], said: str, *, is_complete: bool
) -> str:
    if done.is_timeout:
        return "timeout"
    signals = {int(number) for number in _SIGNAL.findall(said)}
    if done.status < 0 or done.status > 128 or _KILL in signals:
        return "killed"
    if _TIME in signals:
        return "timeout"
    if done.status == 0:
        return "ok" if is_complete else "failed"
    if errors:
        return "errors"
    if not is_complete and _LOCK.search(said):
        return "lock"
    if not is_complete and _DEPENDENCIES.search(said):
        return "dependencies"
    return "failed"
