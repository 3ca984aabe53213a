"""Answers with long lists, sent in pieces, so that one of any length takes little memory."""
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Generic, TypeVar

from flask import Response, stream_with_context
from pydantic import BaseModel

from servicex.api.cursors import cursor

Row = TypeVar("Row")
ROWS_A_PIECE = 100


def list_answer(field: str, rows: Iterator[Row], record: Callable[[Row], BaseModel], limit: int | None,
                place: Callable[[Row], int | datetime]) -> Response:
    """The records of the rows. With a limit, of one row less than are given at most, and `next` to go on with."""
    page = _Page(rows, limit, place)
    return _streamed(f'{{"{field}":', page.rows(), record, page.next)


def answer_with_list(answer: BaseModel, field: str, rows: Iterator[Row],
                     record: Callable[[Row], BaseModel]) -> Response:
    """An answer whose last field is the list of the records of the rows."""
    rest = answer.model_dump_json(by_alias=True, exclude={field}).removesuffix("}")
    return _streamed(f'{rest},"{field}":', rows, record, lambda: "")


def one_more(limit: int | None) -> int | None:
    """How many rows to ask for, so as to know whether there are more than the limit."""
    return None if limit is None else limit + 1


class _Page(Generic[Row]):
    """The rows up to a limit, and the cursor to go on with."""

    def __init__(self, rows: Iterator[Row], limit: int | None, place: Callable[[Row], int | datetime]):
        self._rows = rows
        self._limit = limit
        self._place = place
        self._next: str | None = None

    def rows(self) -> Iterator[Row]:
        """The rows of the page."""
        last = None
        for row in islice(self._rows, self._limit):
            yield row
            last = row
        if last is not None and next(self._rows, None) is not None:
            self._next = cursor(self._place(last))

    def next(self) -> str:
        """The field `next`, after the rows were read: null if there are no more. Only who sets a limit gets it."""
        return "" if self._limit is None else f',"next":{json.dumps(self._next)}'


def _streamed(head: str, rows: Iterator[Row], record: Callable[[Row], BaseModel], tail: Callable[[], str]) -> Response:
    # The first row is read before the status is sent, so that a database that is away can still be told.
    rows = chain(list(islice(rows, 1)), rows)
    pieces = _pieces(head, rows, record, tail)
    return Response(stream_with_context(pieces), mimetype="application/json")


def _pieces(head: str, rows: Iterator[Row], record: Callable[[Row], BaseModel],
            tail: Callable[[], str]) -> Iterator[str]:
    comma = ""
    yield head + "["
    while texts := [record(row).model_dump_json(by_alias=True) for row in islice(rows, ROWS_A_PIECE)]:
        yield comma + ",".join(texts)
        comma = ","
    yield "]" + tail() + "}\n"
