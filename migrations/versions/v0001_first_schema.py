"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("oid", sa.LargeBinary(), nullable=False),
        sa.Column(
            "n_bytes", sa.Integer(), nullable=False, comment="0 where the blob could not be read"
        ),
        sa.Column(
            "state",
            sa.String(),
            nullable=False,
            comment="`parsed`, `errors` (parsed, with syntax errors), `too_large`, `not_text`, `missing`, `promised` or `poison` (a parser died on it)",
        ),
        sa.Column("extractor_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
        sa.UniqueConstraint("oid", name=op.f("uq_blob_oid")),
        comment="One row per version of a file, shared by all commits and repositories.",
    )
    op.create_table(
        "dictionary",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionary")),
        comment="One row per zstandard dictionary; never changed, since texts refer to it.",
    )
    op.create_table(
        "name",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name")),
        sa.UniqueConstraint("text", name=op.f("uq_name_text")),
        comment="One row per distinct name or path, so that each is stored once.",
    )
    op.create_table(
        "path",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False, comment="bytes, as git has them"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_path")),
        sa.UniqueConstraint("path", name=op.f("uq_path_path")),
        comment="One row per path that was ever changed.",
    )
    op.create_table(
        "repository",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.String(),
            nullable=False,
            comment="shown in examples; the last part of origin's address, or the folder's name",
        ),
        sa.Column("object_format", sa.String(), nullable=False, comment="`sha1` or `sha256`"),
        sa.Column(
            "root",
            sa.LargeBinary(),
            nullable=True,
            comment="a root commit's id, null for a shallow clone; tells repositories apart",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository")),
        sa.UniqueConstraint("name", name=op.f("uq_repository_name")),
        comment="One row per repository; one in the default database, many in a shared one.",
    )
    op.create_table(
        "blob_chunks",
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("n_chunks", sa.Integer(), nullable=False),
        sa.Column(
            "chunk_ids",
            sa.LargeBinary(),
            nullable=False,
            comment="of `chunk`, in order: differences as zigzag LEB128 numbers",
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_blob_chunks_blob_id_blob")),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_blob_chunks")),
        comment="One row per blob that was parsed; the blob is its chunks in this order.",
    )
    op.create_table(
        "chunk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="BLAKE2b-128 of kind, container and text",
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "container",
            sa.String(),
            nullable=False,
            comment="enclosing containers, outermost first",
        ),
        sa.Column(
            "dictionary_id", sa.Integer(), nullable=True, comment="null: compressed without one"
        ),
        sa.Column("text", sa.LargeBinary(), nullable=False, comment="zstandard"),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("n_lines", sa.Integer(), nullable=False, comment="line ends in it"),
        sa.Column(
            "breaks",
            sa.LargeBinary(),
            nullable=True,
            comment="where it may be cut: (offset, depth), zstandard",
        ),
        sa.ForeignKeyConstraint(
            ["dictionary_id"], ["dictionary.id"], name=op.f("fk_chunk_dictionary_id_dictionary")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk")),
        sa.UniqueConstraint("digest", name=op.f("uq_chunk_digest")),
        comment="One row per distinct (kind, container, text), shared by all blobs that contain it.",
    )
    op.create_table(
        "commit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("oid", sa.LargeBinary(), nullable=False),
        sa.Column(
            "first_parent",
            sa.LargeBinary(),
            nullable=True,
            comment="its id, whether or not it is indexed",
        ),
        sa.Column(
            "other_parents",
            sa.LargeBinary(),
            nullable=True,
            comment="the ids of a merge's other parents, joined",
        ),
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            comment="corrected committer date, in seconds",
        ),
        sa.Column("author_time", sa.Integer(), nullable=False, comment="seconds since 1970, UTC"),
        sa.Column(
            "committer_time", sa.Integer(), nullable=False, comment="seconds since 1970, UTC"
        ),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="UTF-8, zstandard"),
        sa.Column(
            "is_bot", sa.Boolean(), nullable=False, comment="by its author; who that is is not kept"
        ),
        sa.Column(
            "state",
            sa.String(),
            nullable=False,
            comment="`ok`, `boundary` (shallow: parents are unknown) or `unreadable`",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_commit_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commit")),
        sa.UniqueConstraint("repository_id", "oid", name=op.f("uq_commit_repository_id_oid")),
        comment="One row per commit seen of a repository.",
    )
    with op.batch_alter_table("commit", schema=None) as batch_op:
        batch_op.create_index("ix_commit_generation", ["repository_id", "generation"], unique=False)

    op.create_table(
        "manifest",
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column(
            "facts",
            sa.Text(),
            nullable=False,
            comment="JSON: package, targets, dependencies, members",
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_manifest_blob_id_blob")),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_manifest")),
        comment="One row per version of a Cargo.toml.",
    )
    op.create_table(
        "ref",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.LargeBinary(),
            nullable=False,
            comment="full, as in `refs/heads/main`; `HEAD`",
        ),
        sa.Column("tip", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_ref_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("repository_id", "name", name=op.f("pk_ref")),
        comment="One row per ref, with the commit it pointed at when it was last indexed, or when the hook was installed beside an empty index.",
    )
    op.create_table(
        "base",
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_base_blob_id_blob")),
        sa.ForeignKeyConstraint(
            ["commit_id"], ["commit.id"], name=op.f("fk_base_commit_id_commit")
        ),
        sa.ForeignKeyConstraint(["path_id"], ["path.id"], name=op.f("fk_base_path_id_path")),
        sa.PrimaryKeyConstraint("commit_id", "path_id", name=op.f("pk_base")),
        comment="One row per file of the tree that a commit stands on, where its first parent is not indexed: the parent's tree, or the commit's own at a shallow boundary.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change",
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="`A`, `M`, `D` or `R`"),
        sa.Column("old_path_id", sa.Integer(), nullable=True, comment="of a rename"),
        sa.Column("old_blob_id", sa.Integer(), nullable=True, comment="null where the file is new"),
        sa.Column(
            "new_blob_id", sa.Integer(), nullable=True, comment="null where the file is gone"
        ),
        sa.ForeignKeyConstraint(
            ["commit_id"], ["commit.id"], name=op.f("fk_change_commit_id_commit")
        ),
        sa.ForeignKeyConstraint(
            ["new_blob_id"], ["blob.id"], name=op.f("fk_change_new_blob_id_blob")
        ),
        sa.ForeignKeyConstraint(
            ["old_blob_id"], ["blob.id"], name=op.f("fk_change_old_blob_id_blob")
        ),
        sa.ForeignKeyConstraint(
            ["old_path_id"], ["path.id"], name=op.f("fk_change_old_path_id_path")
        ),
        sa.ForeignKeyConstraint(["path_id"], ["path.id"], name=op.f("fk_change_path_id_path")),
        sa.PrimaryKeyConstraint("commit_id", "path_id", name=op.f("pk_change")),
        comment="One row per file that a commit changed against its first parent.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import",
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False, comment="ends in `*` for a glob"),
        sa.Column("alias_id", sa.Integer(), nullable=False, comment="the name in scope"),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("cfg", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alias_id"], ["name.id"], name=op.f("fk_import_alias_id_name")),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunk.id"], name=op.f("fk_import_chunk_id_chunk")),
        sa.ForeignKeyConstraint(["path_id"], ["name.id"], name=op.f("fk_import_path_id_name")),
        sa.PrimaryKeyConstraint("chunk_id", "position", name=op.f("pk_import")),
        comment="One row per leaf of a `use` tree in a chunk.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reference",
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_id", sa.Integer(), nullable=False),
        sa.Column("n_occurrences", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunk.id"], name=op.f("fk_reference_chunk_id_chunk")
        ),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name=op.f("fk_reference_name_id_name")),
        sa.PrimaryKeyConstraint("chunk_id", "kind", "name_id", name=op.f("pk_reference")),
        comment="One row per distinct path or name that a chunk mentions, by kind.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "symbol",
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_id", sa.Integer(), nullable=False),
        sa.Column(
            "trait_id", sa.Integer(), nullable=True, comment="the trait's path, for an impl of one"
        ),
        sa.Column("container", sa.String(), nullable=False, comment="of a variant: with its enum"),
        sa.Column("visibility", sa.String(), nullable=False, comment="empty: private or inherited"),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("cfg", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False, comment="byte offset in the chunk"),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("signature_start", sa.Integer(), nullable=False),
        sa.Column("signature_end", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunk.id"], name=op.f("fk_symbol_chunk_id_chunk")),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name=op.f("fk_symbol_name_id_name")),
        sa.ForeignKeyConstraint(["trait_id"], ["name.id"], name=op.f("fk_symbol_trait_id_name")),
        sa.PrimaryKeyConstraint("chunk_id", "position", name=op.f("pk_symbol")),
        comment="One row per definition in a chunk.",
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("symbol", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_symbol_name_id"), ["name_id"], unique=False)
