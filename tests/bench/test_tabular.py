"""The tasks of the tabular bench are what they say, and its summaries compute what they promise."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import shipments, tabular, tabular_tasks
from bench.shift_tables import SHIFTS, shifted
from bench.tabular_arms import Arena


def scms_row(i, country, **changed):
    day = dt.date(2010, 1, 1) + dt.timedelta(days=i)
    row = {column: f"{column}{i % 3}" for column in shipments._SCMS}
    row |= {column: float(1 + i % 7) for column in shipments._SCMS if column.endswith("_num")}
    row |= {"Country": country, "PO / SO #": f"po{i // 2}", "Scheduled Delivery Date_parsed": day}
    row |= {"PQ First Sent to Client Date_parsed": day - dt.timedelta(days=30 + i % 5)}
    row |= {
        "Weight (Kilograms)_num": 10.0 + i,
        "Freight Cost (USD)_num": 100.0 + i * i % 13,
        "delay_days": i % 3 - 1,
    }
    return row | changed


@pytest.fixture
def folder(tmp_path):
    rows = [scms_row(i, ["Nigeria", "Uganda", "Haiti"][i % 3]) for i in range(600)]
    rows += [scms_row(601, "Haiti", **{"Freight Cost (USD)_num": None})]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "shipments.parquet")
    return tmp_path


@pytest.mark.parametrize("label", ["log_freight", "late"])
def test_no_input_is_known_only_after_scheduling(folder, label):
    task = tabular_tasks.scms_task(folder, label, ("Haiti",), ("Nigeria", "Uganda"))
    told = {"late", "log_freight", "delay_days", "log_weight" if label == "late" else ""} - {label}
    assert not told & set(task.source.column_names)
    assert task.source[label].null_count == task.pool[label].null_count == 0


def test_no_order_is_on_both_sides_and_no_target_row_in_the_source(folder):
    task = tabular_tasks.scms_task(folder, "late", ("Haiti",), ("Nigeria", "Uganda"))
    pool, test = set(task.pool["po"].to_pylist()), set(task.test["po"].to_pylist())
    assert not pool & test
    assert set(task.source["country"].to_pylist()) == {"Nigeria", "Uganda"}
    assert 0.3 < task.test.num_rows / (task.test.num_rows + task.pool.num_rows) <= 0.4


def test_draws_are_nested_and_keep_groups_together(folder):
    arena = Arena.__new__(Arena)
    arena.task = tabular_tasks.scms_task(folder, "late", ("Haiti",), ("Nigeria", "Uganda"))
    rows = arena.draw(3)
    assert rows.equals(arena.draw(3))
    assert not rows.equals(arena.draw(4))
    order = rows["po"].to_pylist()
    assert len([i for i in range(1, len(order)) if order[i] != order[i - 1]]) + 1 == len(set(order))


def test_reported_and_tuning_tasks_have_no_target_in_common(tmp_path):
    found = [set(tasks(lambda name: tmp_path)) for tasks in (tabular_tasks.reported, tabular_tasks.tuning)]
    assert {name for name in found[0] & found[1] if not name.startswith("shift")} == set()
    assert not shifted("partial", 0)[0].equals(shifted("partial", 1000)[0])


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_shift_is_repeatable_and_dosed(kind):
    source, target = shifted(kind, 5)
    assert source.equals(shifted(kind, 5)[0])
    moved = np.mean(target["a"].to_numpy()) - np.mean(source["a"].to_numpy())
    assert moved == pytest.approx(SHIFTS[kind][2], abs=0.1)


@pytest.mark.parametrize(
    ("goal", "labels"), [(0.5, 20.0), (0.6, 50.0), (0.65, 141.4), (0.7, 200.0), (0.99, 200.0)]
)
def test_needed_labels_are_read_off_the_rising_curve(goal, labels):
    curve = [(20, 0.5), (50, 0.6), (100, 0.59), (200, 0.7)]
    assert tabular.needed(curve, goal) == pytest.approx(labels, rel=0.001)


def test_the_interval_holds_the_mean_and_widens_with_the_spread_of_tasks():
    narrow = tabular.interval([[0.01, 0.02]] * 10, 500)
    wide = tabular.interval([[0.0, 0.0], [0.1, 0.1]] * 5, 500)
    assert narrow[1] <= narrow[0] <= narrow[2]
    assert wide[2] - wide[1] > narrow[2] - narrow[1]
    assert tabular.below([-0.006, -0.004, 0.1, 0.0]) == 0.25
