"""The networks compute what was published; files that hold anything else are refused."""

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from xbsql import sample
from xbsql.errors import XbsqlError
from xbsql.features.image import networks
from xbsql.features.image.column import forget, pictures
from xbsql.features.image.encoder import given, picture_encoder, unpacked
from xbsql.features.image.networks import KINDS, PACKAGES, brought, installed
from xbsql.features.image.units import Middle, Unit, conv
from xbsql.features.image.vgg import VGG16

SEEN = {"kitchen": 504, "lighting": 846, "clothing": 610}  # ImageNet's coffee mug, table lamp, jersey


@pytest.fixture(scope="module")
def icons():
    return sample.pictures("US", 1)


def state_dict_of(network, classes=10, seed=0):
    """Random small weights by the published names."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {}
    for unit in (module for module in network.modules() if isinstance(module, Unit)):
        shapes |= unit.tensors()
    shapes |= {f"{network.head}.weight": (classes, network.width), f"{network.head}.bias": (classes,)}
    return {
        name: torch.rand(shape, generator=generator) * (0.2 if len(shape) > 1 else 1.0)
        for name, shape in shapes.items()
    }


@pytest.fixture
def vgg_file(tmp_path):
    path = tmp_path / "vgg16.pth"
    torch.save(state_dict_of(VGG16(4, 16)), path)
    return path


@pytest.mark.parametrize("name", PACKAGES)
def test_a_drawn_thing_is_seen_as_what_it_is(name, icons):
    """With the published classifier behind it each network names what our own code drew."""
    loaded, package = installed(name), PACKAGES[name]
    folder = Path(next(iter(find_spec(package.module).submodule_search_locations)))
    published = torch.load(folder / package.file, weights_only=True)
    shown = [i for i, category in enumerate(icons["category"].to_pylist()) if category in SEEN]
    pixels, _ = unpacked([icons["photo"][i].as_py() for i in shown])
    with torch.inference_mode():
        maps = loaded.network.trunk(given(torch.from_numpy(pixels), loaded))
        found = loaded.network.tail[0](maps).mean((2, 3))  # as it was published; ours weighs the middle
    named = (found @ published["_fc.weight"].T + published["_fc.bias"]).argmax(1).tolist()
    assert named == [SEEN[icons["category"][i].as_py()] for i in shown]


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(3, 1, 7), (3, 2, 8), (5, 2, 8), (5, 2, 9), (1, 1, 4)]
)
def test_a_unit_is_its_layer_normalised(kernel, stride, side):
    """Folding changes no value, and 'same' pads as the definition does: what is odd comes last."""
    generator = torch.Generator().manual_seed(kernel * stride)
    unit = Unit(conv(3, 5, kernel, stride), "c", "n", "relu6", 1e-3, same=True)
    parts = {name: torch.rand(shape, generator=generator) for name, shape in unit.tensors().items()}
    unit.fill(parts)
    x = torch.rand(2, 3, side, side, generator=generator)
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    padded = torch.nn.functional.pad(x, (missing // 2, missing - missing // 2) * 2)
    plain = torch.nn.functional.conv2d(padded, parts["c.weight"], None, stride)
    normal = torch.nn.functional.batch_norm(
        plain, parts["n.running_mean"], parts["n.running_var"], parts["n.weight"], parts["n.bias"], eps=1e-3
    )
    torch.testing.assert_close(unit(x).detach(), normal.clamp(0, 6), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "weights"),
    [
        ((1, 1), [[1.0]]),
        ((3, 3), [[1 / 9] * 3] * 3),
        ((4, 5), [[1 / 20] * 5] * 4),
        ((5, 5), [[1 / 50] * 5, *[[1 / 50, *[1 / 50 + 1 / 18] * 3, 1 / 50]] * 3, [1 / 50] * 5]),
    ],
)
def test_the_middle_counts_more_and_weights_sum_to_one(shape, weights):
    cells = torch.eye(shape[0] * shape[1]).reshape(-1, 1, *shape)
    found = Middle()(cells).reshape(shape)
    torch.testing.assert_close(found, torch.tensor(weights))
    large = Middle()(torch.eye(49).reshape(-1, 1, 7, 7)).reshape(7, 7)
    assert large.sum().item() == pytest.approx(1)
    assert large[3, 3] > large[1, 3] > large[0, 3] > 0


@pytest.mark.parametrize("kind", ["vgg16", "resnet50"])
def test_a_network_of_ones_own_is_read_by_its_sizes(kind, tmp_path):
    sizes = {"features.0.weight": 4, "classifier.0.weight": 16, "conv1.weight": 4}
    smaller = KINDS[kind].make({name: torch.empty(rows, 1) for name, rows in sizes.items()})
    torch.save(state_dict_of(smaller), tmp_path / "own.pth")
    loaded = brought(kind, str(tmp_path / "own.pth"))
    with torch.inference_mode():
        assert loaded.network(torch.rand(2, 3, 224, 224)).shape == (2, smaller.width)


class Code:
    def __reduce__(self):
        return (sys.exit, (1,))


def refused(content, tmp_path, kind="vgg16"):
    path = tmp_path / "given.pth"
    torch.save(content, path) if not isinstance(content, bytes) else path.write_bytes(content)
    with pytest.raises(XbsqlError) as caught:
        brought(kind, str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_no_state_dict_are_refused(tmp_path):
    small = state_dict_of(VGG16(4, 16))
    assert "more than tensors" in refused(Code(), tmp_path)
    assert "more than tensors" in refused({"features.0.weight": Code()}, tmp_path)
    assert "holds no state dict" in refused(b"no file of torch", tmp_path)
    assert "no tensors by name" in refused([1, 2], tmp_path)
    assert "'conv1.weight' is missing" in refused(small, tmp_path, "resnet50")
    less = {name: part for name, part in small.items() if name != "features.5.bias"}
    assert "'features.5.bias' is missing" in refused(less, tmp_path)
    assert "it has no 'more.weight'" in refused({**small, "more.weight": torch.ones(1)}, tmp_path)
    assert "has shape (3,)" in refused({**small, "features.5.bias": torch.ones(3)}, tmp_path)


def test_unknown_networks_are_told(tmp_path):
    with pytest.raises(XbsqlError, match=r"no picture encoder 'lite1'.*did you mean"):
        picture_encoder("lite1")
    with pytest.raises(XbsqlError, match="no kind of network 'vgg19'"):
        picture_encoder("vgg19:x.pth")
    with pytest.raises(XbsqlError, match="there is no file"):
        picture_encoder(f"vgg16:{tmp_path / 'none.pth'}")


def test_another_file_than_the_published_one_is_refused(monkeypatch):
    changed = PACKAGES["lite0"]._replace(digest=hashlib.sha256(b"").hexdigest())
    monkeypatch.setitem(networks.PACKAGES, "lite0", changed)
    with pytest.raises(XbsqlError, match="has sha256 57934424"):
        installed("lite0")
    monkeypatch.setitem(networks.PACKAGES, "lite0", changed._replace(module="no_such_module"))
    with pytest.raises(XbsqlError, match="pip install efficientnet-lite0"):
        installed("lite0")


def test_equal_pictures_are_looked_at_once(icons, monkeypatch):
    import pyarrow as pa

    encoder = picture_encoder("lite0")
    forget()
    seen = []
    embed = type(encoder).embed
    monkeypatch.setattr(
        type(encoder), "embed", lambda self, given: seen.append(len(given)) or embed(self, given)
    )
    blobs = [blob.as_py() for blob in icons["photo"]][:3]
    column = pa.chunked_array(
        [pa.array([blobs[0], None, b"", blobs[0]], pa.binary()), pa.array(blobs, pa.binary())]
    )
    found = pictures(column, encoder, "xb.embed_image")
    assert seen == [4]  # three pictures, and the empty one
    assert found.there.tolist() == [True, False, False, True, True, True, True]
    assert found.problems == {"empty": 1}
    np.testing.assert_array_equal(found.vectors[0], found.vectors[4])
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), found.there, atol=1e-6)
    again = pictures(column.slice(2), encoder, "xb.embed_image")
    assert seen == [4]
    assert again.problems == {"empty": 1}
    np.testing.assert_array_equal(again.vectors, found.vectors[2:])


def test_a_vector_does_not_depend_on_its_company(icons):
    blobs = [blob.as_py() for blob in icons["photo"]]
    encoder = picture_encoder("lite0")
    together, alone = encoder.embed(blobs[:4]).vectors, encoder.embed(blobs[2:3]).vectors
    np.testing.assert_allclose(alone[0], together[2], atol=1e-5)


def test_a_users_file_is_read_once_until_it_changes(vgg_file, icons):
    name = f"vgg16:{vgg_file}"
    encoder = picture_encoder(name)
    assert encoder.dim == 16
    assert encoder.version != picture_encoder("lite0").version
    assert picture_encoder(name) is encoder
    assert encoder.embed([icons["photo"][0].as_py()]).vectors.shape == (1, 16)
    torch.save(state_dict_of(VGG16(4, 16), seed=1), vgg_file)
    assert picture_encoder(name).version != encoder.version
