import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from maskmill.errors import ModelError
from maskmill.models import build_model
from maskmill.models.archive import load_model, read_description, save_model

DESCRIPTION = {"scale": {"policy": "fit", "image_size": [32, 48]}, "channels": 3}


def _build(backbone: str | None = None, dropout: float = 0.0) -> keras.Model:
    return build_model(
        "unet",
        channels=3,
        num_classes=3,
        backbone=backbone,
        weights="none",
        base_filters=4,
        depth=3,
        decoder_filters=[16, 8, 8, 4, 4],
        dropout=dropout,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    model = _build()
    path = tmp_path_factory.mktemp("archive") / "model.keras"
    save_model(model, path, DESCRIPTION)
    return model, path


@pytest.mark.parametrize("backbone", [None, "mobilenetv2", "mit_b0"], ids=str)
def test_two_builds_with_the_same_weights_save_the_same_bytes_and_load_to_the_same_logits(
    backbone: str | None, tmp_path: Path
) -> None:
    first, second = _build(backbone, dropout=0.2), _build(backbone, dropout=0.2)
    second.set_weights(first.get_weights())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 37, 53, 3), dtype=np.uint8)
    second(pictures, training=True)  # moves random states, and moving averages:
    second.set_weights(first.get_weights())
    for model, name in ((first, "first.keras"), (second, "second.keras")):
        save_model(model, tmp_path / name, DESCRIPTION)
    assert (tmp_path / "first.keras").read_bytes() == (tmp_path / "second.keras").read_bytes()

    loaded, description = load_model(tmp_path / "first.keras")
    assert description == {**DESCRIPTION, "format": 3}
    expected, found = (keras.ops.convert_to_numpy(model(pictures, training=False)) for model in (first, loaded))
    assert expected.std() > 0
    assert np.array_equal(found, expected)


def test_what_belongs_to_training_is_left_out(tmp_path: Path) -> None:
    model = _build()
    save_model(model, tmp_path / "before.keras", DESCRIPTION)
    weights = model.get_weights()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8)))
    model.set_weights(weights)
    save_model(model, tmp_path / "after.keras", DESCRIPTION)
    assert (tmp_path / "after.keras").read_bytes() == (tmp_path / "before.keras").read_bytes()
    assert not load_model(tmp_path / "after.keras")[0].compiled


def test_other_weights_give_other_bytes(saved: tuple[keras.Model, Path], tmp_path: Path) -> None:
    model = _build()
    save_model(model, tmp_path / "other.keras", DESCRIPTION)
    assert (tmp_path / "other.keras").read_bytes() != saved[1].read_bytes()


def test_members_carry_no_dates(saved: tuple[keras.Model, Path]) -> None:
    with zipfile.ZipFile(saved[1]) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == "1980-01-01@00:00:00"


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_model(_build(), tmp_path / "model.keras", {"classes": object()})
    assert list(tmp_path.iterdir()) == []


def _rewrite(source: Path, target: Path, **changes: bytes | None) -> Path:
    """Copy an archive with members replaced, or left out where None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = changes.get(name.replace(".", "_"), old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def _problems(folder: Path, whole: Path) -> dict[str, tuple[Path, str]]:
    (folder / "text.keras").write_text("no model")
    with zipfile.ZipFile(folder / "zip.keras", "w") as archive:
        archive.writestr("picture.png", b"")
    return {
        "absent": (folder / "absent.keras", "no such file"),
        "text": (folder / "text.keras", "not a .keras file"),
        "other zip": (folder / "zip.keras", "not a .keras file"),
        "no description": (_rewrite(whole, folder / "bare.keras", maskmill_json=None), "has no description"),
        "newer": (_rewrite(whole, folder / "newer.keras", maskmill_json=b'{"format": 4}'), "written by a newer maskmill"),
        "damaged description": (_rewrite(whole, folder / "list.keras", maskmill_json=b"[]"), "is damaged"),
        "damaged weights": (_rewrite(whole, folder / "weights.keras", model_weights_h5=b"none"), "cannot be rebuilt"),
        "damaged config": (_rewrite(whole, folder / "config.keras", config_json=b"{}"), "cannot be rebuilt"),
        "no weights": (_rewrite(whole, folder / "empty.keras", model_weights_h5=None), "cannot be rebuilt"),
    }


KINDS = ["absent", "text", "other zip", "no description", "newer", "damaged description"]


@pytest.mark.parametrize("kind", [*KINDS, "damaged weights", "damaged config", "no weights"])
def test_a_file_that_is_no_model_is_named(kind: str, saved: tuple[keras.Model, Path], tmp_path: Path) -> None:
    path, words = _problems(tmp_path, saved[1])[kind]
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_a_name_without_the_ending_is_refused(saved: tuple[keras.Model, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.h5: not the name of a model file"):
        save_model(saved[0], tmp_path / "model.h5", DESCRIPTION)


def test_the_description_is_read_without_the_model(saved: tuple[keras.Model, Path]) -> None:
    assert read_description(saved[1]) == {**DESCRIPTION, "format": 3}


@pytest.mark.parametrize("earlier", [{"format": 1, "channels": 3}, {"format": 2, "channels": 3, "labels": "overlapping"}])
def test_a_file_of_an_earlier_format_is_read(earlier: dict[str, object], saved: tuple[keras.Model, Path], tmp_path: Path) -> None:
    path = _rewrite(saved[1], tmp_path / "earlier.keras", maskmill_json=json.dumps(earlier).encode())
    assert load_model(path)[1] == earlier
