"""What texts of a column look like: numbers, dates, amounts in several units or currencies, placeholders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.features.roles import as_text, kind_of, looked_at
from xbsql.harmonise.blank import LONGEST, is_placeholder
from xbsql.harmonise.contradictions import Finding, quoted
from xbsql.harmonise.units import meant, words
from xbsql.harmonise.written import read_dates, read_numbers
from xbsql.market import currencies, market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xbsql.harmonise.units import Unit

OPPOSITES = {
    "-": "+", "нет": "да", "无": "有", "無": "有", "なし": "あり", "無し": "有り", "없음": "있음",
    "yok": "var", "nincs": "van", "няма": "има", "немає": "є",
}  # fmt: skip
"""Placeholders that are an answer where their opposite occurs in the same column."""

MARKETS = ("US", "DE", "FR", "CH", "IN")
"""A market for each way to write numbers; the first and second differ in the order of dates, too."""

DATE_MARKETS = ("DE", "US", "JP")
MOST = 0.95
"""Share of the values from which on a column is taken for what they are."""

MOST_VALUES = 5000
"""Distinct values that are looked at."""

_HEAD = 50
_MARKED = r"\d[.,\x{2019}' ]\d"
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
_CODES = {
    "id", "ids", "key", "nr", "no", "code", "codes", "sku", "asin", "ean", "gtin", "upc", "isbn", "hs", "zip",
    "postcode", "plz", "phone",
}  # fmt: skip
_SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "₩": "KRW",
    "₹": "INR",
    "zł": "PLN",
    "円": "JPY",
    "元": "CNY",
    "Kč": "CZK",
    "₽": "RUB",
}
_TOKEN = re.compile(r"[^\d\s.,'\u2019\u00a0\u202f+-]+")


class Reading(NamedTuple):
    """How a column's texts are read.

    Attributes:
        market: the code of a market that reads most of them.
        others: codes of markets that read as many, but other values.
        whole: whether it reads all of them.
    """

    market: str
    others: tuple[str, ...]
    whole: bool


def written(table: pa.Table, label: str | None) -> Iterator[Finding]:
    """Numbers and dates that are text, but for the label, and amounts of several units or currencies."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = distinct(column)
        if name == label or not len(values):
            continue
        if (dates := reading(values, read_dates, DATE_MARKETS)) is not None:
            yield _as_text(name, values, "dates", "parse_date", dates)
        elif not are_codes(name, values) and (numbers := reading(values, read_numbers, MARKETS)) is not None:
            yield _mixed(name, values, numbers) or _as_text(name, values, "numbers", "parse_number", numbers)


