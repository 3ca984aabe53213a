"""Results as plain files: one folder a bucket, one file an object.

A file below the root is always whole, since it is renamed into place once it is on the disk. Names beginning with a
dot are never objects, so that what is being removed is not seen.
"""
import errno
import hashlib
import io
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servicex.backends.object_store.base import (NoSuchBucket, NoSuchKey, ObjectInfo, ObjectStore, Page, PageRequest,
                                                 StoredObject, check_bucket_name, is_bucket_name)
from servicex.backends.object_store.local_pages import page_of
from servicex.backends.plain_files import READ_FLAGS, is_file_name, open_plain_file

_REMOVED = ".removed-"
_READ_AT_ONCE = 256 * 1024
_READ_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)  # ELOOP is a link, ENXIO a socket


class ResultFile(io.FileIO):
    """An open object. Unbuffered, since servers go on at the descriptor's own position.

    A read gives at most 256 KiB, as a raw file may: waitress asks for as much as a socket's buffer holds, which is
    megabytes for each connection.
    """

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, all that is left if it is negative."""
        wanted = -1 if size is None else min(size, _READ_AT_ONCE)
        return super().read(wanted)


class LocalObject:
    """An object that is open; what it holds can be read to its end although it is deleted meanwhile."""

    def __init__(self, file: ResultFile, info: ObjectInfo):
        self.info = info
        self._file = file

    def part(self, start: int, length: int) -> ResultFile:
        """The open file, at `start`."""
        self._file.seek(start)
        return self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LocalObjectStore(ObjectStore):
    """Buckets as folders below `root`. Reading never follows a symbolic link."""

    def __init__(self, root: Path, secret: bytes):
        super().__init__(secret)
        self._root = root
        self._finish_removals()

    def create(self, bucket: str) -> None:
        """Make the bucket's folder; does nothing if it is there."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder(bucket).mkdir(mode=0o700, exist_ok=True)
        _flush_folder(self._root)

    def exists(self, bucket: str) -> bool:
        try:
            with self._opened_folder(bucket):
                return True
        except NoSuchBucket:
            return False

    def put(self, bucket: str, key: str, source: Path) -> int:
        """Move the file `source`, on the same file system, into the bucket; gives its size in bytes.

        What it holds is on the disk when this returns; that it is in the bucket, after the next `settle`. An object of
        the same name is replaced. Raises `ValueError` for an impossible key, `OSError` if there is no such bucket (it
        may just have been deleted), the source is missing or not a plain file, or the disk is full.
        """
        if not is_file_name(key):
            raise ValueError(f"{key!r} cannot be an object's name.")
        folder = self._folder(bucket)
        size = _flush_source(source)
        os.replace(source, folder / key)
        return size

    def settle(self, bucket: str) -> None:
        """Bring to the disk which objects the bucket has; does nothing if there is no such bucket."""
        try:
            _flush_folder(self._folder(bucket))
        except FileNotFoundError:
            return

    def objects(self, bucket: str) -> Iterator[StoredObject]:
        """The objects of the bucket in the order of their keys; none if there is no such bucket."""
        try:
            found = self.infos(bucket, self.keys(bucket))
            yield from (StoredObject(info.key, info.size) for info in found)
        except NoSuchBucket:
            return

    def keys(self, bucket: str) -> list[str]:
        """The keys of the bucket in the order of their bytes. Raises `NoSuchBucket`."""
        with self._opened_folder(bucket) as folder:
            return sorted(filter(is_file_name, os.listdir(folder)))

    def infos(self, bucket: str, keys: list[str]) -> Iterator[ObjectInfo]:
        """What is known of the given objects; those that are no more, and what is no plain file, are left out.

        Raises `NoSuchBucket`.
        """
        with self._opened_folder(bucket) as folder:
            for key in keys:
                info = _info_in(folder, key)
                if info is not None:
                    yield info

    def page(self, bucket: str, wanted: PageRequest) -> Page:
        page = page_of(self.keys(bucket), wanted)
        return Page(list(self.infos(bucket, page.keys)), page.prefixes, page.last, page.truncated)

    def open(self, bucket: str, key: str) -> LocalObject:
        with self._opened_folder(bucket) as folder:
            file = _open_in(folder, key)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise NoSuchKey(f"There is no object {key!r}.")
        return LocalObject(file, _info(key, status))

    def delete_object(self, bucket: str, key: str) -> None:
        if is_file_name(key):
            (self._folder(bucket) / key).unlink(missing_ok=True)

    def delete(self, bucket: str) -> None:
        """Remove the bucket with all its objects; does nothing if it is not there.

        It is renamed first, so that it disappears at one instant; a removal cut short is finished at the next start.
        """
        removed = self._root / f"{_REMOVED}{secrets.token_hex(8)}"
        try:
            os.rename(self._folder(bucket), removed)
        except FileNotFoundError:
            return
        _flush_folder(self._root)
        shutil.rmtree(removed)

    def _finish_removals(self) -> None:
        for left in self._root.glob(f"{_REMOVED}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _folder(self, bucket: str) -> Path:
        check_bucket_name(bucket)
        return self._root / bucket

    @contextmanager
    def _opened_folder(self, bucket: str) -> Iterator[int]:
        """The descriptor of the bucket's folder. What is looked up through it cannot be anywhere else."""
        if not is_bucket_name(bucket):
            raise NoSuchBucket(f"There is no bucket {bucket!r}.")
        try:
            folder = os.open(self._root / bucket, _READ_FOLDER)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            raise NoSuchBucket(f"There is no bucket {bucket!r}.") from error
        try:
            yield folder
        finally:
            os.close(folder)


def _open_in(folder: int, key: str) -> ResultFile:
    if not is_file_name(key):
        raise NoSuchKey(f"There is no object {key!r}.")
    try:
        return ResultFile(os.open(key, READ_FLAGS, dir_fd=folder))
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise NoSuchKey(f"There is no object {key!r}.") from error


def _info_in(folder: int, key: str) -> ObjectInfo | None:
    try:
        status = os.stat(key, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return _info(key, status) if stat.S_ISREG(status.st_mode) else None


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    state = f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
    tag = hashlib.sha256(state.encode()).hexdigest()[:32]
    # Of the form S3 gives to an object uploaded in parts, so that nobody takes it for the MD5 of the content.
    return ObjectInfo(key, status.st_size, status.st_mtime, f'"{tag}-1"')


def _flush_source(source: Path) -> int:
    """Bring a file to the disk; gives its size. Its time becomes now: a program may have set it to anything."""
    with open_plain_file(source) as file:
        os.utime(file.fileno())
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, _READ_FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
