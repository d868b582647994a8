"""The fake provider: (seed, search, page number, plan) -> page, and nothing remembered in between.

What a scenario makes of an attempt (latency, faults) is the plan's business, not this package's.
"""

from preview_sim.provider.people import page
from preview_sim.provider.pool import known_locale, locales

__all__ = ["known_locale", "locales", "page"]
