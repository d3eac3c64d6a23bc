"""A version of a chunk is kept as what differs from the version before it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chunk", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "base_id",
                sa.Integer(),
                nullable=True,
                comment=(
                    "the earlier version that the text is compressed against; its id is lower"
                ),
            )
        )
        batch_op.create_foreign_key(op.f("fk_chunk_base_id_chunk"), "chunk", ["base_id"], ["id"])
