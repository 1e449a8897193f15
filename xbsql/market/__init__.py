"""Markets: a country by its code, with what the Unicode CLDR and the calendars know of it."""

from xbsql.market.country import Market, codes, currencies, market

__all__ = ["Market", "codes", "currencies", "market"]
