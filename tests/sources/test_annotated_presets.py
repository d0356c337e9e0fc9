"""The presets of annotated sets, and the template, find and encode what lies as those sets have it."""

import json
from pathlib import Path

import numpy as np
from encode_source import encode, grid, save
from scene_drawing import HEIGHT, WIDTH, X_MAX, Y_MIN, grid_box, make_scene, write_raster

from maskmill.params import Params, load_params
from maskmill.pictures import read_picture
from maskmill.presets import write_params
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout

PRESETS = Path(__file__).parents[2] / "presets"
SIZE = (4, 6)
MARK = grid("......", ".1111.", ".1111.", "......")


def read_preset(root: Path, name: str) -> Params:
    write_params(name, source=None, target=root / "params.yaml", folder=PRESETS)
    return load_params(root / "params.yaml")


def encode_preset(root: Path, name: str):
    params = read_preset(root, name)
    source = params.source.model_dump()
    layout = Layout(**{key: source[key] for key in Layout.__dataclass_fields__})
    manifest = list_samples(
        root / "data",
        form=source["form"],
        layout=layout,
        group=source["group"],
        annotations_dir=root / "annotations",
        limit=source["limit"],
    )
    classes = [entry.model_dump() for entry in params.classes]
    masks = encode(root, source["form"], manifest, classes, params.encode.labels, mask_size=params.encode.mask_size)
    return dict(zip(manifest["id"], manifest["split"], strict=True)), masks


def photo(root: Path, *paths: str, size: tuple[int, int] = SIZE) -> None:
    for path in paths:
        save(root / "data" / path, np.full((*size, 3), 9, np.uint8))


def test_mapping_challenge(tmp_path):
    for part in ("train", "val"):
        photo(tmp_path, f"{part}/images/000000000001.jpg")
        content = {
            "info": {"contributor": "crowdAI.org"},
            "categories": [{"id": 100, "name": "building", "supercategory": "building"}],
            "images": [{"id": 1, "file_name": "000000000001.jpg", "width": 6, "height": 4}],
            "annotations": [
                {"id": 7, "image_id": 1, "category_id": 100, "iscrowd": 0, "area": 8.0, "bbox": [1, 1, 2, 4],
                 "segmentation": [[5.0, 1.0, 5.0, 3.0, 1.0, 3.0, 1.0, 1.0, 5.0, 1.0]]}
            ],
        }  # fmt: skip
        (tmp_path / "data" / part / "annotation.json").write_text(json.dumps(content))
    photo(tmp_path, "test_images/000000000002.jpg")
    parts, masks = encode_preset(tmp_path, "mapping_challenge")
    assert parts == {"train-000000000001": "train", "val-000000000001": "val"}
    np.testing.assert_array_equal(masks["val-000000000001"], MARK)


def test_severstal(tmp_path):
    photo(tmp_path, "train_images/0002cc93b.jpg", "train_images/000a4bcdd.jpg", "test_images/0000f269f.jpg")
    (tmp_path / "data" / "sample_submission.csv").write_text("ImageId,EncodedPixels,ClassId\n0000f269f.jpg,1 409600,0\n")
    (tmp_path / "data" / "train.csv").write_text(
        "ImageId,ClassId,EncodedPixels\n0002cc93b.jpg,4,6 2 10 2 14 2 18 2\n0002cc93b.jpg,2,1 1\n"
    )
    parts, masks = encode_preset(tmp_path, "severstal")
    assert set(parts) == {"0002cc93b", "000a4bcdd"}
    np.testing.assert_array_equal(masks["0002cc93b"], 4 * MARK + grid("2.....", "......", "......", "......"))
    assert not masks["000a4bcdd"].any()


def test_airbus_ships(tmp_path):
    photo(tmp_path, "train_v2/00003e153.jpg", "train_v2/000155de5.jpg", "test_v2/00dc34840.jpg")
    (tmp_path / "data" / "sample_submission_v2.csv").write_text("ImageId,EncodedPixels\n00dc34840.jpg,1 2\n")
    (tmp_path / "data" / "train_ship_segmentations_v2.csv").write_text(
        "ImageId,EncodedPixels\n00003e153.jpg,\n000155de5.jpg,6 2 10 2\n000155de5.jpg,14 2 18 2\n"
    )
    _, masks = encode_preset(tmp_path, "airbus_ships")
    assert not masks["00003e153"].any()
    np.testing.assert_array_equal(masks["000155de5"], MARK)


