"""The tables. Each one's comment says what a row is; `docs/schema.md` is generated from here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = "0008"
"""The newest migration; a database at another version is migrated or refused."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


_SECONDS = BigInteger().with_variant(Integer(), "sqlite")
"""Dates may be after January 2038."""

repository = Table(
    "repository",
    metadata,
    _id(),
    Column(
        "name",
        String,
        nullable=False,
        unique=True,
        comment="shown in examples; the last part of origin's address, or the folder's name, "
        "with what is before it where another repository has that name; or as the user says",
    ),
    Column("object_format", String, nullable=False, comment="`sha1` or `sha256`"),
    Column(
        "root",
        LargeBinary,
        comment="a root commit's id, null for a shallow clone; tells unrelated repositories apart",
    ),
    comment="One row per repository; one in the default database, many in a shared one.",
)

clone = Table(
    "clone",
    metadata,
    Column(
        "id",
        LargeBinary,
        primary_key=True,
        comment="what `rsidx/id` in its git folder holds; the path's digest where nothing can be "
        "written there",
    ),
    Column("repository_id", ForeignKey("repository.id"), nullable=False),
    Column("origin", String, comment="its address, without scheme, user and password"),
    Column(
        "path",
        String,
        comment="its git folder, relative to the index's where that is a file; null for the clone "
        "that the index lies in",
    ),
    comment="One row per clone that was indexed: which repository it is of.",
)

commit = Table(
    "commit",
    metadata,
    _id(),
    Column("repository_id", ForeignKey("repository.id"), nullable=False),
    Column("oid", LargeBinary, nullable=False),
    Column("first_parent", LargeBinary, comment="its id, whether or not it is indexed"),
    Column("other_parents", LargeBinary, comment="the ids of a merge's other parents, joined"),
    Column("generation", _SECONDS, nullable=False, comment="corrected committer date, in seconds"),
    Column("author_time", _SECONDS, nullable=False, comment="seconds since 1970, UTC"),
    Column("committer_time", _SECONDS, nullable=False, comment="seconds since 1970, UTC"),
    Column("message", LargeBinary, nullable=False, comment="UTF-8, zstandard"),
    Column("is_bot", Boolean, nullable=False, comment="by its author; who that is is not kept"),
    Column(
        "state",
        String,
        nullable=False,
        comment="`ok`, `boundary` (shallow: parents are unknown) or `unreadable`",
    ),
    Column(
        "extractor_version",
        Integer,
        nullable=False,
        server_default="0",
        comment="which paths are kept; commits of an older one are listed again",
    ),
    UniqueConstraint("repository_id", "oid"),
    comment="One row per commit seen of a repository.",
)

path = Table(
    "path",
    metadata,
    _id(),
    Column("path", LargeBinary, nullable=False, unique=True, comment="bytes, as git has them"),
    comment="One row per path that was ever changed.",
)

blob = Table(
    "blob",
    metadata,
    _id(),
    Column("oid", LargeBinary, nullable=False, unique=True),
    Column("n_bytes", Integer, nullable=False, comment="0 where the blob could not be read"),
    Column(
        "state",
        String,
        nullable=False,
        comment="`parsed`, `errors` (parsed, with syntax errors), `too_large`, `not_text`, "
        "`missing`, `promised`, `poison` (its parser died or failed) or `forgotten` (on request)",
    ),
    Column("extractor_version", Integer, nullable=False),
    comment="One row per version of a file, shared by all commits and repositories.",
)

change = Table(
    "change",
    metadata,
    Column("commit_id", ForeignKey("commit.id"), primary_key=True),
    Column("path_id", ForeignKey("path.id"), primary_key=True),
    Column("kind", String, nullable=False, comment="`A`, `M`, `D` or `R`"),
    Column("old_path_id", ForeignKey("path.id"), comment="of a rename"),
    Column("old_blob_id", ForeignKey("blob.id"), comment="null where the file is new"),
    Column("new_blob_id", ForeignKey("blob.id"), comment="null where the file is gone"),
    comment="One row per file that a commit changed against its first parent.",
    sqlite_with_rowid=False,
)

base = Table(
    "base",
    metadata,
    Column("commit_id", ForeignKey("commit.id"), primary_key=True),
    Column("path_id", ForeignKey("path.id"), primary_key=True),
    Column("blob_id", ForeignKey("blob.id"), nullable=False),
    comment="One row per file of the tree that a commit stands on, where its first parent is "
    "not indexed: the parent's tree, or the commit's own at a shallow boundary.",
    sqlite_with_rowid=False,
)

dictionary = Table(
    "dictionary",
    metadata,
    _id(),
    Column("content", LargeBinary, nullable=False),
    comment="One row per zstandard dictionary; never changed, since texts refer to it.",
)

chunk = Table(
    "chunk",
    metadata,
    _id(),
    Column(
        "digest",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="BLAKE2b-128 of kind, container and text",
    ),
    Column("kind", String, nullable=False),
    Column("container", String, nullable=False, comment="enclosing containers, outermost first"),
    Column(
        "base_id",
        ForeignKey("chunk.id"),
        comment="the earlier version that the text is compressed against; its id is lower",
    ),
    Column("dictionary_id", ForeignKey("dictionary.id"), comment="null: compressed without one"),
    Column("text", LargeBinary, nullable=False, comment="zstandard"),
    Column("n_bytes", Integer, nullable=False),
    Column("n_lines", Integer, nullable=False, comment="line ends in it"),
    Column("breaks", LargeBinary, comment="where it may be cut: (offset, depth) as differences"),
    comment="One row per distinct (kind, container, text), shared by all blobs that contain it.",
)

