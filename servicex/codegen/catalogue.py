"""What the built-in code generators are called and can do. Imports nothing heavy: the server reads this."""
from dataclasses import dataclass

ROOT_FILE = "root-file"
ROOT_RNTUPLE = "root-rntuple"
PARQUET = "parquet"
ALL_FORMATS = frozenset({ROOT_FILE, ROOT_RNTUPLE, PARQUET})

LANGUAGE = "python"
COMMAND = "/generated/transform_single_file.py"


@dataclass(frozen=True)
class Description:
    """One built-in code generator, as its `transformer_capabilities.json` tells a transformer's sidecar.

    `stats_parser` is the name under which the sidecar knows how to read the program's last line of output.
    """

    description: str
    limitations: str
    stats_parser: str
    formats: frozenset[str] = ALL_FORMATS


GENERATORS = {
    "uproot": Description(
        description="FuncADL queries (qastle text) over ROOT TTrees and RNTuples, run with uproot and awkward",
        limitations="One tree a query. First, Last and ElementAt fail on events that have too few elements.",
        stats_parser="UprootStats"),
    "uproot-raw": Description(
        description="uproot's own array queries over one or several trees, and copies of histograms",
        limitations="Several trees and copied histograms need a ROOT format; Parquet holds one table.",
        stats_parser="RawUprootStats"),
    "python": Description(
        description="A Python function run_query(input_filenames) that reads one file and returns arrays",
        limitations="Several trees and histograms need a ROOT format; Parquet holds one table.",
        stats_parser="UprootStats"),
}
