"""SQL: the schema, the statements of each transaction, and the drivers that run them.

A transaction body is `async def body(q)`; it may await nothing but `q`, so that the SQLite driver
can run it atomically inside one step of the loop and PostgreSQL can run it as it stands.
"""

from preview_sim.store.queries import Queries, Store
from preview_sim.store.sqlite import open_sqlite

__all__ = ["Queries", "Store", "open_sqlite"]
