"""xbsql on Ray: see `xbsql.surface.cluster`."""

from __future__ import annotations

from xbsql.surface.cluster import *  # noqa: F403
from xbsql.surface.cluster import __all__ as __all__