def placeholders(table: pa.Table, label: str | None) -> Iterator[Finding]:
    """Texts that stand for no value."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if kind_of(column.type) != "text":
            continue
        texts = as_text(column)
        found = blanks(pc.unique(texts))
        rows = pc.fill_null(pc.is_in(texts, pa.array(found, texts.type)), False)
        count = pc.sum(rows).as_py() or 0
        if count and count < len(column) - column.null_count:
            shown = ", ".join(f"'{text}'" for text in sorted(found)[:6])
            problem = f"'{name}' has {count} rows of {shown}, which stand for no value"
            plain = sorted({text.strip(" ").lower() for text in found})
            ways = ", ".join("'" + text.replace("'", "''") + "'" for text in plain)
            text = quoted(name)
            remedy = f"CASE WHEN lower(trim({text})) NOT IN ({ways}) THEN {text} END AS {text}"
            yield Finding("error" if name == label else "warning", name, problem, remedy)


def blanks(values: pa.Array) -> list[str]:
    """Those of some texts that stand for no value; beside 'да' a 'нет' is one."""
    short = pc.less_equal(pc.utf8_length(pc.utf8_trim_whitespace(values)), LONGEST)
    texts = [text for text in values.filter(short).to_pylist() if text is not None]
    bare = {text.strip().lower() for text in texts}
    answers = {text for text, other in OPPOSITES.items() if other in bare}
    return [text for text in texts if text.strip().lower() not in answers and is_placeholder(text)]


def distinct(column: pa.ChunkedArray) -> pa.Array:
    """The distinct texts of a column that stand for a value, at most `MOST_VALUES`; none of another type."""
    if kind_of(column.type) != "text":
        return pa.array([], pa.string())
    values = pc.unique(as_text(looked_at(column))).drop_null().slice(0, MOST_VALUES)
    return values.filter(pc.invert(pc.is_in(values, pa.array(blanks(values), values.type)))).cast(pa.string())


def reading(
    values: pa.Array, read: Callable[..., tuple[pa.Array, pa.Array]], codes: tuple[str, ...]
) -> Reading | None:
    """The market that reads most of the values; None where none reads `MOST` of them."""
    head = values.slice(0, _HEAD)
    if max(len(head) - read(head, market(code))[0].null_count for code in codes) < len(head) / 2:
        return None
    found = {code: read(values, market(code))[0] for code in codes}
    counts = {code: len(each) - each.null_count for code, each in found.items()}
    best = max(codes, key=lambda code: counts[code])
    if counts[best] < MOST * len(values):
        return None
    rivals = [code for code in codes if counts[code] == counts[best] and not found[code].equals(found[best])]
    return Reading(best, tuple(rivals), counts[best] == len(values))


def is_marked(values: pa.Array) -> bool:
    """Whether some have a mark, a word or a sign beside the digits: bare digits may be codes or classes."""
    return bool(pc.any(pc.match_substring_regex(values, rf"{_MARKED}|\pL|\p{{Sc}}")).as_py())


def are_codes(name: str, values: pa.Array) -> bool:
    """Whether bare digits are codes: the column is named so, or some begin with a nought, '00123'."""
    if is_marked(values):
        return False
    return bool(_CODES & set(words(name)) or pc.any(pc.match_substring_regex(values, r"^0\d+$")).as_py())


def _as_text(name: str, values: pa.Array, what: str, function: str, how: Reading) -> Finding:
    call = f"xb.{'' if how.whole else 'try_'}{function}"
    if what == "dates" and pc.all(pc.match_substring_regex(values, _ISO_TIME)).as_py():
        remedy = f"TRY_CAST({quoted(name)} AS TIMESTAMP) AS {quoted(name)}"
        return Finding("warning", name, f"'{name}' holds times as text, '{values[0].as_py()[:60]}'", remedy)
    ways = [f"{call}({quoted(name)}, '{code}') AS {quoted(name)}" for code in (how.market, *how.others)]
    open_ = "which part is the month" if what == "dates" else "what the mark means"
    unsure = f", and {open_} cannot be told" if how.others else ""
    problem = f"'{name}' holds {what} as text, '{values[0].as_py()[:60]}'{unsure}"
    return Finding("warning", name, problem, " -- or ".join(ways))


def _mixed(name: str, values: pa.Array, how: Reading) -> Finding | None:
    """Amounts of several units of one dimension, or of several currencies."""
    tokens = sorted({match[0] for text in values.to_pylist() for match in [_TOKEN.search(text)] if match})
    column, number = quoted(name), f"xb.parse_number({quoted(name)}, '{how.market}')"
    held = {token: meant(token) for token in tokens}
    sure: dict[str, Unit] = {token: units[0] for token, units in held.items() if len(units) == 1}
    if (
        len({unit.name for unit in sure.values()}) > 1
        and len({unit.dimension for unit in sure.values()}) == 1
    ):
        names = ", ".join(sorted({unit.name for unit in sure.values()}))
        into = sorted(unit.name for unit in sure.values())[0]
        text = f"regexp_extract({column}, '[^\\d\\s.,-]+')"
        remedy = f"xb.convert({number}, {text}, '{into}') AS {quoted(f'{name}_{into}')}"
        whole = len(sure) == len(tokens)
        return Finding(
            "error", name, f"'{name}' holds amounts in {names}", remedy if whole else "one unit for all rows"
        )
    money = {
        token: _SYMBOLS.get(token, token.upper())
        for token in tokens
        if token.upper() in currencies() or token in _SYMBOLS
    }
    dollars = {token for token in tokens if token.endswith(("$", "¥", "kr"))}
    if len(set(money.values())) + bool(dollars) < 2:
        return None
    names = ", ".join(sorted({*money.values(), *dollars}))
    into = sorted(money.values())[0]
    cases = " ".join(
        f"WHEN contains({column}, '{token}') THEN '{code}'" for token, code in sorted(money.items())
    )
    remedy = (
        f"xb.to_currency({number}, CASE {cases} END, '{into}', rates) AS {quoted(f'{name}_{into.lower()}')}"
    )
    return Finding(
        "error",
        name,
        f"'{name}' holds amounts in {names}",
        "one currency for all rows" if dollars else remedy,
    )
