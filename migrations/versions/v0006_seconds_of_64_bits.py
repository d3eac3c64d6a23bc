"""Dates after January 2038 have room on a server; a file's integers always have 64 bits."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for column in ("generation", "author_time", "committer_time"):
        op.alter_column("commit", column, type_=sa.BigInteger(), existing_nullable=False)
