"""What was taken out for good, so that no later sync takes it in again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forgotten",
        sa.Column("kind", sa.String(), nullable=False, comment="`path`, `blob` or `commit`"),
        sa.Column(
            "value",
            sa.LargeBinary(),
            nullable=False,
            comment="a path, with all that is below it; or an object's id",
        ),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_forgotten")),
        comment="One row per thing whose text was taken out for good and is never taken in again.",
        sqlite_with_rowid=False,
    )
    unsettled = sa.text("state != 'ok'")
    op.create_index(
        op.f("ix_commit_state"),
        "commit",
        ["state"],
        sqlite_where=unsettled,
    )
