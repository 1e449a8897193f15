"""Networks of timm: read from a folder that holds no code, cut where they can be fine-tuned."""

import json
import sys
import types

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from xbsql import sample
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.centred import centre_of
from xbsql.engine.candidates.tuned import TailTuner
from xbsql.errors import XbsqlError
from xbsql.features.image.encoder import given, picture_encoder, unpacked
from xbsql.features.views import Features
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify

SIDE = 64


class Small(nn.Module):
    """A network with timm's interface: blocks, a norm, and a head that is read out apart."""

    def __init__(self, num_classes=7, width=12):
        super().__init__()
        self.pretrained_cfg = {"input_size": [3, SIDE, SIDE], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
        self.stem = nn.Conv2d(3, 8, 8, 8)
        last = nn.Sequential(nn.ReLU(), nn.Conv2d(8, width, 1))
        self.blocks = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), last)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, num_classes)

    def reset_classifier(self, num_classes):
        self.head = nn.Identity()

    def forward_features(self, x):
        return self.norm(self.blocks(self.stem(x)))

    def forward_head(self, x, pre_logits=False):
        return x.mean((2, 3)) if pre_logits else self.head(x.mean((2, 3)))


class Odd(Small):
    """The same with a step of which a cut knows nothing."""

    def forward_features(self, x):
        return super().forward_features(x) * 2 + 1


@pytest.fixture
def timm(monkeypatch):
    """The interface of timm over two small networks, so that this runs where it is not installed."""
    made = {"small": Small, "odd": Odd}
    stub = types.ModuleType("timm")
    stub.list_models = lambda: list(made)
    stub.create_model = lambda name, *, pretrained, **given: made[name](**given)
    monkeypatch.setitem(sys.modules, "timm", stub)
    return stub


def saved(folder, architecture="small", model=None, **more):
    torch.manual_seed(0)
    model = model or {"small": Small, "odd": Odd}[architecture]()
    folder.mkdir(exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors")
    config = {"architecture": architecture, "num_classes": 7, "pretrained_cfg": model.pretrained_cfg, **more}
    (folder / "config.json").write_text(json.dumps(config))
    return model.eval()


def blobs():
    return sample.pictures("US", 1)["photo"].to_pylist()


def expected(model, encoder):
    pixels, _ = unpacked(blobs(), SIDE)
    with torch.inference_mode():
        x = given(torch.from_numpy(pixels), encoder.parts[0])
        return nn.functional.normalize(model.forward_head(model.forward_features(x), pre_logits=True), dim=1)


@pytest.mark.parametrize(("architecture", "tunable"), [("small", True), ("odd", False)])
def test_a_folder_of_timm_says_what_the_model_says(timm, tmp_path, architecture, tunable):
    """Whether it can be cut in two or not: what cannot be cut right is left whole."""
    model = saved(tmp_path / "net", architecture)
    encoder = picture_encoder(f"timm:{tmp_path / 'net'}")
    np.testing.assert_allclose(encoder.embed(blobs()).vectors, expected(model, encoder), atol=1e-5)
    assert (encoder.side, encoder.dim, encoder.tunable) == (SIDE, 12, tunable)
    saved(tmp_path / "net", architecture, model=(other := type(model)()))
    again = picture_encoder(f"timm:{tmp_path / 'net'}")
    assert again.version != encoder.version
    np.testing.assert_allclose(again.embed(blobs()).vectors, expected(other.eval(), encoder), atol=1e-5)


def test_its_last_part_is_fine_tuned(timm, tmp_path):
    saved(tmp_path / "net")
    name = f"timm:{tmp_path / 'net'}"
    encoder = picture_encoder(name)
    x = Features({"picture": encoder.embed(blobs()).vectors, "maps": encoder.maps(blobs())})
    y = np.arange(len(x)) % 2
    still, moved = (
        TailTuner(name, 2, rate=1e-2, passes=passes).fit(Sample(x, y), centre_of(x)) for passes in (0, 3)
    )
    changed = [n for n in still.tails if not np.array_equal(still.tails[n], moved.tails[n])]
    assert changed
    assert all(".last." in name or ".norm." in name for name in changed)
    assert np.isfinite(moved.predict(x)).all()


def test_a_network_that_cannot_be_cut_is_frozen_or_refused(timm, tmp_path):
    saved(tmp_path / "net", "odd")
    given_options = {"network": f"timm:{tmp_path / 'net'}", "ignore": ["sku"]}
    icons, photos = sample.pictures("US", 2), sample.pictures("JP", 2)
    home = road.fit(classify, icons, "category", options=given_options)[0]
    assert road.transfer(classify, photos, "category", base=home, options={"ignore": ["sku"]})[0].classes
    with pytest.raises(XbsqlError, match=r"'finetune' is true, and 'timm:.*' has no last part"):
        road.transfer(classify, photos, "category", base=home, options={"ignore": ["sku"], "finetune": True})


def test_folders_that_are_no_model_are_refused_in_one_line(timm, tmp_path):
    folder = tmp_path / "net"
    name = f"timm:{folder}"

    def refused(match):
        with pytest.raises(XbsqlError, match=match) as caught:
            picture_encoder(name)
        assert "\n" not in str(caught.value)

    refused(r"has no config\.json")
    saved(folder)
    (folder / "config.json").write_text("{}")
    refused("names no architecture")
    (folder / "config.json").write_text("not json")
    refused("names no architecture")
    saved(folder, model=Small(), architecture="smal")
    refused(r"no architecture of timm 'smal'.*did you mean")
    saved(folder, model=Small(width=9))
    refused("holds no weights of small")
    saved(folder)
    (folder / "model.safetensors").write_bytes(b"a pickle with code")
    refused("holds no tensors")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not looked at")
    refused(r"has no model\.safetensors")


def test_what_is_not_installed_or_not_fetched_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    saved(tmp_path / "net")
    with pytest.raises(XbsqlError, match=r"pip install 'xbsql\[vision\]'"):
        picture_encoder(f"timm:{tmp_path / 'net'}")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(XbsqlError, match=r"pip install 'xbsql\[vision\]'"):
        picture_encoder("hub:nobody/nothing")


def test_a_model_of_the_hub_is_read_where_it_was_fetched(timm, tmp_path, monkeypatch):
    model = saved(tmp_path / "fetched")
    hub = types.ModuleType("huggingface_hub")

    def snapshot_download(name, *, local_files_only):
        assert local_files_only
        if name != "shop/small":
            raise FileNotFoundError(name)
        return str(tmp_path / "fetched")

    hub.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    encoder = picture_encoder("hub:shop/small")
    np.testing.assert_allclose(encoder.embed(blobs()).vectors, expected(model, encoder), atol=1e-5)
    with pytest.raises(XbsqlError, match="hf download shop/other"):
        picture_encoder("hub:shop/other")


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
def test_the_families_of_timm_itself_are_cut_right(name, tmp_path):
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # the extra, or its torchvision beside another torch
        pytest.skip(f"timm cannot be imported: {error}")
    model = timm.create_model(name, pretrained=False, num_classes=5).eval()
    timm.models.save_for_hf(model, str(tmp_path), safe_serialization=True)
    encoder = picture_encoder(f"timm:{tmp_path}")
    pixels, _ = unpacked(blobs(), encoder.side)
    with torch.inference_mode():
        x = given(torch.from_numpy(pixels), encoder.parts[0])
        whole = nn.functional.normalize(model.forward_head(model.forward_features(x), pre_logits=True), dim=1)
    np.testing.assert_allclose(encoder.embed(blobs()).vectors, whole, atol=1e-5)
    assert encoder.tunable
