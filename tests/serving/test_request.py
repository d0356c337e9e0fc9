import base64
import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskmill.pictures import encode_picture
from maskmill.serving import request
from maskmill.serving.request import RequestError, build_answer, build_example, curl_command, read_request


def encode(picture: Image.Image, form: str = "PNG", **options) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def ask(*values) -> pd.DataFrame:
    return pd.DataFrame({"image": list(values)})


PHOTO = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_pictures_come_out_as_they_went_in():
    grey = PHOTO[..., 0]
    rgb, single = read_request(ask(encode(Image.fromarray(PHOTO)), encode(Image.fromarray(grey))))
    assert np.array_equal(rgb, PHOTO)
    assert np.array_equal(single, grey[..., np.newaxis])


def test_an_alpha_channel_is_dropped_and_16_bits_become_8():
    alpha = np.dstack([PHOTO, np.full((5, 7), 9, np.uint8)])
    deep = (PHOTO[..., 0].astype(np.uint16) << 8) + 77
    first, second = read_request(ask(encode(Image.fromarray(alpha)), encode(Image.fromarray(deep))))
    assert np.array_equal(first, PHOTO)
    assert np.array_equal(second[..., 0], PHOTO[..., 0])


def test_a_rotated_jpeg_comes_out_upright():
    rotation = Image.Exif()
    rotation[0x0112] = 6
    (picture,) = read_request(ask(encode(Image.fromarray(PHOTO), "JPEG", exif=rotation)))
    assert picture.shape == (7, 5, 3)


@pytest.mark.parametrize("form", ["data:image/png;base64,{}", "{}\n", " {}"])
def test_the_ways_people_write_base64_are_understood(form: str):
    (picture,) = read_request(ask(form.format(encode(Image.fromarray(PHOTO)))))
    assert np.array_equal(picture, PHOTO)


def test_base64_in_lines_is_understood():
    lines = base64.encodebytes(base64.b64decode(encode(Image.fromarray(PHOTO)))).decode()
    assert lines.count("\n") > 1
    (picture,) = read_request(ask(lines))
    assert np.array_equal(picture, PHOTO)


WHOLE = encode(Image.fromarray(np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("@@secret@@", "row 0: 'image' cannot be used: it is not base64; expected a PNG or JPEG file as base64 text"),
        ("c2VjcmV0", "row 0: 'image' cannot be used: it is not a picture"),
        ("", "row 0: 'image' cannot be used: it is empty"),
        (None, "row 0: 'image' cannot be used: it is empty"),
        (3, "row 0: 'image' cannot be used: it is not text"),
        (base64.b64encode(base64.b64decode(WHOLE)[:4000]).decode(), "row 0: 'image' cannot be used: it cannot be decoded"),
    ],
)
def test_a_bad_value_is_refused_in_a_sentence_without_the_payload(value, message: str):
    with pytest.raises(RequestError) as caught:
        read_request(ask(value))
    assert caught.value.message.startswith(message)
    assert "secret" not in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.get_http_status_code() == 400


def test_bad_rows_are_named_together():
    with pytest.raises(RequestError) as caught:
        read_request(ask("@", WHOLE, "c2VjcmV0"))
    assert "row 0: " in caught.value.message
    assert "row 2: " in caught.value.message
    assert "row 1: " not in caught.value.message


def test_many_bad_rows_are_counted():
    with pytest.raises(RequestError, match=r"row 4: .*; and 3 more"):
        read_request(ask(*["@"] * 8))


