"""Fetching from a real S3 server on the loopback."""

import hashlib
import time

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from maskmill.errors import SourceError
from maskmill.sources.fetch import fetch

CONTENT = np.random.default_rng(0).bytes(9_000_001)  # more than one block
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(endpoint, monkeypatch):
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="pictures")
    client.put_object(Bucket="pictures", Key="sets/data.zip", Body=CONTENT, ACL="public-read")
    client.close()


def test_whole_file(tmp_path):
    assert fetch("s3://pictures/sets/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT


def test_goes_on_from_a_part(tmp_path):
    # A beginning that differs shows that it was not fetched again.
    (tmp_path / "data.zip.part").write_bytes(bytes(1000))
    mixed = bytes(1000) + CONTENT[1000:]
    path = fetch("s3://pictures/sets/data.zip", hashlib.sha256(mixed).hexdigest(), tmp_path / "data.zip")
    assert path.read_bytes() == mixed


def test_public_bucket_without_credentials(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    boto3.setup_default_session()
    assert fetch("s3://pictures/sets/data.zip", SHA256, tmp_path / "data.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("address", ["s3://pictures/sets/other.zip", "s3://no-such-bucket/data.zip"])
def test_no_such_object(address, tmp_path):
    with pytest.raises(SourceError, match="does not exist") as error:
        fetch(address, SHA256, tmp_path / "data.zip")
    assert address in error.value.what
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    start = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached"):
        fetch("s3://pictures/sets/data.zip", SHA256, tmp_path / "data.zip")
    assert time.monotonic() - start < 20
