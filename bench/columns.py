"""Columns aligned across languages by their names alone: how many are found, and how many of those are right.

Twenty names that columns of commerce have, in English and in four languages by which no threshold was chosen.
Each draw gives both sides 14 of them, 8 of which both have, so that nearly half of each side has no partner;
no value is known. `recall` is pairs found over pairs there are, `precision` right pairs over pairs made, over
all draws and languages.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.harmonise.align import align
from xbsql.harmonise.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/harmonise",)
SOURCES = ("xbsql/harmonise/align.py", "xbsql/harmonise/profile.py", "xbsql/harmonise/assignment.py")
SIDE, SHARED = 14, 8

NUMBERS = {1, 2, 4, 6, 7, 10, 14, 17, 18, 19}
"""Places of names whose columns hold numbers; the first is a date, the others are texts."""

NAMES = {
    "en": """shipment date, net price, gross weight, product category, ordered units,
        shipping company, route length, price reduction, country of origin, transport type,
        days in transit, item name, manufacturer, material, customs duty, postal code,
        payment method, warranty months, rating, stock level""",
    "it": """data di spedizione, prezzo netto, peso lordo, categoria prodotto, unità ordinate,
        corriere, lunghezza del percorso, sconto, paese di origine, tipo di trasporto,
        giorni di transito, nome articolo, produttore, materiale, dazio doganale,
        codice postale, metodo di pagamento, mesi di garanzia, valutazione, livello di scorte""",
    "nl": """verzenddatum, nettoprijs, brutogewicht, productcategorie, bestelde eenheden,
        vervoerder, routelengte, korting, land van herkomst, type vervoer, transitdagen,
        artikelnaam, fabrikant, materiaal, douanerechten, postcode, betaalmethode,
        garantiemaanden, beoordeling, voorraadniveau""",
    "pl": """data wysyłki, cena netto, waga brutto, kategoria produktu, zamówione sztuki,
        firma kurierska, długość trasy, rabat, kraj pochodzenia, rodzaj transportu,
        dni w transporcie, nazwa artykułu, producent, materiał, cło, kod pocztowy,
        metoda płatności, miesiące gwarancji, ocena, stan magazynowy""",
    "ko": """배송일, 순가격, 총중량, 제품 카테고리, 주문 수량, 배송 회사, 경로 길이,
        할인, 원산지 국가, 운송 유형, 운송 일수, 상품명, 제조사, 재질,
        관세, 우편번호, 결제 방법, 보증 개월, 평점, 재고 수준""",
}


def run(bench: Bench) -> dict[str, float]:
    draws = 10 if bench.quick else 200
    languages = [language for language in NAMES if language != "en"]
    bench.plan(len(languages))
    counts = [bench.unit(language, partial(_language, bench, language, draws)) for language in languages]
    right, made, there = (sum(count[place] for count in counts) for place in range(3))
    return {"recall": right / there, "precision": right / made}


def _language(bench: Bench, language: str, draws: int) -> tuple[int, int, int]:
    """Right pairs, pairs made and pairs there are, over the draws."""
    home, abroad = (_words(NAMES[name]) for name in ("en", language))
    vectors = dict(zip([*home, *abroad], embed_texts([*home, *abroad], encoder()), strict=True))

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([vectors[text] for text in texts])

    generator, right, made = np.random.default_rng(0), 0, 0
    for _ in range(draws):
        order = generator.permutation(len(home))
        ours = [*order[:SHARED], *order[SIDE:]]
        pairs = align(_side(home, order[:SIDE]), _side(abroad, ours), encode)
        truth = {(home[place], abroad[place]) for place in order[:SHARED]}
        found = {(pair.source, pair.target) for pair in pairs if pair.how is not None}
        right, made = right + len(found & truth), made + len(found)
    sizes = {"columns": SIDE, "shared": SHARED, "draws": draws}
    bench.record(language, "xbsql", "recall", right / (SHARED * draws), unit="share", sizes=sizes)
    bench.record(language, "xbsql", "precision", right / max(made, 1), unit="share", sizes=sizes)
    return right, made, SHARED * draws


def _words(names: str) -> list[str]:
    return [" ".join(name.split()) for name in names.split(",")]


def _side(names: list[str], places: Sequence[int] | NDArray[np.int64]) -> dict[str, Profile]:
    kinds = {place: "date" if place == 0 else "number" if place in NUMBERS else "text" for place in range(20)}
    return {names[place]: Profile(names[place], kinds[int(place)]) for place in places}
