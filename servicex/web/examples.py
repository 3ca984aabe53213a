"""First programs for newcomers, one for each code generator that is built in: from a dataset to a plot.

Each is run by a test as it stands on the page.
"""
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# CMS Open Data (CC0): muons of 2012 in a tree Events, reduced from NanoAOD.
PUBLIC_FILE = ("root://eospublic.cern.ch//eos/opendata/cms/derived-data/AOD2NanoAODOutreachTool/"
               "Run2012BC_DoubleMuParked_Muons.root")
INSTALL = "pip install servicex uproot matplotlib"

FUNCADL = '''\
muons = (query.FuncADL_Uproot()
         .FromTree("Events")
         .Where(lambda e: e.nMuon >= 2)
         .Select(lambda e: {"pt": e.Muon_pt}))
'''
RAW = '''\
muons = query.UprootRaw({"treename": "Events", "cut": "nMuon >= 2",
                         "filter_name": "Muon_pt"})
'''
PYTHON = '''\
muons = query.PythonFunction("""
def run_query(input_filenames=None):
    import uproot
    with uproot.open({input_filenames: "Events"}) as events:
        return events.arrays(["Muon_pt"], cut="nMuon >= 2")
""")
'''
PROGRAM = '''\
import awkward as ak
import matplotlib.pyplot as plt
import uproot
from servicex import Sample, ServiceXSpec, dataset, deliver, query

{query}
files = dataset.FileList([{file!r}])
spec = ServiceXSpec(Sample=[Sample(Name="muons", Dataset=files, Query=muons)])
delivered = deliver(spec, servicex_name={endpoint!r})

columns = uproot.concatenate(list(delivered["muons"]))
pt = ak.to_numpy(ak.flatten(columns["{column}"]))
print(len(columns), "events with", len(pt), "muons")

plt.hist(pt, bins=50, range=(0, 100))
plt.xlabel("muon transverse momentum [GeV]")
plt.ylabel("muons")
plt.savefig("muons.png")
'''


@dataclass(frozen=True)
class Example:
    """A first program for one code generator, and what kind of query it is."""

    generator: str
    title: str
    program: str


KINDS: Mapping[str, tuple[str, str, str]] = {
    "uproot": ("FuncADL: select with lambdas", FUNCADL, "pt"),
    "uproot-raw": ("uproot: branches and a cut", RAW, "Muon_pt"),
    "python": ("A Python function that reads each file", PYTHON, "Muon_pt"),
}


def examples(generators: Collection[str], file: str) -> Sequence[Example]:
    """The examples for those of the generators that there is one for, reading that file."""
    return [Example(name, title, PROGRAM.format(query=query, file=file, endpoint=name, column=column))
            for name, (title, query, column) in KINDS.items() if name in generators]
