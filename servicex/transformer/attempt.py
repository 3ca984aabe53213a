"""One file, one attempt: its replicas in order until one can be transformed."""
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from servicex.processes.messages import Message
from servicex.transformer.failures import Fault, describe, one_line, shorten
from servicex.transformer.input_file import ailment, is_special
from servicex.transformer.program import Program
from servicex.transformer.web_file import fetched_file, local_or_url


def transform(program: Program, paths: Sequence[str], output: Path, fetched: Path | None = None) -> Message:
    """Transform the first of the replicas that can be into the file `output`; gives the reply to be sent.

    `fetched` is a local copy of the first one, to be read in its place.
    """
    faults = []
    for path in paths:
        output.unlink(missing_ok=True)
        outcome = _transform_replica(program, path, output, fetched if path == paths[0] else None)
        if not isinstance(outcome, Fault):
            return outcome
        faults.append(outcome)
    return {"status": "failure"} | asdict(_summary(faults))


def _transform_replica(program: Program, path: str, output: Path, fetched: Path | None) -> Message | Fault:
    if is_special(path):
        return Fault("NotAFile", one_line(f"the input {path} is not a regular file"), "", False)
    started = time.monotonic()
    source = path
    try:
        source = str(fetched) if fetched else local_or_url(path, fetched_file(output))
        returned = program.run(source, str(output))
    except BaseException as error:  # noqa: B036 - SystemExit and KeyboardInterrupt too: the child goes on
        return _with_ailment(_naming(path, source, describe(error)), path, ailment(source))
    finally:
        fetched_file(output).unlink(missing_ok=True)
    if not output.is_file():
        return Fault("NoOutput", "the program returned without writing its output file", "", False)
    if output.stat().st_size == 0:
        # Nobody could read it: the smallest ROOT or Parquet file has some hundred bytes.
        return Fault("NoOutput", "the program's output file is empty", "", False)
    return {
        "status": "success",
        "path": path,
        "total_events": _total_events(returned),
        "output_size": output.stat().st_size,
        "seconds": time.monotonic() - started,
    }


def _naming(path: str, source: str, fault: Fault) -> Fault:
    """The fault in terms of the input's own path, where a local copy was read."""
    if source == path:
        return fault
    return replace(fault, message=one_line(fault.message.replace(source, path)),
                   trace=shorten(fault.trace.replace(source, path)))


def _with_ailment(fault: Fault, path: str, cause: str) -> Fault:
    """The fault, the reader's words behind plain ones if the input file itself is to blame."""
    if not cause:
        return fault
    return replace(fault, message=one_line(f"the input file {path} {cause}: {fault.message}"))


def _total_events(returned: Any) -> int:
    """The count of input entries among what the program returned; 0 if it gives none."""
    try:
        return max(0, int(returned["total-events"])) if isinstance(returned, Mapping) else 0
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0


def _summary(faults: Sequence[Fault]) -> Fault:
    """One fault for all replicas: the first one's, with the others' messages after its own."""
    first, *others = faults
    messages = [first.message, *(f"another replica: {fault.error_class}: {fault.message}" for fault in others)]
    return Fault(first.error_class, one_line("; ".join(messages)), first.trace, any(f.retryable for f in faults))
