"""Options: a wrong value is one clear line, a right one is what the field holds, and the docs are of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.session.taxonomy import MapOptions
from xbsql.tasks import TASKS, road, task_named
from xbsql.tasks.classify.options import ClassifyOptions
from xbsql.tasks.forecast.options import ForecastOptions
from xbsql.tasks.options import CrossingOptions, described
from xbsql.tasks.options_page import options_page, options_rows
from xbsql.tasks.predict.options import PredictOptions
from xbsql.tasks.row_task import RowTask

EVERY = (ClassifyOptions, PredictOptions, ForecastOptions, CrossingOptions)
WRONG = {
    "BOOLEAN": ["false", "true", 0, 1, [True]],
    "INTEGER": ["abc", "1", 1.5, True, [1], -1, {"a": 1}],
    "DOUBLE": ["0.5", True, 90, 0, 1.0, [0.5], float("nan")],
    "VARCHAR": [5, True, ["a"], {"a": "b"}],
    "VARCHAR[]": [5, True, [1], {"a": "b"}],
    "INTEGER[]": ["abc", 1, [1], [7, "x"], [True, 7]],
    "STRUCT": ["a", ["a"], 5, {"a": 5}, {"a": ["b", 1]}],
    "VARCHAR or LIST": [5, True, "", " ", [], ["a"], ["a", "a"], [2], [4, 2], [0, 2], ["a", 2], {"a": 1}],
    "BOOLEAN or STRUCT": ["yes", 1, ["a"], {"a": 1}],
}


def cases():
    for kind in EVERY:
        for name, option in described(kind).items():
            for value in WRONG[option.kind.name]:
                yield pytest.param(kind, name, value, id=f"{kind.__name__}-{name}-{value!r}")


@pytest.mark.parametrize(("kind", "name", "value"), list(cases()))
def test_a_value_of_another_type_is_one_clear_line(kind, name, value):
    with pytest.raises(XbsqlError, match=rf"^xb.fit: .*'{name}'.*; \w+") as caught:
        kind.of("xb.fit", {name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_not_given_or_null_is_the_default(kind):
    nothing = dict.fromkeys(described(kind))
    assert kind.of("xb.fit", nothing) == kind.of("xb.fit", None) == kind()


@pytest.mark.parametrize("kind", EVERY)
def test_every_field_says_what_it_means(kind):
    said = described(kind)
    assert list(said) == [field.name for field in fields(kind)]
    for name, option in said.items():
        assert option.meaning, name
        assert "\n" not in option.meaning
        assert "|" not in option.meaning


@pytest.mark.parametrize("kind", EVERY)
def test_every_default_is_a_value_that_may_be_given(kind):
    for name in described(kind):
        default = getattr(kind(), name)
        if default is not None:
            assert getattr(kind.of("xb.fit", {name: default}), name) == default


def test_an_unknown_option_is_told_what_exists():
    with pytest.raises(XbsqlError, match=r"no option 'sed'; there is .*keep_rows.* \(did you mean 'seed'"):
        PredictOptions.of("xb.fit", {"sed": 1})
    with pytest.raises(XbsqlError, match=r"no option 'unit'.*did you mean 'units'"):
        PredictOptions.of("xb.transfer", {"unit": "same"}, described(CrossingOptions))


def test_a_long_wrong_value_is_cut():
    with pytest.raises(XbsqlError) as caught:
        PredictOptions.of("xb.fit", {"seed": "9" * 10_000})
    assert len(str(caught.value)) < 200


def test_values_arrive_as_the_fields_hold_them():
    found = ClassifyOptions.of(
        "xb.fit",
        {"text": "title", "category": ["a", "b"], "classes": {"shoes": "Schuhe", "bags": ["a", "b"]}},
    )
    assert (found.text, found.category) == (("title",), ("a", "b"))
    assert found.classes == {"shoes": ("Schuhe",), "bags": ("a", "b")}
    series = ForecastOptions.of("xb.fit", {"season": [168, 24], "id": "shop", "seed": np.int64(3)})
    assert (series.season, series.id, series.seed) == ((24, 168), ("shop",), 3)
    assert ForecastOptions.of("xb.fit", {"season": 7}).season == (7,)


def test_options_of_a_transfer_are_split_from_the_tasks_own():
    own, rest = CrossingOptions.split("xb.transfer", {"units": "same", "seed": 1, "nothing": 2})
    assert own == CrossingOptions(units="same")
    assert rest == {"seed": 1, "nothing": 2}


def test_columns_are_called_by_their_names_at_home_where_an_option_names_them():
    given = {"intervals_by": "modus", "ignore": ["preis", "x"], "group": "modus", "seed": 1}
    found = PredictOptions.under({"modus": "mode", "preis": "price"}, given)
    assert found == {"intervals_by": "mode", "ignore": ["price", "x"], "group": "modus", "seed": 1}


def test_a_home_model_is_fitted_without_what_is_said_of_the_target():
    assert PredictOptions.at_home({"intervals_by": "x", "abstain": 0.5, "level": 0.8}) == {"level": 0.8}
    assert ClassifyOptions.at_home({"classes": {}, "seed": 2}) == {"seed": 2}


@pytest.mark.parametrize(("option", "value"), [("keep_rows", "false"), ("seed", "abc"), ("group", ["a"])])
def test_a_fit_refuses_them(option, value):
    data = pa.table({"x": [1.0, 2.0] * 4, "y": [1.0, 2.0] * 4})
    with pytest.raises(XbsqlError, match=f"^xb.fit: the option '{option}' is "):
        road.fit(task_named("test", "predict"), data, "y", options={option: value})


@pytest.mark.parametrize("task", TASKS)
def test_every_option_of_a_task_is_listed_with_its_type_and_default(task):
    rows = options_rows(task)
    names = [row.option for row in rows]
    assert len(set(names)) == len(names)
    assert set(described(task_named("test", task).options)) <= set(names)
    assert all(row.type and row.meaning for row in rows)
    assert ("align" in names) == isinstance(task_named("test", task), RowTask)


def test_the_page_of_options_is_made_from_them():
    page = Path(__file__).parents[2] / "docs" / "options.md"
    assert page.read_text() == options_page(), "run `python -m xbsql.tasks.options_page docs/options.md`"


KINDS = list(dict.fromkeys([*EVERY, *(task_named("xb.fit", name).options for name in TASKS)]))
NEEDING = [(kind, name) for kind in KINDS for name, said in described(kind).items() if said.needs]
GIVEN = {"BOOLEAN": True, "INTEGER": 2, "DOUBLE": 0.5, "VARCHAR or LIST": " > "}


@pytest.mark.parametrize("kind", KINDS)
def test_what_its_meaning_says_that_an_option_needs_is_held_to(kind):
    for name, said in described(kind).items():
        begins = said.meaning.split("`")
        told = begins[1] if begins[0] == "with " and begins[2].startswith(":") else None
        assert said.needs == told, name


@pytest.mark.parametrize(("kind", "name"), NEEDING)
def test_an_option_without_effect_is_one_clear_line(kind, name):
    said = described(kind)[name]
    value = GIVEN[said.kind.name]
    with pytest.raises(
        XbsqlError, match=rf"^xb.fit: the option '{name}' has no effect without '{said.needs}'; "
    ):
        kind.of("xb.fit", {name: value})
    both = kind.of("xb.fit", {name: value, said.needs: GIVEN[described(kind)[said.needs].kind.name]})
    assert getattr(both, name) == value
    assert kind.of("xb.fit", {name: None}) == kind()


@pytest.mark.parametrize("option", ["same", "local", "canonical"])
def test_an_option_of_extract_names_attributes_that_there_are(option):
    rows = {"title": ["red hat", "blue hat"], "attribute": ["colour", "colour"], "value": ["red", "blue"]}
    said = {"brand": {"Oak": ["OAK"]}} if option == "canonical" else ["brand"]
    told = f"^xb.fit: no attribute for the option '{option}' 'brand'; the rows name colour"
    with pytest.raises(XbsqlError, match=told):
        road.fit(task_named("xb.fit", "extract"), pa.table(rows), "value", options={option: said})


def test_a_bound_above_is_said():
    with pytest.raises(XbsqlError, match="the option 'best' is 1000; give a whole number, 1 to 100"):
        MapOptions.of("xb.map_taxonomy", {"best": 1000})


@pytest.mark.parametrize("label", ["y", "c"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": ["a"], "ignore": ["a"]}, "column 'a' stands in the options 'text' and 'ignore'"),
        ({"category": "a", "text": "a"}, "column 'a' stands in the options 'text' and 'category'"),
        ({"group": "LABEL"}, "the option 'group' names '.', which is the label; name another column"),
        ({"weight": "LABEL"}, "the option 'weight' names '.', which is the label; name another column"),
    ],
)
def test_columns_that_an_option_cannot_mean_are_refused(label, options, message):
    table = pa.table({"a": ["red", "blue"] * 20, "y": np.arange(40.0), "c": ["x", "z"] * 20})
    given = {name: label if value == "LABEL" else value for name, value in options.items()}
    with pytest.raises(XbsqlError, match=message):
        road.fit(task_named("xb.fit", "predict" if label == "y" else "classify"), table, label, options=given)


@pytest.mark.parametrize("option", [{"finetune": True}, {"classes": {"x": ["ix"]}}, {"source_market": "a"}])
def test_an_option_of_a_transfer_is_told_by_a_fit(option):
    table = pa.table({"a": ["red", "blue"] * 20, "c": ["x", "z"] * 20})
    (name,) = option
    with pytest.raises(
        XbsqlError, match=f"'{name}' has no effect on the rows of one market; give it to xb.transfer"
    ):
        road.fit(task_named("xb.fit", "classify"), table, "c", options=option)
    road.fit(task_named("xb.fit", "classify"), table, "c", options={"finetune": False, "classes": None})
