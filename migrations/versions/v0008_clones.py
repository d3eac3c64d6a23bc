"""Which repository a clone is of; one that was indexed before is recorded by its next update."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clone",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_clone_repository_id_repository"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clone"),
    )
