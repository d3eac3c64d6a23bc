"""A commit says which version of the extractor listed its changes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("commit", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "extractor_version",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="which paths are kept; commits of an older one are listed again",
            )
        )
    # Commits were listed again before blobs were read again: none is older than the oldest blob.
    op.execute(
        """
        UPDATE "commit" SET extractor_version = coalesce(
            (SELECT min(extractor_version) FROM blob WHERE state != 'forgotten'), 0)
        """
    )
