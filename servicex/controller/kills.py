"""Gives up files that get their workers killed again and again, so that they do not go round for ever."""
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from servicex.backends.launcher.base import Kill, WorkersStatus
from servicex.services.control import Claimed
from servicex.services.kills import KillService, Victim, killed_report
from servicex.services.results import ResultService

log = logging.getLogger(__name__)
FILES_AT_ONCE = 1000


@dataclass
class Nameless:
    """Kills of workers that do not say what they begin, since the transform had so many reports."""

    reports: int = 0
    kills: list[Kill] = field(default_factory=list)


class KillAccounting:
    """Counts kills with the files they befell; a file is given up after so many `attempts`."""

    def __init__(self, service: KillService, results: ResultService, attempts: int):
        self._service = service
        self._results = results
        self._attempts = attempts
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        self._nameless: defaultdict[str, Nameless] = defaultdict(Nameless)

    def account(self, claimed: Claimed, status: WorkersStatus) -> None:
        """Note the kills that are new, and give up the files that had too many."""
        request_id = claimed.transform.request_id
        for kill in status.kills:
            if kill.key not in self._seen[request_id]:
                self._seen[request_id].add(kill.key)
                self._note(claimed, kill, status.workers)

    def forget(self, request_id: str) -> None:
        """Forget a transform that has ended."""
        self._seen.pop(request_id, None)
        self._nameless.pop(request_id, None)

    def _note(self, claimed: Claimed, kill: Kill, workers: int) -> None:
        log.warning("transform %s: %s: %s", claimed.transform.request_id, kill.worker, kill.reason)
        victims = self._service.note(claimed.transform, kill)
        for victim in victims:
            if victim.kills >= self._attempts:
                self._results.report(killed_report(claimed.transform.request_id, victim, kill))
        if not victims:
            self._note_nameless(claimed, kill, workers)

    def _note_nameless(self, claimed: Claimed, kill: Kill, workers: int) -> None:
        """Of workers that say nothing: when each has had its attempts and no file came out, none of them ever will."""
        transform = claimed.transform
        known = self._nameless[transform.request_id]
        if known.reports != transform.files_reported:
            known.reports, known.kills = transform.files_reported, []
        known.kills.append(kill)
        busy = min(workers, transform.files_remaining or 0)
        if busy and len(known.kills) >= self._attempts * busy:
            self._give_up_all(claimed, kill, len(known.kills))
            known.kills = []

    def _give_up_all(self, claimed: Claimed, kill: Kill, kills: int) -> None:
        after = 0
        while files := self._service.open_files(claimed.transform, after, FILES_AT_ONCE):
            self._report(claimed, files, kill, kills)
            after = files[-1].file_id

    def _report(self, claimed: Claimed, files: Sequence[Victim], kill: Kill, kills: int) -> None:
        for file in files:
            self._results.report(killed_report(claimed.transform.request_id, replace(file, kills=kills), kill))
