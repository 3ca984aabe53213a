"""The files of a record of the CERN Open Data portal, by its REST API (https://github.com/cernopendata).

A record lists its files, or indices of them: older ones are files `..._file_index.json` of the record, each to be
fetched; newer ones stand in the record, with or without the files that they list.
"""
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.urls import check_url
from servicex.errors import InvalidDataset

# The largest records list a few hundred thousand files, at some 300 bytes each.
MAX_ANSWER_BYTES = 256 * 1024 ** 2
MAX_FILES = 1_000_000
MAX_INDICES = 5000
_CONNECT_SECONDS = 5
_INDEX = "_file_index.json"
_INDEX_AS_TEXT = "_file_index.txt"
_ADLER32 = "adler32:"
_GONE = (404, 410)
_BUSY = (429, 500, 502, 503, 504)
_RETRY = Retry(total=3, backoff_factor=0.5, status_forcelist=_BUSY, allowed_methods=("GET",), raise_on_status=False,
               respect_retry_after_header=False)
T = TypeVar("T")


class _File(BaseModel):
    uri: str
    size: Annotated[int, Field(ge=0)] = 0
    checksum: str = ""
    availability: str = "online"


class _Index(BaseModel):
    key: str
    number_files: int | None = None
    files: list[_File] | None = None


class _Metadata(BaseModel):
    files: list[_File] = []
    indices: list[_Index] = Field(default=[], alias="_file_indices", max_length=MAX_INDICES)


class _Record(BaseModel):
    metadata: _Metadata


def find_record(search: Search) -> Iterator[FoundFile]:
    """Each file of a record, sorted by URL. Raises `SearchFailed`."""
    portal = _Portal(search.server, search.name, search.call_timeout)
    files = {file.uri: file for file in _files(portal)}
    _check(search, list(files.values()))
    for uri in sorted(files):
        yield _found(files[uri])


def _files(portal: "_Portal") -> Iterator[_File]:
    metadata = portal.get(f"api/records/{portal.record}", _Record).metadata
    for index in metadata.indices:
        yield from _listed(portal, index)
    known = {index.key for index in metadata.indices}
    for file in metadata.files:
        name = file.uri.rpartition("/")[2]
        if name.endswith(_INDEX) and name not in known:
            yield from portal.get(f"record/{portal.record}/files/{quote(name)}", list[_File])
        elif not name.endswith((_INDEX, _INDEX_AS_TEXT)):
            yield file


def _listed(portal: "_Portal", index: _Index) -> Sequence[_File]:
    """The files of an index of the newer kind; a part of them will not do."""
    if index.files is None:
        index = portal.get(f"record/{portal.record}/file_index/{quote(index.key)}", _Index)
    files = index.files or []
    if index.number_files is not None and len(files) != index.number_files:
        raise portal.failed(f"lists {len(files)} of the {index.number_files} files of {index.key}")
    return files


def _check(search: Search, files: Sequence[_File]) -> None:
    if not files:
        raise SearchFailed(LookupFailure.DOES_NOT_EXIST, f"Record {search.name} of {search.server} holds no files.")
    if len(files) > MAX_FILES:
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE,
                           f"Record {search.name} holds more than {MAX_FILES} files, which is too much for a dataset.")
    away = sum(file.availability == "on demand" for file in files)
    if away:
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE,
                           f"{away} of the {len(files)} files of record {search.name} are on tape only: ask for them "
                           f"at {search.server}/record/{search.name} and try again when they are online.")


def _found(file: _File) -> FoundFile:
    adler32 = file.checksum.removeprefix(_ADLER32) if file.checksum.startswith(_ADLER32) else None
    try:
        return FoundFile((check_url(file.uri),), adler32, file.size)
    except InvalidDataset as error:
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE, f"The portal lists a file elsewhere. {error.message}") \
            from error


class _Portal:
    """The portal's answers about one record."""

    def __init__(self, url: str, record: str, timeout: int):
        self.record = record
        self._url = url.rstrip("/")
        self._timeout = (min(_CONNECT_SECONDS, timeout), timeout)
        self._session = requests.Session()
        self._session.max_redirects = 5
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRY))

    def get(self, path: str, kind: type[T]) -> T:
        """What the portal has at a path. Raises `SearchFailed`."""
        try:
            with self._session.get(f"{self._url}/{path}", timeout=self._timeout, stream=True,
                                   headers={"Accept": "application/json"}) as response:
                self._check_status(response)
                return TypeAdapter(kind).validate_json(self._body(response.iter_content(65536)))
        except requests.RequestException as error:
            raise self.failed(f"does not answer: {type(error).__name__}; try again later") from error
        except ValidationError as error:
            raise self.failed(f"answers nonsense at {path}: {error.errors()[0]['msg']}") from error

    def failed(self, what: str) -> SearchFailed:
        """The failure of a portal that does something it should not."""
        return SearchFailed(LookupFailure.INTERNAL_FAILURE,
                            f"The CERN Open Data portal at {self._url}, asked for record {self.record}, {what}.")

    def _check_status(self, response: requests.Response) -> None:
        if response.status_code in _GONE:
            raise SearchFailed(LookupFailure.DOES_NOT_EXIST, f"There is no record {self.record} at {self._url}.")
        if response.status_code != 200:
            raise self.failed(f"answers with HTTP status {response.status_code}; try again later")

    def _body(self, pieces: Iterable[bytes]) -> bytes:
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise self.failed(f"answers with more than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)
