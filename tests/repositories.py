"""Repositories for tests: made by git, with ids that are the same in every run."""

import os
import shutil
import subprocess

WORDS = ", in more words"
"""What makes a short message long enough for an export."""


class Repo:
    """A real repository with a fixed author and a clock of its own, so that ids are stable."""

    empty = None
    """What `git init` makes: copied, it is the same in a third of the time."""

    def __init__(self, path, *init):
        self.path = path
        self.time = 1_700_000_000
        self.inherited = ()
        """Descriptors that git passes on to its hooks, and these to what they start."""
        if init or self.empty is None or (path / ".git").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.git("init", "-q", "-b", "main", *init)
        else:
            shutil.copytree(self.empty, path / ".git")

    def git(self, *args, check=True, status=False, stdin=None, **variables):
        date = f"{self.time} +0000"
        env = {
            **os.environ,
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.com",
            "GIT_COMMITTER_NAME": "C O Mitter",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_DATE": date,
            "GIT_EDITOR": "true",
            **variables,
        }
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env=env,
            check=False,
            capture_output=True,
            input=stdin,
            pass_fds=self.inherited,
        )
        if status:
            return done.returncode
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files):
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    padding = ""
    """What is put behind a short message."""

    def commit(self, message="change", files=None, **variables):
        message = self.padded(message)
        self.write(files or {})
        self.time += 60
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, **variables)
        return self.head()

    def commits(self, changes):
        """Commit each message with its files, all in one process; what else is on disk goes."""
        # From git's files: asking git takes as long as the import.
        branch = (self.path / ".git" / "HEAD").read_text().removeprefix("ref: ").strip()
        is_there = (self.path / ".git" / branch).exists()
        begins = not is_there and self.git("for-each-ref", branch) == ""
        stream = []
        for message, files in changes:
            self.time += 60
            stream += [
                f"commit {branch}",
                f"author A U Thor <author@example.com> {self.time} +0000",
                f"committer C O Mitter <committer@example.com> {self.time} +0000",
                *data(f"{self.padded(message)}\n"),
                *([] if begins else [f"from {branch}^0"]),
            ]
            begins = True  # Of this stream: what follows goes on from it.
            for name, content in files.items():
                stream += [f"M 100644 inline {name}", *data(content)]
        self.git("fast-import", "--quiet", stdin="\n".join([*stream, ""]).encode())
        self.git("reset", "-q", "--hard")

    def padded(self, message):
        return message + self.padding if len(message) < 10 else message

    def fill_from(self, other):
        """Become a copy of another repository and of what lies in it, such as its index."""
        shutil.copytree(other.path, self.path, symlinks=True, dirs_exist_ok=True)
        self.time = other.time

    def head(self):
        """Return the commit that is checked out; from git's files where that is simple."""
        folder = self.path / ".git"
        head = folder / "HEAD"
        if head.is_file():
            text = head.read_text().strip()
            branch = folder / text.removeprefix("ref: ")
            if not text.startswith("ref: "):
                return text
            if branch.is_file():
                return branch.read_text().strip()
        return self.git("rev-parse", "HEAD")

    def blob(self, revision, path):
        return self.content(f"{revision}:{path}")

    def content(self, blob):
        return subprocess.run(
            ["git", "-C", str(self.path), "cat-file", "blob", blob],
            check=True,
            capture_output=True,
        ).stdout


def data(text):
    """Return the lines of a stream for `git fast-import` that hold a text."""
    return f"data {len(text.encode())}", text
