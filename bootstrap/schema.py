"""The whole schema: the tables of every layer, for Alembic and for tests that compare it with a migrated database."""

from bootstrap.tables import lms_key
from engine.tables import lms_grant
from eventstore.tables import metadata
from integrations.tables import lms_inbox

TABLES_OF_LAYERS = (lms_key, lms_grant, lms_inbox)
"""One table of each module that declares tables on `metadata`: importing it declares the others, too."""

__all__ = ["metadata"]
