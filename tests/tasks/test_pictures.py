"""Pictures as a view: alone, with titles, with columns; at home, abroad, and where some cannot be read."""

from __future__ import annotations

import re
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from PIL import Image

import xbsql
import xbsql.frame
from xbsql import sample
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.centred import centre_of
from xbsql.engine.candidates.tuned import TailTuner
from xbsql.errors import XbsqlError
from xbsql.features.image.encoder import picture_encoder
from xbsql.features.image.units import Unit
from xbsql.features.image.vgg import VGG16
from xbsql.features.views import Features
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.task import TASK as predict

LITE = {"network": "lite0", "ignore": ["sku"]}
NETWORK = {"ignore": ["sku"]}
SHOTS = 2


@pytest.fixture(scope="module")
def icons():
    return sample.pictures("US", 3)


@pytest.fixture(scope="module")
def photos():
    return sample.pictures("JP", 6)


@pytest.fixture(scope="module")
def home(icons):
    return road.fit(classify, icons, "category", market="US", options=LITE)[0]


def numbered(table):
    return np.array([int(sku[-2:]) for sku in table["sku"].to_pylist()])


def labelled(table, shots):
    shown = pa.array(numbered(table) < shots)
    return table.set_column(1, "category", pc.if_else(shown, table["category"].combine_chunks(), None))


def accuracy(model, table):
    return road.evaluate(classify, model, table, "category")[0]["value"]


def unseen(photos):
    return photos.filter(pa.array(numbered(photos) >= SHOTS))


@pytest.mark.parametrize("shots", [0, SHOTS])
def test_icons_teach_photos(home, icons, photos, shots):
    """Each side less its own mean, icons say more of photos than the home model as it is."""
    model, found = road.transfer(classify, labelled(photos, shots), "category", base=home, options=NETWORK)
    rest = unseen(photos)
    assert accuracy(model, rest) >= accuracy(home, rest) + 0.05
    assert accuracy(model, rest) >= 0.8
    assert found.verdict.metric == "accuracy"
    again = restore(model.state())
    batch = rest.select(["photo"]).to_batches()[0]
    assert again.predict(batch).equals(model.predict(batch))


def test_without_rows_weights_alone_are_kept(icons, photos):
    options = {**LITE, "keep_rows": False}
    home = road.fit(classify, icons, "category", options=options)[0]
    model, _ = road.transfer(
        classify, labelled(photos, 4), "category", base=home, options={"keep_rows": False, **NETWORK}
    )
    held = {part.kind for part in walked(model.state())}
    assert not held & {"process", "prototypes", "neighbours", "reach"}
    assert accuracy(model, photos.filter(pa.array(numbered(photos) >= 4))) > 0.6


def walked(state):
    yield state
    for part in state.parts.values():
        yield from walked(part)


def test_what_cannot_be_read_is_a_null_and_is_counted(home, photos):
    broken = [b"", b"no picture", photos["photo"][0].as_py()[:300], None]
    blobs = photos["photo"].to_pylist()
    blobs[: len(broken)] = broken
    table = photos.set_column(2, "photo", pa.array(blobs, pa.binary()))
    answers = home.predict(table.select(["photo"]).to_batches()[0])
    assert answers.is_null().to_pylist() == [True] * len(broken) + [False] * (len(blobs) - len(broken))
    _, found = road.transfer(classify, labelled(table, SHOTS), "category", base=home, options=NETWORK)
    notes = "; ".join(found.verdict.notes)
    assert "column 'photo': 3 BLOBs are no pictures that can be read" in notes
    assert "empty (1)" in notes
    assert "no picture (1)" in notes


