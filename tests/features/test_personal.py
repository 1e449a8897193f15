"""Which columns look personal: a right answer for each kind, and none for tables of goods."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql import sample
from xbsql.features.personal import is_address, is_card, is_email, is_iban, is_name, is_phone, personal

N = 40
EMAILS = [f"kunde{i}@example.de" for i in range(N)]
CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "6011000000000004"]
IBANS = ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606"]
PHONES = ["+49 30 1234567", "+81-3-1234-5678", "(212) 555-0182", "+33612345678", "212-555-0199"]
STREETS = ["221B Baker Street", "Hauptstraße 12", "Gartenweg 3a", "12 bis, rue de la Paix", "Via Roma 7"]
NAMES = ["Anna Schmidt", "Miguel de la Cruz", "Tanaka Yuki", "Peter O'Neill", "Weber, Thomas", "Maria Rossi"]

COLUMNS = {
    "e-mails": ("contact", EMAILS, "e-mail addresses"),
    "e-mails in words": ("note", [f"please write to {mail}, thanks" for mail in EMAILS], "e-mail addresses"),
    "a few e-mails among codes": ("ref", [f"K-{i}" for i in range(30)] + EMAILS[:10], "e-mail addresses"),
    "IBANs": ("account", IBANS * 3, "IBANs"),
    "cards": ("paid_with", CARDS * 2, "payment card numbers"),
    "cards as numbers": ("paid", [4111111111111111, 5500000000000004], "payment card numbers"),
    "phones": ("reach", PHONES, "phone numbers"),
    "phones by the column's name": ("Telefon", ["030 1234567", "0171/5550123"], "phone numbers"),
    "phones as numbers": ("mobile_phone", [4917155501230 + i for i in range(9)], "phone numbers"),
    "streets": ("ship_to", STREETS, "postal addresses"),
    "addresses by the column's name": ("住所", ["東京都渋谷区1-2-3", "大阪市北区4-5"], "postal addresses"),
    "names": ("who", NAMES, "names of persons"),
    "names by the column's name": ("CustomerName", ["Li Na", "Олена Коваль", "Bo"], "names of persons"),
    "names in Japanese": ("氏名", ["田中太郎", "佐藤花子"], "names of persons"),
}  # fmt: skip


@pytest.mark.parametrize("case", COLUMNS)
def test_a_personal_column_is_known(case):
    name, values, kind = COLUMNS[case]
    assert personal(pa.table({name: values, "price": [1.5] * len(values)})) == {name: kind}
    coded = pa.array(values).dictionary_encode()
    assert personal(pa.table({name: pa.chunked_array([coded, coded])})) == {name: kind}
    assert personal(pa.table({name: values}), told=[name]) == {}


GOODS = {
    "barcodes": ("ean", [4006381333931 + 10 * i for i in range(N)]),
    "numbers of orders": ("order_no", [4000000000000000 + 7919 * i for i in range(N)]),
    "codes": ("sku", [f"DE{i:02d}AB{i * 7919:010d}" for i in range(N)]),
    "amounts": ("price", ["1.234,50", "+12.5 %", "$ 1,299.00"]),
    "dates": ("day", ["2024-01-05", "05/01/2024", "12.03.2024 10:30"]),
    "sizes": ("size", ["100-200-300", "12 x 30 cm", "7.5"]),
    "coordinates": ("at", ["+52.5200081", "+13.4049541"]),
    "titles": ("title", ["2 way street sign", "10 oz Street Wear cup", "Mehrweg 6 x 0,5 l", "iPhone case"]),
    "a phone's name": ("phone", ["iPhone 15", "Galaxy S24", "Pixel 8 Pro"]),
    "brands": ("brand", ["Calvin Klein", "Tommy Hilfiger", "Jack Daniels", "Dr. Oetker", "Le Creuset"]),
    "names of products": ("name", ["Red Shoe", "Garden Hose", "Rose Oil", "Olive Spread", "Amber Necklace"]),
    "countries": ("country_name", ["Germany", "Japan", "Côte d'Ivoire"]),
    "one shop's mail in all rows": ("seller", ["shop@example.com"] * N),
    "no mail": ("email", ["yes", "no"]),
    "addresses of the web": ("ip_address", ["10.0.0.1", "192.168.2.7"]),
    "carriers": ("carrier", ["DHL", "UPS", "Japan Post"]),
    "nothing": ("e", [None, None]),
}  # fmt: skip


@pytest.mark.parametrize("case", GOODS)
def test_a_column_of_goods_is_none(case):
    name, values = GOODS[case]
    assert personal(pa.table({name: values})) == {}


@given(st.integers(0, 10**14 - 1))
def test_one_digit_of_ten_completes_a_card(digits):
    assert sum(is_card(f"4{digits:014d}{last}") for last in range(10)) == 1


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=30))
def test_one_pair_of_digits_completes_an_iban(account):
    assert sum(is_iban(f"DE{check:02d}{account}") for check in range(2, 99)) == 1


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text):
    for asked in (is_address, is_card, is_email, is_iban, is_name, is_phone):
        assert asked(text) in (True, False)


def test_the_sample_market_has_no_personal_column():
    assert personal(sample.catalog()) == {}
    world = sample.simulate(rows=4000, seed=0)
    for market in ("US", "JP"):
        for table in ("sales", "shipments"):
            assert personal(world.table(table, market)) == {}


@pytest.mark.data
@pytest.mark.parametrize(
    "file",
    [
        "scms/shipments.parquet",
        "grocery/descriptions.parquet",
        "off_products/products.parquet",
        "online_retail/transactions.parquet",
        "xmrec/interactions.parquet",
        "product_matching/er_magellan.parquet",
        "google_taxonomy/taxonomy.parquet",
    ],
)
def test_real_tables_of_goods_have_none(data_folder, file):
    assert personal(pq.read_table(data_folder / file)) == {}
