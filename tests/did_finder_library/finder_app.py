"""A DID finder on the real library, in whatever version; run by Celery in the library's own environment.

What it finds stands in the DID: `single/N` gives N files one by one, `list/N` all at once, `gated/N/M` waits after N
files for the file GATE before it gives M more, `urls/NAME` gives the URLs in the file NAME beside GATE, `fails/N` fails
after N files, `missing` finds nothing in the catalogue.
"""
import os
import time

from servicex_did_finder_lib import DIDFinderApp

SCHEME = os.environ["SCHEME"]
GATE_SECONDS = 60

app = DIDFinderApp(SCHEME)


def file(number):
    return {"paths": [f"root://near//f{number:04}.root", f"root://far//f{number:04}.root"],
            "adler32": number, "file_size": 100, "file_events": 10}


def find_files(did, info, arguments):
    kind, *numbers = did.split("/")
    if kind == "urls":
        yield [{**file(0), "paths": [url]} for url in listed(numbers[0])]
        return
    counts = [int(number) for number in numbers]
    if kind == "list":
        yield [file(number) for number in range(counts[0])]
    elif kind == "single":
        yield from map(file, reversed(range(counts[0])))
    elif kind == "gated":
        yield from map(file, range(counts[0]))
        wait_for_gate()
        yield from map(file, range(counts[0], sum(counts)))
    elif kind == "fails":
        yield from map(file, range(counts[0]))
        raise RuntimeError("the catalogue is on fire")
    else:
        raise no_such_dataset(did)


def listed(name):
    with open(os.path.join(os.path.dirname(os.environ["GATE"]), name)) as lines:
        return lines.read().split()


def wait_for_gate():
    end = time.monotonic() + GATE_SECONDS
    while not os.path.exists(os.environ["GATE"]) and time.monotonic() < end:
        time.sleep(0.05)


def no_such_dataset(did):
    try:
        from servicex_did_finder_lib.exceptions import NoSuchDatasetException
    except ImportError:
        return RuntimeError(did)
    return NoSuchDatasetException(f"the catalogue does not know {did}")


@app.did_lookup_task(name=f"did_finder_{SCHEME}.lookup_dataset")
def lookup_dataset(self, did, dataset_id, endpoint):
    self.do_lookup(did=did, dataset_id=dataset_id, endpoint=endpoint, user_did_finder=find_files)