def test_rows_of_which_nothing_is_read_are_not_answered(home, icons):
    contents = icons["photo"].to_pylist()
    broken = contents[: len(contents) // 4]
    rows = icons.set_column(
        icons.column_names.index("photo"),
        "photo",
        pa.array([b"no picture"] * len(broken) + contents[len(broken) :], pa.binary()),
    )
    said = home.predict(rows.combine_chunks().to_batches()[0])
    found = {row["metric"]: row["value"] for row in road.evaluate(classify, home, rows, "category")}
    assert found["answered"] == pytest.approx(1 - said.null_count / len(said))
    assert found["answered"] == pytest.approx(1 - len(broken) / len(contents))
    assert found["accuracy_answered"] >= found["accuracy"]
    whole = {row["metric"] for row in road.evaluate(classify, home, icons, "category")}
    assert "answered" not in whole


@pytest.mark.parametrize("title", [None, "", " \t"])
def test_neither_a_title_nor_a_picture_is_no_answer(icons, title):
    titled = icons.append_column(
        "title", pa.array([f"a nice {name}" for name in icons["category"].to_pylist()])
    )
    model = road.fit(classify, titled, "category", options={**LITE, "text": ["title"]})[0]
    rows = pa.table({"photo": [b"", None, b"", *icons["photo"].to_pylist()[:1]], "title": [title] * 4})
    blank = rows.set_column(1, "title", pa.array([title, title, "a nice bag", title], pa.string()))
    batch = blank.select(model.reader.schema.names).to_batches()[0]
    assert model.predict(batch).is_null().to_pylist() == [True, True, False, False]


def test_blobs_that_are_no_pictures_are_not_read(icons):
    archives = pa.array([f"PK {i}".encode() for i in range(len(icons))], pa.binary())
    table = icons.set_column(2, "file", archives)
    with pytest.raises(XbsqlError, match=r"no column to read .*BLOBs in 'file' are no pictures"):
        road.fit(classify, table, "category", options={"ignore": ["sku"]})


def test_why_a_column_is_not_read_is_said(home, icons, photos):
    """Nobody looks for what is wrong with pictures that were ignored, or that home has under another name."""
    with pytest.raises(XbsqlError, match=r"no column to read \(sku, photo\); name one by options"):
        road.fit(classify, icons, "category", options={"ignore": ["sku", "photo"]})
    titled = icons.append_column("title", icons["category"])
    archives = titled.append_column("file", pa.array([f"PK {i}".encode() for i in range(len(icons))]))
    notes = road.fit(classify, archives, "category", options=LITE)[1][0]["note"]
    assert "column 'file' is not read (its BLOBs are no pictures: xb.image_info says why)" in notes
    abroad = labelled(photos, 0).rename_columns(["sku", "category", "bild"])
    notes = "; ".join(
        road.transfer(classify, abroad, "category", base=home, options=NETWORK)[1].verdict.notes
    )
    assert "column 'bild' is not read (home has no column of pictures of that name)" in notes
    assert "column 'sku' is not read (it names the row, is empty or was ignored)" in notes


def test_a_column_of_pictures_is_aligned_by_the_meaning_of_its_name(tmp_path, icons, photos):
    abroad = labelled(photos, 2).select(["photo", "category"]).rename_columns(["Bild", "category"])
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "us", icons, "category", options=LITE)
        told = xbsql.transfer(con, "de", abroad, "category", base="us", options={"align": True})
        assert "column 'Bild' is read as 'photo' (meaning" in told["note"][0].as_py()
        found = xbsql.evaluate(con, "de", photos.rename_columns(["sku", "category", "Bild"]), "category")
    assert found["value"][0].as_py() >= 0.8


def test_titles_pictures_and_columns_stand_in_one_model(icons, photos):
    """Each alone tells the classes apart in part; a row that lacks its picture is read by the rest."""

    def described(table):
        rng = np.random.default_rng(0)
        category = table["category"].to_pylist()
        vague = {"bags": "thing", "beauty": "thing", "shoes": "thing", "sports": "thing"}
        titles = [f"nice {vague.get(name, name)} number {rng.integers(9)}" for name in category]
        heavy = [float(name in ("bags", "sports")) + rng.normal(0, 0.1) for name in category]
        return table.append_column("title", pa.array(titles)).append_column("kg", pa.array(heavy))

    home = road.fit(classify, described(icons), "category", options={**LITE, "text": ["title"]})[0]
    assert home.signature.inputs.names == ["photo", "title", "kg"]
    model, found = road.transfer(
        classify, labelled(described(photos), 4), "category", base=home,
        options={**NETWORK, "text": ["title"]},
    )  # fmt: skip
    rest = described(photos.filter(pa.array(numbered(photos) >= 4)))
    assert accuracy(model, rest) >= 0.85
    assert {"target_only:product", "target_only:pictures", "target_only:text"} <= set(found.weights)
    batch = rest.select(["photo", "title", "kg"]).to_batches()[0]
    bare = batch.set_column(0, "photo", pa.nulls(len(batch), pa.binary()))
    assert model.predict(bare).null_count == 0


def test_numbers_are_read_from_pictures(photos):
    """The price of a thing by its looks."""
    worth = {name: 10.0 * place for place, name in enumerate(sorted(sample.SHAPES))}
    price = pa.array([worth[name] for name in photos["category"].to_pylist()])
    table = photos.drop_columns(["category"]).append_column("price", price)
    shown = pa.array(numbered(photos) < 4)
    model, _ = road.fit(predict, table.filter(shown), "price", options=LITE)
    rows = road.evaluate(predict, model, table.filter(pc.invert(shown)), "price")
    assert next(row["value"] for row in rows if row["metric"] == "r2") > 0.4


