"""The common words for money and for many, which the CLDR does not have."""

from __future__ import annotations

THOUSANDS = {"k": 1e3, "K": 1e3, "thousand": 1e3, "thousands": 1e3}
MILLIONS = {"M": 1e6, "mln": 1e6, "mio": 1e6, "Mio": 1e6, "million": 1e6, "millions": 1e6}
EVERYWHERE = THOUSANDS | MILLIONS
"""Words for many that mean one thing in every market."""

ENGLISH = {
    "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9, "billions": 1e9, "tn": 1e12,
    "trn": 1e12, "trillion": 1e12, "trillions": 1e12, "hundred": 1e2, "dozen": 12.0,
}  # fmt: skip
"""Further ones of English; elsewhere a billion may be a thousand times as much."""

SOUTH_ASIAN = {
    "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5, "crore": 1e7, "crores": 1e7, "cr": 1e7, "Cr": 1e7,
    "L": 1e5,
    "लाख": 1e5, "करोड़": 1e7, "हज़ार": 1e3,
}  # fmt: skip

_HAN = {"千": 1e3, "万": 1e4, "萬": 1e4, "億": 1e8, "亿": 1e8, "兆": 1e12}
_HANGUL = {"천": 1e3, "만": 1e4, "억": 1e8, "조": 1e12}
_TENS = {"十": 1e1, "百": 1e2, "千": 1e3, "십": 1e1, "백": 1e2, "천": 1e3}
CHINESE_NUMERALS = {
    many + large: _TENS.get(many, 1.0) * factor
    for many in ("", "十", "百", "千")
    for large, factor in _HAN.items()
    if not (many and large == "千")
}
KOREAN_NUMERALS = {
    many + large: _TENS.get(many, 1.0) * factor
    for many in ("", "십", "백", "천")
    for large, factor in _HANGUL.items()
    if not (many and large == "천")
}

BY_LANGUAGE = {
    "en": ENGLISH,
    "de": {"Tsd": 1e3, "Tsd.": 1e3, "T": 1e3, "tsd": 1e3, "Mill": 1e6, "Mia": 1e9, "Mrd": 1e9, "Mrd.": 1e9},
    "fr": {"mille": 1e3, "Md": 1e9, "Mds": 1e9, "Mrd": 1e9},
    "es": {"mil": 1e3, "miles": 1e3, "millón": 1e6, "millones": 1e6},
    "pt": {"mil": 1e3, "milhão": 1e6, "milhões": 1e6, "bilhão": 1e9, "bilhões": 1e9},
    "it": {"mila": 1e3, "mille": 1e3, "Mld": 1e9, "mld": 1e9, "mrd": 1e9},
    "nl": {"duizend": 1e3, "dzd": 1e3, "miljoen": 1e6, "mld": 1e9, "mrd": 1e9, "miljard": 1e9},
    "pl": {"tys": 1e3, "mld": 1e9, "mlrd": 1e9},
    "cs": {"tis": 1e3, "mil": 1e6, "mld": 1e9},
    "sk": {"tis": 1e3, "mil": 1e6, "mld": 1e9},
    "sv": {"tusen": 1e3, "tkr": 1e3, "milj": 1e6, "miljoner": 1e6, "Mkr": 1e6, "mkr": 1e6, "mdr": 1e9},
    "da": {"tusind": 1e3, "mia": 1e9, "mio": 1e6},
    "nb": {"tusen": 1e3, "mill": 1e6, "mrd": 1e9},
    "no": {"tusen": 1e3, "mill": 1e6, "mrd": 1e9},
    "fi": {"t": 1e3, "milj": 1e6, "mrd": 1e9},
    "ru": {"тыс": 1e3, "т": 1e3, "млн": 1e6, "млрд": 1e9, "трлн": 1e12},
    "uk": {"тис": 1e3, "млн": 1e6, "млрд": 1e9, "трлн": 1e12},
    "tr": {"bin": 1e3, "milyon": 1e6, "milyar": 1e9},
    "vi": {"nghìn": 1e3, "ngàn": 1e3, "triệu": 1e6, "tr": 1e6, "tỷ": 1e9, "tỉ": 1e9, "k": 1e3},
    "id": {"ribu": 1e3, "rb": 1e3, "juta": 1e6, "jt": 1e6, "miliar": 1e9, "M": 1e9},
    "th": {"พัน": 1e3, "หมื่น": 1e4, "แสน": 1e5, "ล้าน": 1e6},
    "ja": CHINESE_NUMERALS,
    "zh": CHINESE_NUMERALS | {"w": 1e4, "W": 1e4},
    "yue": CHINESE_NUMERALS,
    "ko": KOREAN_NUMERALS | CHINESE_NUMERALS,
}
"""Further ones by language, which come before those of everywhere."""

