"""List fetch: the two ways by which signed files come to the box, a web server and a folder on a stick."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import IO, Final
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

__all__ = ["FOLDER_URL", "FolderFetcher", "WebFetcher"]

#: What a folder's files are asked for by; it never leaves the box.
FOLDER_URL: Final = "folder://stick/"

_CHUNK_BYTES: Final = 1 << 16
_NOT_FOUND: Final = 404
_OK: Final = 200
_TIMEOUT_S: Final = 30.0


class _SpoolingFetcher(FetcherInterface):
    """Keeps what is on its way in a folder of the box's disk: `/tmp` may be memory, and a base has 200 MB.

    Args:
        room: The folder.
    """

    def __init__(self, room: Path) -> None:
        self._room = room

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Fetch a file, and stop at the first byte too much.

        Args:
            url: Where it lies.
            max_length: What its signed description says, in bytes.

        Raises:
            DownloadError: If it can't be fetched.
            DownloadLengthMismatchError: If there is more.
        """
        received = 0
        with tempfile.TemporaryFile(dir=self._room) as spool:
            for chunk in self.fetch(url):
                received += len(chunk)
                if received > max_length:
                    raise DownloadLengthMismatchError(f"more than the {max_length} bytes that were announced")
                spool.write(chunk)
            spool.seek(0)
            yield spool


class FolderFetcher(_SpoolingFetcher):
    """Reads from a folder, such as a USB stick; nothing outside it, whatever links lie there.

    Args:
        folder: The folder.
        room: Where files are kept while they come.
    """

    def __init__(self, folder: Path, room: Path) -> None:
        super().__init__(room)
        self._folder = folder.resolve()

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not url.startswith(FOLDER_URL):
            raise DownloadError("only files of the folder can be fetched")
        path = (self._folder / unquote(url.removeprefix(FOLDER_URL))).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise DownloadHTTPError(f"there is no {path.name}", _NOT_FOUND)
        return self._chunks(path)

    @staticmethod
    def _chunks(path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise DownloadError(f"{path.name} can't be read: {error.strerror}") from None


class WebFetcher(_SpoolingFetcher):
    """Reads from a web server; follows no redirection, since nobody has checked where it leads.

    Args:
        room: Where files are kept while they come.
        tls: The context of the connection, or None for the system's own.
    """

    def __init__(self, room: Path, tls: SSLContext | None = None) -> None:
        super().__init__(room)
        self._pool = urllib3.PoolManager(
            ssl_context=tls, retries=False, timeout=urllib3.Timeout(connect=_TIMEOUT_S, read=_TIMEOUT_S)
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            answer = self._pool.request("GET", url, preload_content=False, redirect=False, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{urlsplit(url).hostname} can't be reached: {type(error).__name__}") from None
        if answer.status != _OK:
            answer.release_conn()
            raise DownloadHTTPError(f"the server answers {answer.status}", answer.status)
        return self._streamed(answer)

    @staticmethod
    def _streamed(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from answer.stream(_CHUNK_BYTES, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"the connection broke: {type(error).__name__}") from None
        finally:
            answer.close()
