"""Opening a file at an http(s) or s3 address from a given byte on, with every failure put in words."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import aiohttp
import fsspec

from maskmill.errors import SourceError

CONNECT_SECONDS = 10
READ_SECONDS = 30
S3_BLOCK_BYTES = 8 << 20
UNREACHED = (
    "check the address in source.url and the network, or fetch the file elsewhere and set source.path to it (source.url: null)"
)


@dataclass(frozen=True)
class RemoteFile:
    """An open download.

    Args:
        stream: gives the bytes from `offset` on.
        offset: 0 where the server cannot start in the middle.
        size: of the whole file in bytes; None where the server does not say.
    """

    stream: IO[bytes]
    offset: int
    size: int | None


@contextmanager
def open_remote(url: str, offset: int) -> Iterator[RemoteFile]:
    """Open `url` (http, https or s3) at byte `offset`, or at 0 where the server ignores ranges.

    Raises:
        SourceError: an unknown protocol, nobody answers, or the answer is no file. Raised within the block too, when a read fails.
    """
    protocol = url.partition("://")[0].lower()
    openers = {"http": _open_http, "https": _open_http, "s3": _open_s3}
    if protocol not in openers:
        raise SourceError(
            f"source.url {url} cannot be fetched", expected="an address with https://, http:// or s3://", fix="correct it"
        )
    with explained_failures(url):
        remote = openers[protocol](url, offset)
    try:
        yield remote
    finally:
        remote.stream.close()


@contextmanager
def explained_failures(url: str) -> Iterator[None]:
    """Turn whatever the network libraries raise inside the block into a SourceError that names `url` and what to do."""
    try:
        yield
    except (SourceError, MemoryError):
        raise
    except FileNotFoundError:
        raise SourceError(f"{url} does not exist there (404)", fix="correct source.url; data sets move now and then") from None
    except PermissionError:
        raise SourceError(f"{url} is not open to you", fix="check source.url and your credentials (AWS_PROFILE for s3)") from None
    except aiohttp.ClientResponseError as error:
        raise SourceError(f"{url} answers {error.status} {error.message}", fix="check source.url, or try again later") from None
    except Exception as error:  # aiohttp, aiobotocore and fsspec share no base class
        reason = str(error) or type(error).__name__
        raise SourceError(f"{url} cannot be reached: {reason}", fix=UNREACHED) from None


def _open_http(url: str, offset: int) -> RemoteFile:
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    files = fsspec.filesystem("http", client_kwargs={"timeout": timeout, "trust_env": True}, skip_instance_cache=True)
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    # block_size 0 asks for one stream; a size spares the HEAD request, whose every failure fsspec calls "not found".
    try:
        stream = files.open(url, "rb", block_size=0, size=1, headers=headers)
    except aiohttp.ClientResponseError as error:
        if offset and error.status == 416:  # nothing comes after what is there: the checksum tells whether it is whole
            return RemoteFile(io.BytesIO(), offset, None)
        raise
    return RemoteFile(stream, *_read_range(stream.r.status, stream.r.headers))


def _read_range(status: int, headers: Any) -> tuple[int, int | None]:
    """Return the first byte's position and the whole size (None: unknown) that an HTTP answer declares."""
    if status == 206:
        first, _, size = headers["Content-Range"].removeprefix("bytes ").replace("-", "/").split("/")
        return int(first), int(size) if size != "*" else None
    is_encoded = headers.get("Content-Encoding", "identity") != "identity"
    return 0, int(headers["Content-Length"]) if "Content-Length" in headers and not is_encoded else None


def _open_s3(url: str, offset: int) -> RemoteFile:
    try:
        from botocore.exceptions import NoCredentialsError  # type: ignore[import-untyped]
        from s3fs import S3FileSystem
    except ImportError:
        raise SourceError(f"{url} needs s3fs, which is not installed", fix="pip install 'maskmill[s3]'") from None
    settings = {
        "config_kwargs": {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"max_attempts": 2}},
        "skip_instance_cache": True,
    }
    files = S3FileSystem(**settings)
    try:
        size = files.info(url)["size"]
    except NoCredentialsError:
        files = S3FileSystem(anon=True, **settings)  # most public data sets want none
        size = files.info(url)["size"]
    stream = files.open(url, "rb", block_size=S3_BLOCK_BYTES, cache_type="readahead")
    stream.seek(min(offset, size))
    return RemoteFile(stream, min(offset, size), size)