def test_the_same_picture_is_one_group_and_is_known_again(photos):
    twice = pa.concat_tables([photos, photos.slice(0, 20)])
    model, _ = road.fit(classify, twice, "category", options=LITE)
    seen = {row["metric"]: row["value"] for row in road.evaluate(classify, model, photos, "category")}
    assert seen["seen"] == 1.0


def test_another_network_than_homes_is_refused(home, photos):
    with pytest.raises(XbsqlError, match="by 'lite0', and network is 'lite2'"):
        road.transfer(classify, photos, "category", base=home, options={**NETWORK, "network": "lite2"})


def test_a_catalogue_may_have_one_icon_of_each_class():
    photo = sample.pictures("US", 7)["photo"]
    many = pa.table({"photo": photo, "kind": [f"kind {i}" for i in range(len(photo))]})
    model, rows = road.fit(classify, many, "kind", options={"network": "lite0"})
    assert len(model.classes) == len(photo)
    assert rows[0]["value"] is None
    assert accuracy_of_own(model, many) > 0.9


def accuracy_of_own(model, table):
    found = model.predict(table.select(["photo"]).to_batches()[0]).field("label").to_pylist()
    return np.mean([a == b for a, b in zip(found, table["kind"].to_pylist(), strict=True)])


def test_sql_reads_pictures(icons, photos, tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    con.register("icons", icons)
    con.register("photos", labelled(photos, SHOTS))
    for sku, blob in zip(photos["sku"].to_pylist()[:4], photos["photo"].to_pylist()[:4], strict=True):
        (tmp_path / f"{sku}.jpg").write_bytes(blob)
    con.sql(
        "CALL xb.fit('kinds', icons, 'category', options := {'network': 'lite0', 'ignore': ['sku']})"
    ).fetchall()
    con.sql(
        "CALL xb.transfer('kinds_jp', photos, 'category', base := 'kinds', options := {'ignore': ['sku']})"
    ).fetchall()
    found = con.sql(
        f"SELECT filename, xb.classify('kinds_jp', content).label AS label FROM read_blob('{tmp_path}/*.jpg')"
    ).fetchall()
    assert len(found) == 4
    assert sum(label in name for name, label in found) >= 3
    con.sql(
        "CALL xb.build_index('looks', icons, id := sku, vec := xb.embed_image(photo, model := 'lite0'))"
    ).fetchall()
    near = con.sql(
        "SELECT sku, xb.search('looks', xb.embed_image(photo, model := 'lite0'), k := 1)[1].id FROM icons"
    ).fetchall()
    assert all(own == found for own, found in near)
    con.sql("SELECT xb.embed_image(b, model := 'lite0') FROM (VALUES (''::BLOB), (NULL)) t(b)").fetchall()
    note = con.sql("FROM xb.last_calls() WHERE function = 'embed_image' LIMIT 1").fetchall()[0][-1]
    assert note == "1 BLOB is no picture that can be read: empty (1)"
    con.close()


def test_pretrain_freeze_fine_tune(tmp_path, monkeypatch):
    """The three statements of docs/pictures.md run, with random small weights, and the third one trains."""
    page = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text()
    block = next(found for found in re.findall(r"```SQL\n(.*?)```", page, re.DOTALL) if "vgg16" in found)
    monkeypatch.chdir(tmp_path)
    network, generator = VGG16(2, 32), torch.Generator().manual_seed(0)
    shapes = [unit.tensors() for unit in network.modules() if isinstance(unit, Unit)]
    drawn = {
        name: torch.randn(shape, generator=generator) * (2 / max(np.prod(shape[1:]), 1)) ** 0.5
        for found in shapes
        for name, shape in found.items()
    }
    torch.save(drawn, "vgg16.pth")
    con = xbsql.connect("shop.duckdb")
    con.register("icons_us", sample.pictures("US", 2))
    con.register("photos_jp", labelled(sample.pictures("JP", 3), 2))
    fitted, frozen, tuned = (con.sql(statement).fetchall() for statement in con.extract_statements(block))
    assert fitted[0][0] == "vgg_us"
    assert "finetuned:pictures" not in frozen[0][-1]
    assert "finetuned:pictures" in tuned[0][-1]
    con.close()


def test_fine_tuning_starts_at_the_line_and_learns(icons):
    """Without a pass the layers are the published ones; with some they move, and what was learnt stays."""
    blobs = [blob.as_py() for blob in icons["photo"]]
    encoder = picture_encoder("lite0")
    x = Features({"picture": encoder.embed(blobs).vectors, "maps": encoder.maps(blobs)})
    y = np.asarray(icons["category"].combine_chunks().dictionary_encode().indices, np.int64) % 3
    centre = centre_of(x)
    start, tuned = (
        TailTuner("lite0", 3, rate=1e-3, passes=passes).fit(Sample(x, y), centre) for passes in (0, 4)
    )
    assert all((found.predict(x).argmax(axis=1) == y).all() for found in (start, tuned))
    frozen = encoder.parts[0].network.tail.state_dict()
    assert all(np.array_equal(start.tails[f"0.{name}"], part) for name, part in frozen.items())
    assert any(not np.array_equal(tuned.tails[f"0.{name}"], part) for name, part in frozen.items())
    np.testing.assert_array_equal(restore(tuned.state()).predict(x), tuned.predict(x))


def test_pictures_that_show_something_else_have_drifted_also_beside_texts(icons, photos, tmp_path):
    def told(model, table, reference=None):
        found = xbsql.drift(con, model, table, reference=reference).to_pylist()
        return {(row["column"], row["measure"]): row for row in found}

    with xbsql.connect(store=tmp_path) as con:
        home = icons.append_column("words", pa.array([f"item no {k} of the shop" for k in range(len(icons))]))
        abroad = photos.append_column("words", pa.array([f"item no {k} of it" for k in range(len(photos))]))
        options = {**LITE, "text": ["words"]}
        xbsql.fit(con, "both", home, "category", options=options)
        assert told("both", abroad)["photo", "mmd2"]["alarm"]
        same = told("both", home)
        assert not same["photo", "mmd2"]["alarm"]
        assert ("words", "mmd2") in same
        assert told("both", abroad, home)["photo", "mmd2"]["alarm"]
        broken = [b"no picture" if k % 2 else each for k, each in enumerate(home["photo"].to_pylist())]
        at = home.column_names.index("photo")
        half = told("both", home.set_column(at, "photo", pa.array(broken, pa.binary())))
        assert half["photo", "missing"]["value"] == pytest.approx(0.5, abs=0.02)
        assert half["photo", "missing"]["alarm"]


def test_a_text_and_a_picture_stand_in_one_vector(icons, tmp_path):
    """The cosine is the mean of both; what is missing is unlike everything, what lacks both is NULL."""
    blobs, titles = icons["photo"].to_pylist()[:4], ["a red bag", "a blue bag", "a red shoe", None]
    photos = pa.array([*blobs, b""], pa.binary())
    rows = pa.table({"id": [0, 1, 2, 3, 4], "title": [*titles, " "], "photo": photos})
    both = "xb.embed_both(title, photo, model := 'lite0')"
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        con.register("rows_of", rows)
        con.execute(
            f"CREATE TABLE made AS SELECT id, title, {both} AS v, xb.embed(title) AS t, "
            "xb.embed_image(photo, model := 'lite0') AS p FROM rows_of"
        )
        pairs = con.sql(
            "SELECT b.title, xb.similarity(a.v, b.v), xb.similarity(a.t, b.t), xb.similarity(a.p, b.p) "
            "FROM made a, made b WHERE a.id < b.id AND b.id < 4"
        ).fetchall()
        for title, found, text, look in pairs:
            expected = 0.5 * (text + look) if title is not None else 0.5 * look / 0.5**0.5
            assert found == pytest.approx(expected, abs=1e-4)
        assert con.sql("SELECT id FROM made WHERE v IS NULL").fetchall() == [(4,)]
        con.sql(f"CALL xb.build_index('both', rows_of, id := id, vec := {both})").fetchall()
        near = con.sql(f"SELECT id, xb.search('both', {both}, k := 1)[1].id FROM rows_of WHERE id < 4")
        assert all(str(own) == found for own, found in near.fetchall())
        twins = con.sql(
            "WITH twice AS (FROM rows_of UNION ALL SELECT 9, title, photo FROM rows_of WHERE id = 0) "
            f"FROM xb.duplicates(twice, id := id, vec := {both}, threshold := 0.999)"
        )
        assert [set(row[:2]) for row in twins.fetchall()] == [{0, 9}]
        with pytest.raises(Exception, match="share is 2"):
            con.sql("SELECT xb.embed_both('a', ''::BLOB, model := 'lite0', share := 2)").fetchall()


def test_networks_are_ranked_before_anything_is_fitted(icons, tmp_path):
    """A network that was drawn at random says less than one that has seen things, by both measures."""
    network, generator = VGG16(2, 32), torch.Generator().manual_seed(0)
    units = [unit.tensors() for unit in network.modules() if isinstance(unit, Unit)]
    shapes = {name: shape for found in units for name, shape in found.items()}
    drawn = {name: torch.randn(shape, generator=generator) * 0.05 for name, shape in shapes.items()}
    torch.save(drawn, tmp_path / "vgg16.pth")
    names = [f"vgg16:{tmp_path / 'vgg16.pth'}", "lite0"]
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        found = xbsql.rank_networks(con, icons, "category", networks=names).to_pylist()
        assert [row["network"] for row in found] == names[::-1]
        assert found[0]["accuracy"] > found[1]["accuracy"]
        assert found[0]["numbers"] == picture_encoder("lite0").dim
        with pytest.raises(XbsqlError, match="no column of pictures"):
            xbsql.rank_networks(con, icons.drop_columns(["photo"]), "category")
        with pytest.raises(XbsqlError, match="of one class, or one of each"):
            xbsql.rank_networks(con, icons.slice(0, 2), "category", networks=["lite0"])
        with pytest.raises(XbsqlError, match="no picture encoder 'lite1'"):
            xbsql.rank_networks(con, icons, "category", networks=["lite1"])


def test_polars_reads_binary_columns(icons, tmp_path):
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        xbsql.fit(con, "kinds", icons, "category", options=LITE)
        xbsql.frame.use(con)
        photo, given = pl.col("photo"), [*icons["photo"].to_pylist()[:3], b"", None]
        rows = pl.LazyFrame({"photo": pl.Series(given, dtype=pl.Binary)})
        found = rows.select(
            said=photo.xb.classify("kinds"),
            vector=photo.xb.embed_image(model="lite0"),
            info=photo.xb.image_info(),
        ).collect()
        blobs = pa.array(given, pa.binary())
        expected = xbsql.classify(con, "kinds", blobs).to_pylist()
        for said, own in zip(found["said"].to_list(), expected, strict=True):
            assert (said and said["label"]) == (own and own["label"])
            assert (said and said["score"]) == (own and pytest.approx(own["score"]))
        assert found["vector"].to_list() == xbsql.embed_image(con, blobs, model="lite0").to_pylist()
        assert [row and row["problem"] for row in found["info"].to_list()] == [*[None] * 3, "empty", None]


def test_no_blob_loses_a_query(icons, tmp_path):
    """In one query: a vector of all that shows something, NULL and a count of the rest."""
    plain = Image.effect_noise((60, 40), 80).convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    good = {
        "animated": file_of(plain, "GIF", save_all=True, append_images=[plain.rotate(90)]),
        "cmyk": file_of(plain.convert("CMYK"), "JPEG"),
        "16 bits": file_of(Image.fromarray(np.arange(2500, dtype=np.uint16).reshape(50, 50)), "PNG"),
        "palette": file_of(plain.convert("P"), "PNG"),
        "turned": file_of(plain, "JPEG", exif=turned),
        "1 pixel": file_of(plain.resize((1, 1)), "PNG"),
    }
    whole = file_of(Image.new("1", (1, 1)), "PNG")
    start = b"IHDR" + struct.pack(">II", 20_000, 20_000) + bytes([1, 0, 0, 0, 0])
    bad = {
        "empty": b"",
        "text": b"no picture",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "cut": good["cmyk"][:200],
        "broken": good["palette"][:-80] + bytes(60) + good["palette"][-20:],
        "20,000 x 20,000": whole[:12] + start + struct.pack(">I", zlib.crc32(start)) + whole[33:],
    }
    names = [*good, *bad, "NULL"]
    blobs = [*good.values(), *bad.values(), None]
    rows = pa.table({"name": names, "photo": pa.array(blobs, pa.binary())})
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        con.register("rows_of", rows)
        xbsql.fit(con, "kinds", icons, "category", options=LITE)
        found = con.sql(
            "SELECT name, xb.embed_image(photo, model := 'lite0') IS NULL, "
            "xb.classify('kinds', photo) IS NULL, xb.image_info(photo).problem FROM rows_of"
        ).fetchall()
        assert {name for name, vector, said, _ in found if vector and said} == {*bad, "NULL"}
        assert {name for name, vector, said, _ in found if not vector and not said} == set(good)
        assert {name for name, *_, problem in found if problem is not None} == set(bad)
        note = con.sql("FROM xb.last_calls() WHERE function = 'embed_image' LIMIT 1").fetchall()[0][-1]
        assert note.startswith("6 BLOBs are no pictures that can be read: ")


def file_of(picture, kind, **options):
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
