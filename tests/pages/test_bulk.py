"""What the databases hold that pages are shown of."""
from itertools import pairwise

from sqlalchemy import create_engine, text

from tests.pages.bulk import CAUSES, LARGE_FAILURES, LARGE_FILES, Bulk


def test_there_are_very_many(many: Bulk) -> None:
    engine = create_engine(many.url)
    with engine.connect() as connection:
        def ask(query: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(query), {"large": many.large})]
        states = dict(ask("SELECT status, count(*) FROM requests GROUP BY status"))  # type: ignore[arg-type]
        assert sum(states.values()) == 100_000 and len(states) == 8
        assert ask("SELECT files, files_completed, files_failed FROM requests WHERE request_id = :large") == [
            (LARGE_FILES, LARGE_FILES - LARGE_FAILURES, LARGE_FAILURES)]
        failed = ask("SELECT error_class, count(*) FROM transform_result WHERE request_id = :large AND "
                     "transform_status = 'failure' GROUP BY error_class")
        assert dict(failed) == {cause.error_class: cause.share for cause in CAUSES}
        times = ask("SELECT created_at FROM transform_result WHERE request_id = :large ORDER BY file_id")
        assert all(one < other for one, other in pairwise(times))  # type: ignore[operator]
    engine.dispose()
