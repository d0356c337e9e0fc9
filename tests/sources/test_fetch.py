"""Fetching from a real server: whole, resumed, restarted, refused."""

import builtins
import hashlib
import socket
import time

import numpy as np
import pytest

from maskmill.errors import SourceError
from maskmill.sources.fetch import compute_sha256, fetch

CONTENT = np.random.default_rng(0).bytes(3_000_001)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_whole_file(served, tmp_path):
    served.content = CONTENT
    path = fetch(f"{served.address}/data.zip", SHA256, tmp_path / "new" / "data.zip")
    assert path.read_bytes() == CONTENT
    assert served.ranges == [None]
    assert [p.name for p in path.parent.iterdir()] == ["data.zip"]


def test_a_file_that_is_there_is_not_fetched_again(served, tmp_path):
    (tmp_path / "data.zip").write_bytes(CONTENT)
    fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip")
    assert served.ranges == []


def test_another_file_that_is_there_is_replaced(served, tmp_path):
    served.content = CONTENT
    (tmp_path / "data.zip").write_bytes(b"of yesterday")
    assert fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT


def test_interrupted_download_goes_on(served, tmp_path):
    served.content, served.breaks_off_after = CONTENT, 2_000_000
    with pytest.raises(SourceError, match=r"broke off after [\d,]+ bytes") as error:
        fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip")
    assert "run the same command again" in error.value.fix
    assert not (tmp_path / "data.zip").exists()
    begun = (tmp_path / "data.zip.part").stat().st_size
    assert 0 < begun <= 2_000_000
    served.breaks_off_after = None
    assert fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT
    assert served.ranges == [None, f"bytes={begun}-"]
    assert not (tmp_path / "data.zip.part").exists()


def test_server_that_ignores_ranges_starts_again(served, tmp_path):
    served.content, served.honours_ranges = CONTENT, False
    (tmp_path / "data.zip.part").write_bytes(CONTENT[:1000])
    assert fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT


def test_part_that_was_already_whole(served, tmp_path):
    served.content = CONTENT
    (tmp_path / "data.zip.part").write_bytes(CONTENT)
    assert fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT


def test_wrong_checksum_names_both_and_keeps_nothing(served, tmp_path):
    served.content = b"something else"
    with pytest.raises(SourceError) as error:
        fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip")
    assert SHA256 in str(error.value)
    assert hashlib.sha256(b"something else").hexdigest() in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "said"), [(404, "404"), (403, "answers 403"), (503, "answers 503")])
def test_server_that_refuses(served, tmp_path, status, said):
    served.status = status
    with pytest.raises(SourceError, match=said) as error:
        fetch(f"{served.address}/data.zip", SHA256, tmp_path / "data.zip")
    assert f"{served.address}/data.zip" in error.value.what
    assert "source.url" in error.value.fix
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/data.zip"
        _check_unreachable(url, tmp_path)


def test_name_that_does_not_exist(tmp_path):
    _check_unreachable("https://nowhere.invalid/data.zip", tmp_path)


def _check_unreachable(url, folder):
    start = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached") as error:
        fetch(url, SHA256, folder / "data.zip")
    assert time.monotonic() - start < 15
    assert url in error.value.what
    assert "source.path" in error.value.fix


@pytest.mark.parametrize("url", ["ftp://host/data.zip", "data.zip", "file:///data.zip"])
def test_other_protocols(url, tmp_path):
    with pytest.raises(SourceError, match="cannot be fetched"):
        fetch(url, SHA256, tmp_path / "data.zip")


def test_s3_without_s3fs_says_what_to_install(tmp_path, monkeypatch):
    original = builtins.__import__

    def without_s3fs(name, *args, **kwargs):
        if name == "s3fs":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_s3fs)
    with pytest.raises(SourceError, match="needs s3fs") as error:
        fetch("s3://bucket/data.zip", SHA256, tmp_path / "data.zip")
    assert "maskmill[s3]" in error.value.fix


def test_sum_of_a_file_in_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("maskmill.sources.fetch.CHUNK_BYTES", 1000)
    (tmp_path / "data").write_bytes(CONTENT)
    assert compute_sha256(tmp_path / "data") == SHA256
