"""Workers that were killed by what they run on: which files they had in hand, and how often that befell each file."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from servicex.backends.launcher.base import Failure, FileReport, Kill
from servicex.models import DatasetFile, FileStatus, TransformRequest, TransformResult
from servicex.models import result as results
from servicex.models.base import now
from servicex.services.transactions import Transactions

START = "start"
KILLED = "killed"
OUT_OF_MEMORY = "WorkerKilled"


@dataclass(frozen=True)
class Victim:
    """A file that killed workers had in hand, and how often."""

    file_id: int
    path: str
    kills: int


class KillService:
    """Keeps what is known of kills with the files they befell, in `file_status`."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def note(self, transform: TransformRequest, kill: Kill) -> Sequence[Victim]:
        """Note a kill with the files that the worker had said it began and has said nothing of since; gives these.

        Noted again, it counts once. Empty for a worker that says nothing of what it begins.
        """
        info = f"{kill.reason} ({kill.key})"
        with self._transactions.write() as session:
            if _known(session, transform.request_id, kill.worker, info):
                return ()
            begun = _begun(session, transform.request_id, kill.worker)
            session.add_all([FileStatus(request_id=transform.request_id, file_id=file_id, status=KILLED,
                                        timestamp=now(), pod_name=kill.worker[:128], info=info) for file_id in begun])
            session.flush()
            return _victims(session, transform.request_id, begun)

    def open_files(self, transform: TransformRequest, after: int, limit: int) -> Sequence[Victim]:
        """Files beyond `after` that have no result."""
        with self._transactions.read() as session:
            files = results.unreported(session, transform, after, None, limit)
            return [Victim(file.id, file.paths[0], 0) for file in files]


def killed_report(request_id: str, victim: Victim, kill: Kill) -> FileReport:
    """The report that gives up a file whose workers were killed too often."""
    why = Failure(OUT_OF_MEMORY, f"The worker was killed {victim.kills} times while it had this file: {kill.reason}.")
    return FileReport(request_id, victim.file_id, "failure", victim.path, 0.0, victim.kills, kill.worker, failure=why)


def _known(session: Session, request_id: str, worker: str, info: str) -> bool:
    return session.scalar(select(FileStatus.id).where(
        FileStatus.request_id == request_id, FileStatus.pod_name == worker, FileStatus.status == KILLED,
        FileStatus.info == info).limit(1)) is not None


def _begun(session: Session, request_id: str, worker: str) -> Sequence[int]:
    """The files without a result of which the last that this worker said is that it began."""
    last = select(func.max(FileStatus.id)).where(
        FileStatus.request_id == request_id, FileStatus.pod_name == worker).group_by(FileStatus.file_id)
    reported = select(TransformResult.file_id).where(TransformResult.request_id == request_id)
    return session.scalars(select(FileStatus.file_id).where(
        FileStatus.id.in_(last), FileStatus.status == START, FileStatus.file_id.not_in(reported))).all()


def _victims(session: Session, request_id: str, file_ids: Sequence[int]) -> Sequence[Victim]:
    rows = session.execute(
        select(DatasetFile, func.count()).join(FileStatus, FileStatus.file_id == DatasetFile.id).where(
            FileStatus.request_id == request_id, FileStatus.status == KILLED, DatasetFile.id.in_(file_ids)).group_by(
            DatasetFile.id))
    return [Victim(file.id, file.paths[0], count) for file, count in rows]
