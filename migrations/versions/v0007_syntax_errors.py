"""Where a file's syntax errors are; a blob that was read before has them once it is read again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "syntax_errors",
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("ranges", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_syntax_errors_blob_id_blob"),
        sa.PrimaryKeyConstraint("blob_id", name="pk_syntax_errors"),
    )
