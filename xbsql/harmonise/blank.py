"""Texts that stand for no value, as people and programs write them: 'n/a', '-', 'unbekannt', '#REF!'."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

EMPTY: Final = frozenset(
    {"", "-", "--", "\u2013", "\u2014", "null", "(null)", "<null>", "n/a", "#n/a", "n.a.", "nan", "\\n"}
)
"""How programs write that there is no value, in small letters. A label may be called 'none', 'unknown' or
'NA' (Namibia), but none of these."""

_NO_NUMBER: Final = frozenset({"nan", "NaN", "NAN", "<NA>", "NaT"})
_DASHES: Final = frozenset("-\u2013\u2014_.?/\u2026 ")

_PLACEHOLDERS: Final = """
unknown | n/a | n.a. | na | not available | not applicable | not specified | unspecified |
not defined | undefined | not set | not known | not given | no data | no information | no value |
no name | no title | no description | untitled | unnamed | none | null | nil | void | missing |
empty | blank | nothing | tbd | tba | tbc | to be defined | to be determined | to be announced |
to be confirmed | to do | placeholder | dummy | default title | lorem ipsum | sin datos | #n/a |
#ref! | #value! | #name? | #div/0! | #null! | unbekannt | k.a. | k. a. | keine | keine angabe |
keine angaben | ohne angabe | ohne titel | ohne namen | nicht angegeben | nicht verfügbar |
nicht vorhanden | nicht zutreffend | nicht bekannt | entfällt | fehlt | leer | inconnu | inconnue |
aucun | aucune | néant | non renseigné | non renseignée | non disponible | non spécifié |
non précisé | non défini | non applicable | sans titre | sans nom | sans objet | à définir |
à compléter | vide | n.c. | n.d. | n.r. | desconocido | desconocida | ninguno | ninguna | sin título |
sin nombre | sin especificar | sin definir | no disponible | no aplica | no especificado |
no definido | por definir | vacío | s/d | s/n | sconosciuto | sconosciuta | nessuno | nessuna |
non disponibile | non specificato | senza titolo | senza nome | da definire | vuoto | desconhecido |
desconhecida | nenhum | nenhuma | indisponível | não disponível | não informado | não especificado |
não aplicável | sem título | sem nome | a definir | vazio | onbekend | geen | n.v.t. |
niet beschikbaar | niet van toepassing | niet bekend | zonder titel | zonder naam | leeg | nieznany |
nieznana | nieznane | brak | brak danych | nie dotyczy | bez nazwy | bez tytułu | okänd | okänt |
saknas | uppgift saknas | ej tillgänglig | ej angivet | ingen | inget | ukendt | ukjent | mangler |
ikke angivet | tuntematon | ei tietoa | ei saatavilla | puuttuu | neznámý | neznámá | neznámé |
žádný | žádná | není k dispozici | bez názvu | ismeretlen | nincs | nincs adat | necunoscut |
nedisponibil | fără nume | bilinmiyor | bilinmeyen | belirtilmemiş | yok | isimsiz | неизвестно |
неизвестный | неизвестная | нет | нет данных | не указано | не указан | отсутствует | без названия |
н/д | невідомо | невідомий | немає | немає даних | неизвестен | няма | няма данни | άγνωστο | κανένα |
μη διαθέσιμο | غير معروف | غير متوفر | غير محدد | لا يوجد | بدون عنوان | לא ידוע | אין | 不明 | なし |
無し | 無 | 未定 | 未設定 | 未入力 | 未登録 | 該当なし | 該当無し | 名称未設定 |
無題 | 名前なし | 情報なし | 未知 | 无 | 暂无 | 没有 | 不详 | 不詳 |
待定 | 空 | 未填写 | 未填 | 未命名 | 无标题 | 无名称 | 暂无数据 |
不适用 | 沒有 | 없음 | 미정 | 미상 | 알 수 없음 | 해당 없음 | 해당사항 없음 |
미입력 | 무제 | 이름 없음 | 정보 없음 | không rõ |
không có | chưa rõ | tidak diketahui | tidak ada | tanpa nama |
ไม่ทราบ | ไม่มี | ไม่ระบุ | अज्ञात | कोई नहीं
"""


def core(text: str) -> str:
    """A folded text without punctuation: 'N/A', 'n. a.' and 'NA' are one, 'C' and 'C++' two."""
    if text.isascii():
        return text.translate(_SILENT).lower()
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if _says(c))


def _says(character: str) -> bool:
    return character.isalnum() or character in "+&#" or unicodedata.category(character)[0] == "M"


_SILENT: Final = {code: None for code in range(128) if not _says(chr(code))}


_WRITTEN: Final = EMPTY - {"nan"}
_DIGIT: Final = re.compile("[1-9]")
_CORES: Final = frozenset(core(word) for word in _PLACEHOLDERS.split("|"))

LONGEST: Final = 40
"""No placeholder has more characters, blanks around it left out."""


def is_placeholder(text: str) -> bool:
    """Whether a text stands for no value in any column.

    So do '', blanks, dashes, dots and question marks, `EMPTY`, and the forms of forty languages for
    'unknown', 'none', 'not specified', 'to be defined' where they are the whole text, in any case and
    punctuation. 'Nan', the bread, does not, where 'nan' and 'NaN' are what is left of a number.
    """
    bare = text.strip()
    if len(bare) > LONGEST:
        return False
    if bare in _NO_NUMBER or bare.lower() in _WRITTEN or _DASHES.issuperset(bare):
        return True
    return not _DIGIT.search(bare) and core(bare) in _CORES  # "#div/0!" is the only one with a digit
