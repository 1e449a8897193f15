"""The words for pieces in titles: '12 pcs', '6er-Set', '12入り', 'pack of 3'."""

from __future__ import annotations

import re

_WORDS = """
pc pcs pce pces piece pieces count ct pack packs pk pairs set sets units unit rolls sheets tablets
capsules bags bottles cans
stück stueck stk stck teile teilig teilige teiliger teiliges tlg paar rollen blatt beutel dosen flaschen
tabletten kapseln
packungen stücke
pièce pièces pieces unités rouleaux comprimés gélules sachets bouteilles paires lots
pieza piezas pza pzas ud uds unidad unidades rollos cápsulas pares botellas
pezzi pezzo pz confezioni rotoli bustine compresse capsule paia bottiglie
stuk stuks delig delige paren flessen zakjes
peça peças unid
sztuk sztuki szt stycken delar
"""
_PACKS = r"set|pack|packung|pckg|box|karton|paket|sparset|vorteilspack"

_ANY_WORD = "|".join(sorted(set(_WORDS.split()), key=len, reverse=True))

PIECES = re.compile(rf"(?i)\s*-?\s*(?:er[\s-]*(?:{_PACKS})|(?:{_ANY_WORD}))(?![^\W\d_])")
"""What follows a count in English, German, French, Spanish, Italian, Dutch, Portuguese, Polish or Swedish."""

CJK_PIECES = re.compile(
    r"\s*(?:[個个箇枚本冊袋包瓶缶罐箱盒件只支片粒錠卷巻足玉膳台把条組组点張张](?!月)|入|セット|ピース|パック|コ入|ヶ入|ロール|개|매|팩|세트)"
)
"""What follows one in Japanese, Chinese or Korean."""

NUMERALS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "twelve": 12,
    "zwei": 2, "drei": 3, "vier": 4, "sechs": 6, "acht": 8, "zehn": 10, "zwölf": 12,
    "deux": 2, "trois": 3, "quatre": 4, "dix": 10, "douze": 12, "dos": 2, "tres": 3, "cuatro": 4, "seis": 6,
    "due": 2, "tre": 3, "quattro": 4, "sei": 6, "twee": 2, "drie": 3, "zes": 6,
}  # fmt: skip

OF = re.compile(
    r"(?i)(?<![^\W_])(?:(?:packs?|sets?|box|bag|lots?|case|bundle|carton)\s+of|(?:packung|set|pack|paket|box)\s+(?:mit|à|zu|von)|"
    r"(?:lot|pack|paquet|boîte|boite|jeu|set|coffret)\s+de|(?:juego|paquete|lote|caja|conjunto)\s+de|"
    r"(?:confezione|set|pacco|scatola)\s+(?:da|di)|(?:set|pak|doos|verpakking)\s+(?:van|met)|(?:kit|pacote|jogo)\s+(?:com|de))"
    rf"\s+(?P<number>\d{{1,4}}(?![\w.,]*\d)|(?:{'|'.join(NUMERALS)})(?![^\W_]))"
)
"""A count behind its word."""
