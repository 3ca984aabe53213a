"""The S3 door: a read-only S3 service before any object store, on the server's own port.

`door` is the WSGI middleware, `request` reads what is asked from the raw target, `signatures` (with `sigv4` and
`sigv2`) checks who asks, `objects` and `listing` answer, `answers` and `faults` are what goes back. The protocol is
that of the Amazon S3 API reference (REST, path style).
"""
from servicex.backends.object_store.s3_door.door import S3Door

__all__ = ["S3Door"]
