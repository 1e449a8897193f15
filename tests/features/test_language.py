"""Languages: scripts decide where they can, samples warn where the encoder is blind, and only there."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from xbsql.errors import XbsqlError
from xbsql.features.encoder import LANGUAGES
from xbsql.features.language import check_languages, identify
from xbsql.features.scripts import NAMES, SCRIPTS, dominant, writes

UNKNOWN_TO_THE_ENCODER = {
    "sv": ["Herrjacka i bomull", "Köksbord i ek", "Barnvagn med sufflett", "Vattenflaska av rostfritt stål"],
    "fi": ["Miesten puuvillatakki", "Keittiönpöytä tammea", "Lastenvaunut kuomulla", "Teräksinen vesipullo"],
    "hi": ["पुरुषों की सूती जैकेट", "रसोई की मेज़", "बच्चों की गाड़ी", "स्टील की पानी की बोतल"],
    "sw": ["Koti la pamba la wanaume", "Meza ya jikoni ya mbao", "Gari la mtoto", "Chupa ya maji ya chuma"],
    "da": [
        "Herrejakke i bomuld",
        "Køkkenbord i egetræ",
        "Barnevogn med kaleche",
        "Vandflaske af rustfrit stål",
    ],
    "vi": ["Áo khoác nam bằng vải cotton", "Bàn bếp bằng gỗ sồi", "Xe đẩy em bé", "Bình nước bằng thép"],
}
KNOWN_TO_THE_ENCODER = {
    "en": ["Men's cotton jacket", "Oak kitchen table", "Baby stroller with hood", "Steel water bottle"],
    "de": [
        "Herrenjacke aus Baumwolle",
        "Küchentisch Eiche",
        "Kinderwagen mit Verdeck",
        "Trinkflasche Edelstahl",
    ],
    "fr": [
        "Veste en coton pour homme",
        "Table de cuisine en chêne",
        "Poussette avec capote",
        "Gourde en acier",
    ],
    "nl": [
        "Katoenen herenjas",
        "Eikenhouten keukentafel",
        "Kinderwagen met kap",
        "Waterfles van roestvrij staal",
    ],
    "ja": ["メンズ コットン ジャケット", "オーク材のキッチンテーブル", "ベビーカー", "ステンレス水筒"],
    "zh": ["男士纯棉夹克", "橡木餐桌", "婴儿推车带遮阳篷", "不锈钢保温水杯"],
    "ko": ["남성 면 재킷", "오크 주방 테이블", "유모차", "스테인리스 물병"],
    "ru": ["Мужская хлопковая куртка", "Кухонный стол из дуба", "Детская коляска", "Бутылка для воды"],
    "tr": ["Erkek pamuklu ceket", "Meşe mutfak masas\u0131", "Bebek arabas\u0131", "Çelik su şişesi"],
    "th": ["แจ็คเก็ตผ้าฝ้ายผู้ชาย", "โต๊ะครัวไม้โอ๊ค", "รถเข็นเด็ก", "ขวดน้ำสแตนเลส"],
    "ar": ["سترة قطنية للرجال", "طاولة مطبخ من خشب البلوط", "عربة أطفال", "زجاجة ماء من الفولاذ"],
}
TITLES = UNKNOWN_TO_THE_ENCODER | KNOWN_TO_THE_ENCODER


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "none"),
        ("123 € / 4²", "none"),
        ("shoe", "latin"),
        ("Ελιά", "greek"),
        ("Sony ワイヤレス WH-1000XM4", "kana"),
        ("東京の木", "kana"),
        ("我家小店の不锈钢保温杯大容量", "han"),
        ("Apple iPhone 手机壳", "han"),
        ("Samsung 스마트폰", "hangul"),
        ("Xiaomi телефон", "cyrillic"),
        ("\U00020bb7野家", "han"),
        ("x \ud800", "latin"),
    ],
)
def test_the_dominant_script(text, script):
    assert [SCRIPTS[place] for place in dominant([text, "ก", text])] == [script, "thai", script]


def test_every_language_has_a_script_and_every_script_a_language():
    table = writes(list(NAMES))
    assert table.any(axis=0).all()
    assert table[1:].any(axis=1).all()
    assert not table[0].any()


@pytest.mark.parametrize("code", TITLES)
def test_of_the_markets_languages_the_right_one_is_found(code):
    codes, scores = identify(TITLES[code], candidates=list(TITLES))
    assert codes.count(code) >= 3
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores <= 1)).all()


def test_a_script_rules_out_what_no_candidate_is_written_in():
    codes, scores = identify(["ร้านหนังสือ", "книга", "book", "42", None, ""], candidates=["en", "ru"])
    assert codes == ["und", "ru", "en", "und", None, "und"]
    assert np.isnan(scores).tolist() == [False, False, False, False, True, False]
    assert scores[[0, 3, 5]].tolist() == [0, 0, 0]
    assert scores[1] == 1


def test_regional_codes_count_as_their_language():
    assert identify(["男士纯棉夹克"], candidates=["zh-TW", "en_US", "EN"])[0] == ["zh"]


def test_the_answer_does_not_depend_on_the_rows_beside_it():
    texts = [text for titles in TITLES.values() for text in titles]
    alone = [identify([text])[0][0] for text in texts]
    assert identify(texts + texts)[0] == alone * 2


def test_threads_agree():
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda code: identify(TITLES["sv"], [code, "sv"])[0], ["en", "de", "fi"] * 5))
    assert results == [["sv"] * 4] * 15


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        (["en", "xx"], "xb.language: no language 'xx'; there is af, am"),
        ([], "no candidate languages are given"),
    ],
)
def test_mistakes_are_one_clear_line(candidates, message):
    with pytest.raises(XbsqlError, match=message):
        identify(["shoe"], candidates)


@pytest.mark.parametrize("code", UNKNOWN_TO_THE_ENCODER)
def test_a_language_that_the_encoder_does_not_know_is_named(text_encoder, code):
    warnings = check_languages([*TITLES[code], None, ""], text_encoder)
    assert len(warnings) == 1
    assert f"{NAMES[code]} ({code}), which encoder 'text' was not trained on" in warnings[0]
    assert "\n" not in warnings[0]


@pytest.mark.parametrize("code", KNOWN_TO_THE_ENCODER)
def test_a_language_that_the_encoder_knows_fires_nothing(text_encoder, code):
    assert check_languages(TITLES[code], text_encoder) == []


@pytest.mark.parametrize("texts", [[], [None], ["", "42"], ["Ring"], ["Mode"]], ids=str)
def test_too_little_to_judge_fires_nothing(text_encoder, texts):
    assert check_languages(texts, text_encoder) == []


def test_a_mixed_catalogue_names_the_unknown_part_with_its_share(text_encoder):
    mixed = TITLES["fi"] + TITLES["de"] + TITLES["en"]
    (warning,) = check_languages(mixed, text_encoder)
    assert "Finnish (fi)" in warning
    share = int(warning.split("about ")[1].split("%")[0])
    assert 25 <= share <= 42


@pytest.mark.data
@pytest.mark.parametrize("size", [20, 1_000])
def test_on_a_real_taxonomy_exactly_the_unknown_locales_fire(text_encoder, taxonomy, size):
    rng = np.random.default_rng(size)
    fired = {}
    for locale, leaves in taxonomy.items():
        sample = [leaves[row] for row in rng.choice(len(leaves), size, replace=False)]
        fired[locale] = bool(check_languages(sample, text_encoder))
    assert fired == {locale: locale[:2] not in LANGUAGES for locale in taxonomy}


@pytest.fixture(scope="module")
def taxonomy(data_folder):
    from pyarrow import compute, parquet

    table = parquet.read_table(data_folder / "google_taxonomy" / "taxonomy.parquet")
    locales = compute.unique(table["locale"]).to_pylist()
    return {
        locale: table.filter(compute.equal(table["locale"], locale))["leaf"].to_pylist() for locale in locales
    }
