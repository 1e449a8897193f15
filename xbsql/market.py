"""Markets: the countries that xbsql knows by code, with the language and the currency of their shops."""

from __future__ import annotations

from dataclasses import dataclass

from xbsql.errors import unknown


@dataclass(frozen=True)
class Market:
    """A country to sell in.

    Args:
        code: ISO 3166-1 alpha-2, upper case: 'DE'.
        language: ISO 639-1 code of the language that most of its shops write in: 'de'.
        currency: ISO 4217: 'EUR'.
        name: in English: 'Germany'.
    """

    code: str
    language: str
    currency: str
    name: str


_TABLE = """
AE ar AED United Arab Emirates
AR es ARS Argentina
AT de EUR Austria
AU en AUD Australia
BE nl EUR Belgium
BG bg EUR Bulgaria
BR pt BRL Brazil
CA en CAD Canada
CH de CHF Switzerland
CL es CLP Chile
CN zh CNY China
CO es COP Colombia
CZ cs CZK Czechia
DE de EUR Germany
DK da DKK Denmark
EE et EUR Estonia
EG ar EGP Egypt
ES es EUR Spain
FI fi EUR Finland
FR fr EUR France
GB en GBP United Kingdom
GR el EUR Greece
HK zh HKD Hong Kong
HR hr EUR Croatia
HU hu HUF Hungary
ID id IDR Indonesia
IE en EUR Ireland
IL he ILS Israel
IN en INR India
IT it EUR Italy
JP ja JPY Japan
KE en KES Kenya
KR ko KRW South Korea
LT lt EUR Lithuania
LU fr EUR Luxembourg
LV lv EUR Latvia
MX es MXN Mexico
MY ms MYR Malaysia
NG en NGN Nigeria
NL nl EUR Netherlands
NO nb NOK Norway
NZ en NZD New Zealand
PE es PEN Peru
PH en PHP Philippines
PK en PKR Pakistan
PL pl PLN Poland
PT pt EUR Portugal
RO ro RON Romania
RS sr RSD Serbia
RU ru RUB Russia
SA ar SAR Saudi Arabia
SE sv SEK Sweden
SG en SGD Singapore
SI sl EUR Slovenia
SK sk EUR Slovakia
TH th THB Thailand
TR tr TRY Turkey
TW zh TWD Taiwan
UA uk UAH Ukraine
US en USD United States
VN vi VND Vietnam
ZA en ZAR South Africa
"""

MARKETS = {line[:2]: Market(*line.split(maxsplit=3)) for line in _TABLE.split("\n") if line}


def market(code: str) -> Market:
    """The market of a country code, in either case.

    Raises:
        XbsqlError: no such market; names the closest, by code or by name.
    """
    found = MARKETS.get(code.strip().upper())
    if found is None:
        by_name = {known.name.lower(): f" (did you mean '{known.code}'?)" for known in MARKETS.values()}
        problem = unknown("xbsql.market", "market", code, MARKETS)
        raise type(problem)(f"{problem}{by_name.get(code.strip().lower(), '')}")
    return found
