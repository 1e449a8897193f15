"""Columns that look like what is told of persons: names, addresses, phones, e-mails, payment cards, IBANs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.features.drawn import drawn
from xbsql.features.given_names import GIVEN_NAMES
from xbsql.features.roles import as_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MOST_ROWS = 2000
"""Rows of a column, drawn from all, that are looked at."""

MOST_VALUES = 500
"""Distinct values of them."""

MOST_CHARACTERS = 200
"""Characters of a value: an e-mail address at the end of a long text is not looked for."""

NAMED_SHARE = 0.5
"""Share of the values that must fit what the column's name says."""


@dataclass(frozen=True)
class Sign:
    """How a kind of personal data is known.

    Attributes:
        what: what it is called.
        surely: whether a value is such, whatever the column is called.
        share: of the distinct values that must be; chance alone stays far below it.
        fewest: distinct values that must be: one address in all rows is a shop's.
        titled: a column name, in lower case and words, that says so.
        fits: whether a value can be such, under such a name.
    """

    what: str
    surely: Callable[[str], bool]
    share: float
    fewest: int = 2
    titled: re.Pattern[str] | None = None
    fits: Callable[[str], bool] = lambda _: False

    def holds(self, title: str, values: list[str]) -> bool:
        """Whether a column of this name and these distinct values is such."""
        said = self.titled is not None and self.titled.search(title)
        if said and sum(map(self.fits, values)) >= max(NAMED_SHARE * len(values), 1):
            return True
        return sum(map(self.surely, values)) >= max(self.share * len(values), self.fewest)


def personal(table: pa.Table, told: Iterable[str] = ()) -> Mapping[str, str]:
    """What columns of text and whole numbers look like; those that look like nothing personal are left out.

    Args:
        table: any columns.
        told: names of columns that are not looked at.
    """
    left = set(told)
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: kind for name, column in columns if name not in left and (kind := _kind(name, column))}


def _kind(name: str, column: pa.ChunkedArray) -> str | None:
    """What a column looks like."""
    values, title = _values(column), _title(name)
    if not values:
        return None
    return next((sign.what for sign in SIGNS if sign.holds(title, values)), None)


def _values(column: pa.ChunkedArray) -> list[str]:
    """Some of the distinct values as text; none of a column that is no text and no long whole number."""
    kind = kind_of(column.type)
    some = column.take(pa.array(drawn(len(column), MOST_ROWS))).drop_null()
    if kind == "number":
        some = _whole(some)
    elif kind != "text":
        return []
    distinct = pc.unique(as_text(some)).slice(0, MOST_VALUES).to_pylist()
    return [text for value in distinct if (text := value[:MOST_CHARACTERS].strip())]


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as int64 where all are whole and some have seven digits or more, else none of them."""
    none = pa.chunked_array([], pa.int64())
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        found = column.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return none
    return found if len(found) and pc.max(found).as_py() >= 10**6 else none


def _title(name: str) -> str:
    """A column's name in lower case, its words apart: 'CustomerName_2' -> 'customer name 2'."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()


_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Z0-9])")
_CARD = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)


def is_email(text: str) -> bool:
    """Whether an e-mail address stands in a text."""
    return _EMAIL.search(text) is not None