# currencies: what a part of the main unit is called, and which part it is
_MINOR = """
*                                    0.01  ¢ ct cts cent cents eurocent eurocents centime centimes
EUR                                  0.01  Cent Cents céntimo céntimos centesimo centesimi cêntimo cêntimos c
USD CAD AUD NZD SGD HKD ZAR NAD BSD BBD TTD JMD FJD BZD XCD KES TZS UGX ETB 0.01 c
MXN ARS CLP COP BRL PHP BOB DOP UYU CUP GTQ HNL NIO PYG CVE MZN AOA MOP 0.01 centavo centavos ctvs
GBP GIP FKP SHP EGP SSP SDG          0.01  p pence penny pennies
CHF                                  0.01  Rappen Rp
PLN                                  0.01  grosz grosze groszy
CZK                                  0.01  haléř haléře haléřů
HUF                                  0.01  fillér
RON MDL                              0.01  ban bani
BGN                                  0.01  стотинка стотинки
TRY                                  0.01  kuruş krş
RUB BYN                              0.01  коп копейка копейки копеек
UAH                                  0.01  коп копійка копійки копійок
SEK                                  0.01  öre
DKK NOK                              0.01  øre
INR PKR NPR                          0.01  paisa paise
MYR BND IDR                          0.01  sen
THB                                  0.01  satang สตางค์
ILS                                  0.01  agora agorot אגורות
AED                                  0.01  fils
SAR QAR                              0.01  halala halalas dirham dirhams
EGP LBP SYP                          0.01  piastre piastres
KWD BHD JOD IQD                      0.001 fils
OMR                                  0.001 baisa
TND                                  0.001 millime millimes
CNY TWD HKD                          0.1   角 毛
"""


def minor(currency: str) -> dict[str, float]:
    """The words for parts of a currency's main unit: 'pence' of a pound is .01."""
    found: dict[str, float] = {}
    for line in _MINOR.strip().splitlines():
        *codes, last = line.split()
        place = next(i for i, word in enumerate(codes) if word[0].isdigit())
        if codes[0] == "*" or currency in codes[:place]:
            found |= dict.fromkeys((*codes[place + 1 :], last), float(codes[place]))
    return found


SYMBOLS = {
    "€", "$", "£", "¥", "₩", "₹", "₽", "₺", "₴", "₫", "₱", "฿", "₪", "₦", "₵", "₡", "₲", "₸", "₮", "₭", "৳",
    "₾",
    "֏", "₼",
    "؋", "៛", "﷼", "R$", "A$", "C$", "CA$", "US$", "NZ$", "HK$", "NT$", "S$", "MX$", "AU$", "CN¥", "JP¥",
    "RMB",
    "Fr", "SFr", "sFr", "Kč", "zł", "Ft", "lei", "лв", "руб", "р", "грн",  # noqa: RUF001
    "kr", "Rs", "INR", "RM", "Rp", "Ksh", "KSh", "TSh", "USh",
    "S/", "B/", "Bs", "RD$", "FCFA", "CFA", "Euro", "Euros", "euro", "euros", "dollar", "dollars", "pound",
    "pounds",
    "yen",
    "円", "圓", "圆", "元", "块", "人民币", "원", "บาท", "đ", "đồng", "VNĐ", "TL", "Dhs", "DH", "SR", "AED",
}  # fmt: skip
"""What shops write for money beside the codes, symbols and names of the CLDR."""

DOUBTED = {"PLN": "gr", "CNY": "分", "TWD": "分", "HKD": "分"}
"""Words that are a part of a currency and a unit: '5 gr' in Poland are grams, or hundredths of a zloty."""

ENGLISH_CODES = {
    "ALL", "AMD", "BAM", "BOB", "BSD", "COP", "CRC", "CUP", "GEL", "LAK", "MAD", "MOP", "NIO", "PEN", "SDG",
    "SOS", "TOP", "TRY",
}  # fmt: skip
"""Codes of currencies that are also words: 'TOP 10' is no price, and 'score_all' no column of lek."""

AMOUNTS = {
    "price", "prices", "amount", "cost", "costs", "total", "revenue", "sales", "freight", "fee", "duty",
    "value", "preis", "prix", "precio", "prezzo", "prijs", "betrag", "montant", "importe", "umsatz",
}  # fmt: skip
"""Words of columns of money."""