blob_chunks = Table(
    "blob_chunks",
    metadata,
    Column("blob_id", ForeignKey("blob.id"), primary_key=True),
    Column("n_chunks", Integer, nullable=False),
    Column(
        "chunk_ids",
        LargeBinary,
        nullable=False,
        comment="of `chunk`, in order: differences as zigzag LEB128 numbers",
    ),
    comment="One row per blob that was parsed; the blob is its chunks in this order.",
)

syntax_errors = Table(
    "syntax_errors",
    metadata,
    Column("blob_id", ForeignKey("blob.id"), primary_key=True),
    Column(
        "ranges",
        LargeBinary,
        nullable=False,
        comment="byte offsets, (start, end) for each, ascending; packed as in `blob_chunks`",
    ),
    comment="One row per blob that was parsed and has syntax errors: where they are.",
)

name = Table(
    "name",
    metadata,
    _id(),
    Column("text", String, nullable=False, unique=True),
    comment="One row per distinct name or path, so that each is stored once.",
)

symbol = Table(
    "symbol",
    metadata,
    Column("chunk_id", ForeignKey("chunk.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name_id", ForeignKey("name.id"), nullable=False, index=True),
    Column("trait_id", ForeignKey("name.id"), comment="the trait's path, for an impl of one"),
    Column("container", String, nullable=False, comment="of a variant: with its enum"),
    Column("visibility", String, nullable=False, comment="empty: private or inherited"),
    Column("is_test", Boolean, nullable=False),
    Column("cfg", Text, nullable=False),
    Column("start", Integer, nullable=False, comment="byte offset in the chunk"),
    Column("end", Integer, nullable=False),
    Column("signature_start", Integer, nullable=False),
    Column("signature_end", Integer, nullable=False),
    Column(
        "type_id",
        ForeignKey("name.id"),
        comment="what it returns, holds, is for or is bounded by; a module's `#[path]`",
    ),
    Column("generics_id", ForeignKey("name.id"), comment="its type parameters with their bounds"),
    comment="One row per definition in a chunk.",
    sqlite_with_rowid=False,
)

import_ = Table(
    "import",
    metadata,
    Column("chunk_id", ForeignKey("chunk.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("path_id", ForeignKey("name.id"), nullable=False, comment="ends in `*` for a glob"),
    Column("alias_id", ForeignKey("name.id"), nullable=False, comment="the name in scope"),
    Column("visibility", String, nullable=False),
    Column("is_test", Boolean, nullable=False),
    Column("cfg", Text, nullable=False),
    comment="One row per leaf of a `use` tree in a chunk.",
    sqlite_with_rowid=False,
)

chunk_references = Table(
    "chunk_references",
    metadata,
    Column("chunk_id", ForeignKey("chunk.id"), primary_key=True),
    Column("n_references", Integer, nullable=False),
    Column(
        "name_ids",
        LargeBinary,
        nullable=False,
        comment="8 times the id in `name` and the kind's number, packed as in `blob_chunks`",
    ),
    comment="One row per chunk that mentions anything: its distinct paths and names, by kind.",
)

manifest = Table(
    "manifest",
    metadata,
    Column("blob_id", ForeignKey("blob.id"), primary_key=True),
    Column("facts", Text, nullable=False, comment="JSON: package, targets, dependencies, members"),
    comment="One row per version of a Cargo.toml or .gitattributes.",
)

ref = Table(
    "ref",
    metadata,
    Column("repository_id", ForeignKey("repository.id"), primary_key=True),
    Column("name", LargeBinary, primary_key=True, comment="full, as in `refs/heads/main`; `HEAD`"),
    Column("tip", LargeBinary, nullable=False),
    comment="One row per ref, with the commit it pointed at when it was last indexed, or when "
    "the hook was installed beside an empty index.",
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("kind", String, primary_key=True, comment="`path`, `blob` or `commit`"),
    Column(
        "value",
        LargeBinary,
        primary_key=True,
        comment="a path, with all that is below it; or an object's id",
    ),
    comment="One row per path, file version or commit whose text was deleted on request; no update "
    "reads it again.",
    sqlite_with_rowid=False,
)

Index("ix_commit_generation", commit.c.repository_id, commit.c.generation)
# Few are not; each sync asks for them. Naming another dialect here would import it: 15 ms a hook.
_is_unsettled = commit.c.state != "ok"
Index(
    "ix_commit_state",
    commit.c.state,
    sqlite_where=_is_unsettled,
)


def keyed_by(parent: Table) -> list[tuple[Table, str]]:
    """Return the tables whose rows are about a row of `parent`, each with the column that names it.

    Their primary key has a foreign key to `parent`, so they are deleted with its row.
    """
    return [
        (table, column.name)
        for table in metadata.sorted_tables
        for column in table.primary_key.columns
        if any(key.column.table is parent for key in column.foreign_keys)
    ]