def is_iban(text: str) -> bool:
    """Whether an IBAN stands in a text: letters as numbers, the head at the end, 1 modulo 97 (ISO 13616)."""
    found = _IBAN.search(text)
    if found is None:
        return False
    digits = found[0].replace(" ", "")
    return int("".join(str(int(c, 36)) for c in digits[4:] + digits[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether a text is the number of a payment card: an issuer's prefix and length, and Luhn's check digit.

    Spaces and dashes may stand between digits (ISO/IEC 7812).
    """
    digits = re.sub(r"[ -]", "", text)
    if not digits.isascii() or _CARD.fullmatch(digits) is None:
        return False
    doubled = (sum(divmod(2 * int(c), 10)) for c in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


_PHONE = re.compile(
    r"\+\d{8,15}|\+\d{1,3}[ ()/-][\d ()./-]{5,17}\d|(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"
)
_DIALLED = re.compile(r"[+\d ()./-]{6,24}")


def is_phone(text: str) -> bool:
    """Whether a text is a phone number with its country's code, or as it is written in North America."""
    return _PHONE.fullmatch(text) is not None


def _can_be_phone(text: str) -> bool:
    return _DIALLED.fullmatch(text) is not None and 6 <= sum(map(str.isdigit, text)) <= 15


_STREET = re.compile(
    r"^\d{1,5}[a-z]?,? +(?:[\w.'-]+ +){1,4}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd"
    r"|court|crescent|terrace|highway|hwy)\b"
    r"|\b[\w-]{2,} ?(?:stra(?:ß|ss)e|str\.|gasse|allee|platz|weg) +\d{1,4} ?[a-z]?(?=$|[,;])"
    r"|^\d{1,4}(?: ?bis| ?ter)?,? +(?:rue|avenue|boulevard|chemin|allée|impasse|quai)\b"
    r"|^(?:calle|avenida|c/|via|viale|piazza|corso|rua|ulica|ul\.) +[^\W\d].*\d",
    re.IGNORECASE,
)


def is_address(text: str) -> bool:
    """Whether a text is a street with a number, as six European languages write it."""
    return _STREET.search(text) is not None


def _can_be_address(text: str) -> bool:
    return re.search(r"[^\W\d_]", text) is not None and re.search(r"\d|\s", text) is not None


_WORDS = re.compile(r"[^\W\d_][\w.'\u2019-]*(?:,? [^\W\d_][\w.'\u2019-]*){0,3}")


def is_name(text: str) -> bool:
    """Whether a text is two to four words without a digit, one at either end a common given name."""
    if _WORDS.fullmatch(text) is None or any(map(str.isdigit, text)):
        return False
    words = text.replace(",", " ").lower().split()
    return len(words) > 1 and not GIVEN_NAMES.isdisjoint((words[0], words[-1], words[1]))


def _can_be_name(text: str) -> bool:
    return len(text) <= 60 and _WORDS.fullmatch(text) is not None and not any(map(str.isdigit, text))


_PERSON = re.compile(
    r"\b(?:first|last|middle|full|given|family|maiden|sur|fore)[ ]?names?\b"
    r"|\b(?:customer|client|buyer|recipient|receiver|consignee|contact|patient|employee|user|person|member|guest"
    r"|reviewer|account ?holder|card ?holder)s? ?(?:full ?)?names?\b"
    r"|vorname|nachname|kundenname|empfänger|ansprechpartner"
    r"|pr[eé]nom\b|\bnom (?:de famille|du client|client)\b"
    r"|\bapellidos?\b|\bnombre (?:del? )?cliente\b|\bcognome\b|\bnome (?:do |del )?cliente\b|\bsobrenome\b"
    r"|voornaam|achternaam|\bimi[eę]\b|nazwisko|förnamn|efternamn|\bsoyad"
    r"|氏名|顧客名|姓名|성명|고객명|фамилия"
)
_CALLED = re.compile(
    r"\b(?:tele)?phones?\b|\btel\b|telefon|t[eé]l[eé]phone|tel[eé]fono|\bmobile\b|handynummer|m[oó]vil\b|cellulare"
    r"|celular|\bfax\b|whatsapp|電話|携帯|电话|手机|전화|휴대폰|телефон"
)
_LIVES = re.compile(
    r"^(?!.*\b(?:e ?mail|ip|mac|web|url)\b).*(?:\baddress(?:es)?\b|\bstreet\b|stra(?:ß|ss)e\b|anschrift"
    r"|\badresse\b|direcci[oó]n\b|indirizzo|endere[cç]o|\badres\b|\bulica\b|住所|地址|주소)"
)

SIGNS: Final = (
    Sign("e-mail addresses", is_email, 0.1),
    Sign("IBANs", is_iban, 0.1, fewest=1),
    Sign("payment card numbers", is_card, 0.3),
    Sign("phone numbers", is_phone, 0.5, titled=_CALLED, fits=_can_be_phone),
    Sign("postal addresses", is_address, 0.3, fewest=3, titled=_LIVES, fits=_can_be_address),
    Sign("names of persons", is_name, 0.3, fewest=5, titled=_PERSON, fits=_can_be_name),
)
"""Kinds in the order in which they are asked; what a check digit or a form tells comes first."""
