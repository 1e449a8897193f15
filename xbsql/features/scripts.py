"""Languages of commerce and the scripts they are written in: what a character alone says about a language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NAMES: Final = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian",
    "bg": "Bulgarian", "bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish", "gl": "Galician",
    "gu": "Gujarati", "ha": "Hausa", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese",
    "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "ky": "Kyrgyz",
    "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam",
    "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese", "ne": "Nepali",
    "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "so": "Somali",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu",
    "th": "Thai", "tl": "Filipino", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek",
    "vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip

_READERS: Final = {
    "greek": "el", "cyrillic": "be bg kk ky mk mn ru sr uk uz", "armenian": "hy", "hebrew": "he",
    "arabic": "ar fa ps ur", "devanagari": "hi mr ne", "bengali": "bn", "gurmukhi": "pa", "gujarati": "gu",
    "tamil": "ta", "telugu": "te", "kannada": "kn", "malayalam": "ml", "sinhala": "si", "thai": "th",
    "lao": "lo", "burmese": "my", "georgian": "ka", "hangul": "ko", "ethiopic": "am", "khmer": "km",
    "kana": "ja", "han": "ja zh",
}  # fmt: skip
_ALSO_LATIN: Final = {"sr", "uz"}
_NONE, _LATIN = "none", "latin"
SCRIPTS: Final = (_NONE, _LATIN, *_READERS)

# First code point of every stretch; it lasts until the next. Blocks as in the Unicode Character Database.
_STRETCHES: Final = (
    (0x0000, "none"), (0x0041, "latin"), (0x005B, "none"), (0x0061, "latin"), (0x007B, "none"),
    (0x00C0, "latin"), (0x00D7, "none"), (0x00D8, "latin"), (0x00F7, "none"), (0x00F8, "latin"),
    (0x0250, "none"), (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, "armenian"), (0x0590, "hebrew"),
    (0x0600, "arabic"), (0x0700, "none"), (0x0750, "arabic"), (0x0780, "none"), (0x08A0, "arabic"),
    (0x0900, "devanagari"), (0x0980, "bengali"), (0x0A00, "gurmukhi"), (0x0A80, "gujarati"),
    (0x0B00, "none"), (0x0B80, "tamil"), (0x0C00, "telugu"), (0x0C80, "kannada"), (0x0D00, "malayalam"),
    (0x0D80, "sinhala"), (0x0E00, "thai"), (0x0E80, "lao"), (0x0F00, "none"), (0x1000, "burmese"),
    (0x10A0, "georgian"), (0x1100, "hangul"), (0x1200, "ethiopic"), (0x1400, "none"), (0x1780, "khmer"),
    (0x1800, "none"), (0x1E00, "latin"), (0x1F00, "greek"), (0x2000, "none"), (0x3005, "han"),
    (0x3008, "none"), (0x3041, "kana"), (0x3100, "none"), (0x3130, "hangul"), (0x3190, "none"),
    (0x31F0, "kana"), (0x3200, "none"), (0x3400, "han"), (0x4DC0, "none"), (0x4E00, "han"),
    (0xA000, "none"), (0xAC00, "hangul"), (0xD7B0, "none"), (0xF900, "han"), (0xFB00, "latin"),
    (0xFB13, "armenian"), (0xFB1D, "hebrew"), (0xFB50, "arabic"), (0xFE00, "none"), (0xFE70, "arabic"),
    (0xFEFF, "none"), (0xFF21, "latin"), (0xFF3B, "none"), (0xFF41, "latin"), (0xFF5B, "none"),
    (0xFF66, "kana"), (0xFFA0, "none"), (0x20000, "han"), (0x32000, "none"),
)  # fmt: skip
_STARTS: Final = np.array([start for start, _ in _STRETCHES])
_SCRIPT_OF: Final = np.array([SCRIPTS.index(name) for _, name in _STRETCHES])

# Titles in other scripts quote Latin brand names, and an ideograph stands for a word.
_WEIGHTS: Final = np.array(
    [0.0 if name == _NONE else 1.0 if name == _LATIN else 5.0 for name in SCRIPTS], dtype=np.float32
)
_KANA_SHARE: Final = 0.1  # of the signs of a Japanese text; shop names in Chinese have a stray one


def writes(languages: Sequence[str]) -> NDArray[np.bool_]:
    """Which script each language is written in: bool, shape (len(SCRIPTS), len(languages)).

    The first row, a text without letters, is False throughout.
    """
    table = np.zeros((len(SCRIPTS), len(languages)), dtype=bool)
    for column, language in enumerate(languages):
        own = [name for name, readers in _READERS.items() if language in readers.split()]
        if not own or language in _ALSO_LATIN:
            own.append(_LATIN)
        table[[SCRIPTS.index(name) for name in own], column] = True
    return table


def dominant(texts: Sequence[str]) -> NDArray[np.int64]:
    """The script that weighs most in each text, as a place in SCRIPTS; 0 for a text without letters.

    Letters of other scripts count five times a Latin one. Han signs beside kana count as kana.

    Args:
        texts: any strings.

    Returns:
        int64, shape (n,).
    """
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    script = _SCRIPT_OF[np.searchsorted(_STARTS, points, side="right") - 1]
    owner = np.repeat(np.arange(len(texts)), lengths)
    counted = np.bincount(owner * len(SCRIPTS) + script, minlength=len(texts) * len(SCRIPTS))
    votes = counted.reshape(len(texts), len(SCRIPTS)) * _WEIGHTS
    kana, han = SCRIPTS.index("kana"), SCRIPTS.index("han")
    japanese = votes[:, kana] > _KANA_SHARE * (votes[:, kana] + votes[:, han])
    votes[japanese, kana] += votes[japanese, han]
    votes[japanese, han] = 0.0
    votes[~japanese, kana] = 0.0
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)