def test_data_science_bowl(tmp_path):
    photo(tmp_path, "00ae65/images/00ae65.png", "0a7d30/images/0a7d30.png")
    for folder, nuclei in (
        ("00ae65", [MARK[:, ::-1] * grid("111...") * 255, MARK * grid("...111") * 255]),
        ("0a7d30", [MARK * 255]),
    ):
        for number, nucleus in enumerate(nuclei):
            save(tmp_path / "data" / folder / "masks" / f"{number}d5.png", nucleus.astype(np.uint8))
    _, masks = encode_preset(tmp_path, "data_science_bowl")
    np.testing.assert_array_equal(masks["00ae65"], MARK)
    np.testing.assert_array_equal(masks["0a7d30"], MARK)


def test_celeba_mask(tmp_path):
    top = "CelebAMask-HQ"
    photo(tmp_path, f"{top}/CelebA-HQ-img/0.jpg", f"{top}/CelebA-HQ-img/2017.jpg", size=(8, 12))
    for path, mask in (("0/00000_skin", MARK | 1), ("0/00000_l_brow", MARK), ("1/02017_hair", MARK)):
        save(
            tmp_path / "data" / top / "CelebAMask-HQ-mask-anno" / f"{path}.png",
            np.repeat((mask * 255)[..., np.newaxis], 3, axis=2).astype(np.uint8),
        )
    _, masks = encode_preset(tmp_path, "celeba_mask")
    np.testing.assert_array_equal(masks["0"], (1 + 5 * MARK).repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(masks["2017"], (13 * MARK).repeat(2, axis=0).repeat(2, axis=1))


def test_dstl(tmp_path):
    for name, bands, size in (("6100_1_3_M", 8, (HEIGHT, WIDTH)), ("6100_1_3_A", 8, (4, 6)), ("6070_2_3_M", 8, (HEIGHT, WIDTH))):
        write_raster(tmp_path / f"data/sixteen_band/{name}.tif", make_scene(*size, bands), crs=None, transform=None)
    write_raster(tmp_path / "data/sixteen_band/6100_1_3_P.tif", make_scene(4 * HEIGHT, 4 * WIDTH, 1), crs=None, transform=None)
    (tmp_path / "data/train_wkt_v4.csv").write_text(
        "ImageId,ClassType,MultipolygonWKT\n"
        f'6100_1_3,6,"MULTIPOLYGON ({grid_box(2, 1, 30, 20)})"\n'
        f'6100_1_3,10,"MULTIPOLYGON ({grid_box(12, 4, 15, 6)})"\n'
    )
    (tmp_path / "data/grid_sizes.csv").write_text(f",Xmax,Ymin\n6100_1_3,{X_MAX},{Y_MIN}\n6070_2_3,{X_MAX},{Y_MIN}\n")
    _, masks = encode_preset(tmp_path, "dstl")
    expected = np.zeros((HEIGHT, WIDTH), np.uint16)
    expected[1:20, 2:30] = 1 << 5
    expected[4:6, 12:15] |= 1 << 9
    assert list(masks) == ["6100-1-3"]  # the other scene has neither polygons nor short-wave bands
    np.testing.assert_array_equal(masks["6100-1-3"], expected)
    picture = read_picture(next((tmp_path / "encoded" / "images").glob("6100-1-3.*")))
    assert picture.shape == (HEIGHT, WIDTH, 16)


def test_own(tmp_path):
    photo(tmp_path, "images/first.jpg", "images/second.png")
    save(tmp_path / "data/masks/first.png", MARK)
    save(tmp_path / "data/masks/second.png", np.where(MARK, np.uint8(255), np.uint8(0)))
    _, masks = encode_preset(tmp_path, "own")
    np.testing.assert_array_equal(masks["first"], MARK)
    np.testing.assert_array_equal(masks["second"], MARK * np.uint8(255))
