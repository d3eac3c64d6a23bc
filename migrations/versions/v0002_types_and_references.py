"""Types of symbols, and references packed; the next sync makes the facts anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table(
        "symbol", schema=None, recreate="always", table_kwargs={"sqlite_with_rowid": False}
    ) as batch_op:
        batch_op.add_column(
            sa.Column(
                "type_id",
                sa.Integer(),
                nullable=True,
                comment="what it returns, holds, is for or is bounded by; a module's `#[path]`",
            )
        )
        batch_op.add_column(
            sa.Column(
                "generics_id",
                sa.Integer(),
                nullable=True,
                comment="its type parameters with their bounds",
            )
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_symbol_type_id_name"), "name", ["type_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_symbol_generics_id_name"), "name", ["generics_id"], ["id"]
        )
    op.drop_table("reference")
    op.create_table(
        "chunk_references",
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("n_references", sa.Integer(), nullable=False),
        sa.Column(
            "name_ids",
            sa.LargeBinary(),
            nullable=False,
            comment="8 times the id in `name` and the kind's number, packed as in `blob_chunks`",
        ),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunk.id"], name=op.f("fk_chunk_references_chunk_id_chunk")
        ),
        sa.PrimaryKeyConstraint("chunk_id", name=op.f("pk_chunk_references")),
        comment="One row per chunk that mentions anything: its distinct paths and names, by kind.",
    )
