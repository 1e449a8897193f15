"""The lint: each fault is found, and a table that has none is not accused."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.harmonise.contradictions import contradictions, refuse
from xbsql.harmonise.lint import lint
from xbsql.harmonise.profile import profiles

N = 200


def shop(seed=0, **changes):
    generator = np.random.default_rng(seed)
    weight = generator.lognormal(1, 0.5, N)
    columns = {
        "weight": weight,
        "price": generator.lognormal(3, 0.5, N),
        "currency": ["EUR"] * N,
        "mode": generator.choice(["air", "sea"], N),
        "day": [dt.date(2026, 1, 1) + dt.timedelta(i) for i in range(N)],
        "days": weight + generator.normal(size=N),
    } | changes
    return pa.table({name: values for name, values in columns.items() if values is not None})


def said(source, target, label=None):
    return {(each.severity, each.column) for each in lint("f", source, target, label)}


def test_two_tables_alike_are_not_accused():
    assert said(shop(0), shop(1), "days") == set()


WEIGHT = np.asarray(shop(1)["weight"])
FAULTS = [
    ({"weight": None, "weight_lb": WEIGHT}, {"weight": None, "weight_kg": WEIGHT}, ("error", "weight_lb")),
    ({"price": None, "price_jpy": WEIGHT}, {"price": None, "price_eur": WEIGHT}, ("error", "price_jpy")),
    ({"price": None, "JPY price": WEIGHT}, {"price": None, "EUR price": WEIGHT}, ("error", "JPY price")),
    ({"currency": ["JPY"] * N}, {}, ("error", "currency")),
    ({"currency": ["JPY", "EUR"] * (N // 2)}, {}, ("warning", "currency")),
    ({"uom": ["lb"] * N}, {"uom": ["kg"] * N}, ("error", "uom")),
    ({"mode": [1] * N}, {}, ("error", "mode")),
    ({"weight": WEIGHT * 2.2046}, {}, ("warning", "weight")),
    ({"weight": WEIGHT * 1000}, {}, ("warning", "weight")),
    ({"price": WEIGHT * 5000}, {}, ("warning", "price")),
    ({"weight": [np.inf] + [1.0] * (N - 1)}, {}, ("error", "weight")),
    ({"cost": ["1.234,50", "3,5"] * (N // 2)}, {}, ("warning", "cost")),
    ({"sent": ["31.12.2025", "1.2.25"] * (N // 2)}, {}, ("warning", "sent")),
    ({"delivered_at": [dt.date(2026, 1, 1)] * N}, {}, ("warning", "delivered_at")),
    ({"hint": np.asarray(shop(1)["days"]) ** 3}, {}, ("warning", "hint")),
    ({"mode": None}, {}, ("note", "mode")),
    ({"more": WEIGHT}, {}, ("note", "more")),
    ({"weight": pa.nulls(N)}, {}, ("note", "weight")),
]


@pytest.mark.parametrize(("ours", "theirs", "expected"), FAULTS, ids=[str(fault[2]) for fault in FAULTS])
def test_each_fault_is_found(ours, theirs, expected):
    assert expected in said(shop(0, **theirs), shop(1, **ours), "days")


def test_counts_are_not_taken_for_another_unit():
    counts = np.arange(1000, 1000 + 10 * N, 10)
    assert said(shop(0, pieces=counts), shop(1, pieces=(counts * 0.4536).round())) == set()


def test_errors_come_first_and_say_what_to_write():
    target = shop(1, currency=["JPY"] * N, weight=None, weight_lb=WEIGHT)
    found = lint("f", shop(0, weight=None, weight_kg=WEIGHT), target)
    assert [each.severity for each in found] == sorted(each.severity for each in found)
    remedies = {each.column: each.remedy for each in found}
    assert remedies["weight_lb"] == "xb.convert(weight_lb, 'lb', 'kg') AS weight_kg"
    assert "xb.to_currency(amount, currency, 'EUR', rates)" in remedies["currency"]


def test_a_class_that_nearly_all_rows_have_makes_no_leak():
    late = ["no"] * (N - 3) + ["yes"] * 3
    assert ("warning", "mode") not in said(shop(0, late=late), shop(1, late=late), "late")
    leak = ["a" if value == "air" else "b" for value in shop(0)["mode"].to_pylist()]
    assert ("warning", "mode") in said(shop(0, late=leak), shop(1), "late")


def test_both_columns_on_both_sides_contradict_nothing():
    both = {"weight_kg": WEIGHT, "weight_lb": WEIGHT}
    assert contradictions(profiles(shop(0, **both)), profiles(shop(1, **both))) == []


def test_aligned_columns_are_compared_whatever_their_names():
    source, target = shop(0, weight_kg=WEIGHT), shop(1, gewicht_lb=WEIGHT)
    assert contradictions(profiles(source), profiles(target)) == []
    (found,) = contradictions(profiles(source), profiles(target), {"gewicht_lb": "weight_kg"})
    assert found.remedy == "xb.convert(gewicht_lb, 'lb', 'kg') AS weight_kg"


def test_a_refusal_is_one_line_and_counts_the_others():
    target = profiles(shop(1, currency=["JPY"] * N, weight=None, weight_lb=WEIGHT))
    found = contradictions(profiles(shop(0, weight=None, weight_kg=WEIGHT)), target)
    with pytest.raises(
        XbsqlError, match=r"\(and 1 more: see xb.lint\).*options \{'units': 'same'\}"
    ) as caught:
        refuse("f", found)
    assert "\n" not in str(caught.value)


def test_an_unknown_label_is_named():
    with pytest.raises(XbsqlError, match=r"f: no label column 'dys'.*did you mean 'days'"):
        lint("f", shop(), shop(), "dys")


def test_no_remedy_multiplies_by_a_unit_that_is_not_sure():
    source, target = shop(0, wavelength_nm=WEIGHT), shop(1, wavelength_mm=WEIGHT / 1e6)
    (found,) = contradictions(profiles(source), profiles(target))
    assert found.severity == "warning"
    assert "may be in 'Nm' or 'nm' or 'nmi'" in found.problem
    assert "xb.convert(" not in found.remedy


def test_the_case_of_a_name_tells_units_apart():
    (sure,) = contradictions(profiles(shop(0, torque_Nm=WEIGHT)), profiles(shop(1, torque_kNm=WEIGHT))) or [
        None
    ]
    assert sure is None
    (found,) = contradictions(profiles(shop(0, Power_mW=WEIGHT)), profiles(shop(1, Power_kW=WEIGHT)))
    assert found.remedy == """xb.convert("Power_kW", 'kW', 'mW') AS "Power_mW\""""


def test_a_rate_is_not_converted_like_its_unit():
    assert (
        contradictions(profiles(shop(0, price_per_kg=WEIGHT)), profiles(shop(1, price_per_lb=WEIGHT))) == []
    )


def test_a_word_that_is_also_a_currency_is_none_without_money():
    assert contradictions(profiles(shop(0, score_all=WEIGHT)), profiles(shop(1, score_top=WEIGHT))) == []
    (found,) = contradictions(profiles(shop(0, price_try=WEIGHT)), profiles(shop(1, price_eur=WEIGHT)))
    assert "xb.to_currency(price_eur, 'EUR', 'TRY', rates)" in found.remedy
