"""Label columns that hold no classes, and texts in them that mean that nothing is known."""

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.tasks import road
from xbsql.tasks.classify.labels import labels_of
from xbsql.tasks.classify.numbered import refuse_numbers
from xbsql.tasks.classify.task import TASK as classify

RNG = np.random.default_rng(0)
PRICES = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in RNG.lognormal(5, 2, 1500)]
CODES = [f"84{i % 60:02d}.{10 + i % 80}" for i in range(6000)]


def refused(values, *, at_home=True, text=True):
    refuse_numbers("xb.fit", "y", values, at_home=at_home, text=text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (PRICES, r"'y' holds numbers \('\d+,\d\d'\), and each of the 1\d{3} would be a class; make them "
                 r"numbers \(xb\.parse_number\(y, market\) AS y\) and learn them with task := 'predict'"),
        ([f"$ {i}.5" for i in range(100)], r"holds numbers \('\$ 0.5'\)"),
        ([f"{i} EUR" for i in range(300)], "holds numbers"),
        ([str(i) for i in range(100)], r"holds numbers \('0'\), and each of the 100 would be a class"),
        ([f"SKU-{i}" for i in range(100)], "names its rows: 100 labels are 100 classes; learn a"),
    ],
)  # fmt: skip
def test_numbers_and_names_of_rows_are_no_classes(values, message):
    with pytest.raises(XbsqlError, match=message):
        refused(values)


@pytest.mark.parametrize(
    ("values", "at_home"),
    [
        (CODES, True),
        (["8471.30", "8471.30.00"] * 50 + CODES, True),
        ([str(35 + i % 24 / 2) for i in range(40)], True),
        ([f"SKU-{i % 60}" for i in range(600)], True),
        ([f"{8400 + i}" for i in range(60)], False),
        ([f"leaf {i}" for i in range(60)], False),
        ([str(i) for i in range(12)], True),
    ],
)
def test_codes_sizes_and_few_labels_abroad_are_classes(values, at_home):
    refused(values, at_home=at_home)


def test_a_fit_says_so_at_once_and_so_does_a_transfer():
    table = pa.table({"title": [f"red shoe {i}" for i in range(1500)], "price": PRICES})
    with pytest.raises(XbsqlError, match=r"xb\.fit: label column 'price' holds numbers"):
        road.fit(classify, table, "price")
    with pytest.raises(XbsqlError, match=r"xb\.transfer: label column 'price' holds numbers"):
        road.transfer(classify, table, "price", source=table)
    counted = table.set_column(1, "price", pa.array(range(1500)))
    with pytest.raises(XbsqlError, match=r"would be a class; learn them with task := 'predict'"):
        road.fit(classify, counted, "price")


BLANK = ["", " ", "-", "--", "\u2014", "NULL", "null", "N/A", "n/a", "#N/A", "(null)", "NaN", "\\N"]


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_blank_label_is_a_missing_one(blank, type_):
    found = labels_of("xb.fit", pa.table({"y": pa.array(["a", blank, "b", None, blank], type_)}), "y")
    assert (found.classes, found.values) == (("a", "b"), ["a", "b"])
    assert found.present.tolist() == [True, False, True, False, False]
    assert found.notes == [f"2 rows whose label is '{blank}' are taken as rows without a label"]


@pytest.mark.parametrize(
    "values", [["+", "-"], ["none", "some"], ["NA", "DE"], ["unknown", "known"], ["0", "1"]]
)
def test_words_that_may_be_classes_are(values):
    found = labels_of("xb.fit", pa.table({"y": values}), "y")
    assert found.classes == tuple(sorted(values))
    assert found.notes == []


def test_blank_labels_are_noted_and_no_class():
    x = RNG.normal(size=200)
    late = np.where(np.arange(200) % 20 == 0, "n/a", np.where(x > 0, "late", "fine"))
    table = pa.table({"x": x, "late": late})
    model, report = road.fit(classify, table, "late")
    assert model.classes == ("fine", "late")
    assert "10 rows whose label is 'n/a' are taken as rows without a label" in report[0]["note"]
    _, done = road.transfer(classify, table, "late", base=model, method="source")
    assert any("10 rows whose label is 'n/a'" in note for note in done.verdict.notes)
    assert {row["rows"] for row in road.evaluate(classify, model, table, "late")} == {190}
