"""xbsql on Ray: see `xbsql.surface.cluster`."""

from __future__ import annotations

from xbsql.surface.cluster import *  # noqa: F403
from xbsql.surface.cluster import __all__ as _of_rows
from xbsql.surface.cluster_entities import entities as entities

__all__ = [*_of_rows, "entities"]
