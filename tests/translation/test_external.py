"""A network of the user's: one more origin, that evidence takes or leaves."""

import shutil

import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.translation.external import External

pytest.importorskip("ctranslate2")
from tests.translation.network import write, write_marian

COLOURS = {"red": "rouge", "blue": "bleu", "black": "noir", "white": "blanc", "green": "vert", "grey": "gris"}
THINGS = {"hat": "chapeau", "bag": "sac", "coat": "manteau", "towel": "torchon", "lamp": "luminaire"}
THINGS |= {"knife": "couteau", "ring": "anneau", "carpet": "tapis", "oven": "four", "glove": "gant"}
NEW = {"pencil": "crayon", "sofa": "divan", "basket": "panier"}


def table(words, order="{} {}"):
    pairs = [(f"{c} {t}", order.format(COLOURS[c], words[t])) for c in COLOURS for t in words]
    return pa.table({"en": [a for a, _ in pairs], "fr": [b for _, b in pairs]})


def fitted(con, name, folder, data=None, **more):
    given = {"src": "en", "dst": "fr", "external": str(folder), **more}
    data = table(THINGS) if data is None else data
    return xbsql.fit(con, name, data, "fr", task="translate", options=given)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("external") / "network"
    write(folder, [*COLOURS.items(), *THINGS.items(), *NEW.items()])
    return folder


@pytest.fixture
def con(tmp_path):
    with xbsql.connect(store=tmp_path / "store") as con:
        yield con


def said(con, name, texts):
    return [row.as_py() for row in xbsql.translate(con, name, texts)]


@pytest.mark.parametrize("made", [write, write_marian])
def test_words_that_no_pair_has_are_the_networks(con, tmp_path, made):
    made(tmp_path / "network", [*COLOURS.items(), *THINGS.items(), *NEW.items()])
    fitted(con, "shop", tmp_path / "network")
    found = said(con, "shop", [f"red {thing}" for thing in NEW])
    assert [row["text"].lower() for row in found] == [f"rouge {word}" for word in NEW.values()]
    assert {row["from"] for row in found} == {"external"}


def test_a_network_that_is_wrong_is_left_aside(con, network, tmp_path):
    wrong = dict(zip(THINGS, [*THINGS.values()][1:] + [*THINGS.values()][:1], strict=True))
    write(tmp_path / "wrong", [*COLOURS.items(), *wrong.items()])
    fitted(con, "shop", tmp_path / "wrong")
    found = said(con, "shop", ["red hat", "blue coat"])
    assert [row["text"].lower() for row in found] == ["rouge chapeau", "bleu manteau"]
    assert "external" not in {row["from"] for row in found}


def test_a_number_that_the_network_loses_bars_what_it_says(con, network):
    fitted(con, "shop", network)
    found = said(con, "shop", ["red sofa 12 cm"])[0]
    assert "12 cm" in found["text"]
    assert found["from"] != "external"


def test_the_home_models_network_goes_with_it(con, network):
    sold = list(THINGS)
    fitted(con, "home", network, table({thing: THINGS[thing] for thing in sold[:5]}))
    few = table({thing: THINGS[thing] for thing in sold[5:]})
    xbsql.transfer(con, "abroad", few, "fr", base="home", options={"src": "en", "dst": "fr"})
    assert said(con, "abroad", ["grey basket"])[0]["text"].lower() == "gris panier"


def test_another_network_in_the_folder_is_another_fit_and_bars_the_old_model(con, network, tmp_path):
    shutil.copytree(network, tmp_path / "own")
    first = fitted(con, "shop", tmp_path / "own").to_pylist()[0]["version"]
    assert fitted(con, "shop", tmp_path / "own").to_pylist()[0]["version"] == first
    write(tmp_path / "own", [*COLOURS.items(), *THINGS.items(), *NEW.items(), ("cup", "tasse")])
    with xbsql.connect(store=tmp_path / "store") as fresh:
        with pytest.raises(XbsqlError, match="holds another network than the model was fitted with; put it"):
            said(fresh, "shop", ["red sofa"])
        assert fitted(fresh, "shop", tmp_path / "own").to_pylist()[0]["version"] == first + 1
        assert said(fresh, "shop", ["red cup"])[0]["text"].lower() == "rouge tasse"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "no folder '.*' for the option 'external'; give its path"),
        (
            lambda folder: (folder / "model.bin").unlink(),
            "has no model.bin, and not one .npz with one or two vocabularies .yml; give a folder",
        ),
        (
            lambda folder: (folder / "target.spm").unlink(),
            "has no source.spm and target.spm, or sent",
        ),
        (
            lambda folder: (folder / "model.bin").write_bytes(b"0" * 99),
            "cannot be read .*; make it by a conv",
        ),
        (
            lambda folder: (folder / "source.spm").write_bytes(b"0" * 99),
            "cannot be read .*; make it by a conv",
        ),
        (
            lambda folder: (folder / "model.bin").rename(folder / "model.enfr.intgemm.alphas.bin"),
            "is a network for Firefox, whose decoder CTranslate2 cannot run; give the network",
        ),
    ],
)
def test_a_folder_that_is_no_network_is_one_clear_line(con, network, tmp_path, broken, message):
    shutil.copytree(network, tmp_path / "own")
    broken(tmp_path / "own")
    with pytest.raises(XbsqlError, match=message) as caught:
        fitted(con, "shop", tmp_path / "own")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            lambda folder: [(folder / f"vocab.{side}.yml").unlink() for side in ("src", "trg")],
            "has no model.bin, and not one .npz with one or two vocabularies .yml",
        ),
        (
            lambda folder: shutil.copy(folder / "model.npz", folder / "other.npz"),
            "has no model.bin, and not one .npz with one or two vocabularies .yml",
        ),
        (
            lambda folder: (folder / "model.npz").write_bytes(b"0" * 99),
            "cannot be read .*; make it by a conv",
        ),
    ],
)
def test_a_folder_of_marian_that_is_broken_is_one_clear_line(tmp_path, broken, message):
    write_marian(tmp_path / "own", [*COLOURS.items(), *THINGS.items()])
    broken(tmp_path / "own")
    with pytest.raises(XbsqlError, match=message) as caught:
        External.of("xb.fit", str(tmp_path / "own"))
    assert "\n" not in str(caught.value)