def test_a_picture_that_declares_too_many_pixels_is_refused_unread():
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(RequestError, match="declares 30000 x 30000 pixels; expected at most 50,000,000 pixels"):
        read_request(ask(base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT\0\0\0\0").decode()))


def test_too_many_bytes_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(request, "MAX_BYTES", 1000)
    with pytest.raises(RequestError, match="bytes; expected at most 1,000"):
        read_request(ask(WHOLE))


@pytest.mark.parametrize("rows", [pd.DataFrame({"picture": ["x"]}), {"image": ["x"]}, np.zeros(3)])
def test_a_request_without_the_column_is_refused(rows):
    with pytest.raises(RequestError, match='no column "image"; expected'):
        read_request(rows)


def test_a_request_without_rows_is_refused():
    with pytest.raises(RequestError, match="no rows"):
        read_request(ask())


def test_mlflow_cannot_put_the_payload_in_front_of_the_message():
    error = RequestError("row 0: bad")
    error.message = f"Failed to predict data 'payload'. \nError: {error.message}"
    assert error.message == "row 0: bad"
    assert "payload" not in error.serialize_as_json()


def test_the_answer_holds_the_mask_and_what_every_class_covers():
    label_mask = np.array([[0, 0, 2], [0, 0, 2]], np.uint8)
    classes = {0: ("field", (1, 2, 3)), 1: ("road", (4, 5, 6)), 2: ("water", (7, 8, 9))}
    answer = build_answer(label_mask, classes, "4")
    with Image.open(io.BytesIO(base64.b64decode(answer["mask"]))) as mask:
        assert mask.mode == "P"
        assert np.array_equal(np.asarray(mask), label_mask)
        assert np.array_equal(np.asarray(mask.convert("RGB"))[0, 2], (7, 8, 9))
    assert (answer["width"], answer["height"], answer["model_version"], answer["labels"]) == (3, 2, "4", "exclusive")
    assert answer["areas"] == {
        "field": {"pixels": 4, "percent": 66.67},
        "road": {"pixels": 0, "percent": 0.0},
        "water": {"pixels": 2, "percent": 33.33},
    }
    assert answer["classes"][1] == {"id": 1, "name": "road", "colour": [4, 5, 6]}


def test_overlapping_classes_are_answered_with_a_bit_each():
    bits = np.array([[0b00, 0b01, 0b11], [0b10, 1 << 14, 1 << 14 | 0b01]], np.uint16)
    classes = {0: ("crops", (1, 2, 3)), 1: ("trees", (4, 5, 6)), 14: ("standing water", (7, 8, 9))}
    answer = build_answer(bits, classes, "4")
    assert answer["labels"] == "overlapping"
    with Image.open(io.BytesIO(base64.b64decode(answer["mask"]))) as mask:
        assert mask.mode == "I;16"
        assert np.array_equal(np.asarray(mask), bits)
    assert answer["areas"] == {
        "crops": {"pixels": 3, "percent": 50.0},
        "trees": {"pixels": 2, "percent": 33.33},
        "standing water": {"pixels": 2, "percent": 33.33},
    }


BANDS = np.random.default_rng(3).integers(0, 256, (5, 7, 8), dtype=np.uint8)


def test_rasters_of_many_bands_come_out_with_all_or_with_those_wanted():
    question = ask(base64.b64encode(encode_picture(BANDS)).decode())
    assert np.array_equal(read_request(question)[0], BANDS)
    assert np.array_equal(read_request(question, bands=(8, 1))[0], BANDS[..., [7, 0]])


def test_16_bits_are_stretched_as_the_models_pictures_were():
    deep = np.arange(0, 2000, 20, dtype=np.uint16).reshape(10, 10)
    (picture,) = read_request(ask(encode(Image.fromarray(deep))), stretch=(0.0, 100.0))
    assert (picture.min(), picture.max()) == (0, 255)


def test_a_picture_without_the_bands_is_refused_with_those_that_are_wanted():
    with pytest.raises(
        RequestError, match=r"row 1: 'image' cannot be used: it has 3 bands.*; the model takes bands 8, 1 of a picture"
    ) as caught:
        read_request(ask(base64.b64encode(encode_picture(BANDS)).decode(), encode(Image.fromarray(PHOTO))), bands=(8, 1))
    assert caught.value.get_http_status_code() == 400


@pytest.mark.parametrize(
    ("channels", "bands", "num_bands"), [(1, None, 1), (3, None, 1), (2, None, 2), (8, None, 8), (3, (5, 3, 2), 5), (1, (2,), 2)]
)
def test_the_example_is_a_request(channels: int, bands: tuple[int, ...] | None, num_bands: int):
    assert read_request(build_example(channels, bands))[0].shape == (48, 64, num_bands)
    assert read_request(build_example(channels, bands), bands=bands)[0].shape[2] == (len(bands) if bands else num_bands)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_curl_line_sends_a_large_picture_with_an_awkward_name(shell: str, tmp_path: Path):
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    asked: list[bytes] = []
    label_mask = np.array([[0, 1, 1]], np.uint8)
    answer = build_answer(label_mask, {0: ("a", (1, 2, 3)), 1: ("b", (4, 5, 6))}, None)

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers.get("Expect") == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"predictions": [answer]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    picture = tmp_path / "it's $HOME big.png"
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture)
    assert picture.stat().st_size > 2**17
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = curl_command(picture, server.server_address[1])
        done = subprocess.run([shell, "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert np.array_equal(read_request(pd.DataFrame(json.loads(asked[0])["inputs"]))[0], noise)
    assert json.loads(done.stdout)["b"] == {"pixels": 2, "percent": 66.67}
    with Image.open(tmp_path / "mask.png") as mask:
        assert np.array_equal(np.asarray(mask), label_mask)
