"""What a physicist runs: ask ServiceX for opposite-charge muon pairs, compute their masses, look at the spectrum.

    python analysis.py CONFIG PICTURE FILE...

CONFIG is the client's `servicex.yaml`, PICTURE the PNG to save, the FILEs are ROOT files. It runs with nothing but
PyPI's `servicex`, `uproot` and `matplotlib`; it knows the server by its address alone. It exits with 1 when peaks are
missing.
"""
import sys
import time
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray
from servicex import Sample, ServiceXSpec, dataset, deliver, query
from spectrum import Peak, draw, find_peaks

MUON_MASS = 0.10566


def muon_pairs() -> query.FuncADL_Uproot:
    """Two muons of opposite charge, both above 4 GeV; their momenta are the columns to deliver."""
    return (query.FuncADL_Uproot()
            .FromTree("Events")
            .Where(lambda e: e.nMuon == 2)
            .Where(lambda e: e.Muon_charge.Sum() == 0)
            .Where(lambda e: e.Muon_pt.Where(lambda pt: pt > 4).Count() == 2)
            .Select(lambda e: {"pt": e.Muon_pt, "eta": e.Muon_eta, "phi": e.Muon_phi}))


def deliver_pairs(config: str, files: list[str]) -> list[str]:
    """Submit a new transform, whatever the client has in its cache, and give the delivered files."""
    spec = ServiceXSpec(Sample=[Sample(Name="dimuons", Dataset=dataset.FileList(files), Query=muon_pairs())])
    return list(deliver(spec, config_path=config, ignore_local_cache=True)["dimuons"])


def pair_masses(columns: ak.Array) -> NDArray[np.float64]:
    """The invariant masses of the pairs in GeV."""
    pt = ak.to_numpy(columns.pt).astype(np.float64)
    eta, phi = ak.to_numpy(columns.eta), ak.to_numpy(columns.phi)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px ** 2 + py ** 2 + pz ** 2 + MUON_MASS ** 2)
    squared = energy.sum(axis=1) ** 2 - sum(p.sum(axis=1) ** 2 for p in (px, py, pz))
    return np.sqrt(np.maximum(squared, 0.0))


def print_table(files: list[str], delivered: list[str], masses: NDArray[np.float64], seconds: float) -> None:
    """What went in, what came out, how long it took."""
    events = sum(uproot.open(file)["Events"].num_entries for file in files)
    print(f"""
                        read   delivered
    files         {len(files):>10}  {len(delivered):>10}
    events        {events:>10,}  {len(masses):>10,}
    megabytes     {_megabytes(files):>10.1f}  {_megabytes(delivered):>10.1f}
    time to deliver {seconds:>8.1f} s (the client looks every 5 s)
""")


def print_peaks(peaks: list[Peak]) -> None:
    """The resonances, where they should be and where they were found."""
    print("    resonance      expected       found     candidates")
    for peak in peaks:
        found = f"{peak.found:8.3f} GeV  {peak.candidates:9,.0f}" if peak.is_seen else "   not seen"
        print(f"    {peak.name:<12} {peak.expected:8.3f} GeV  {found}")


def _megabytes(files: list[str]) -> float:
    return sum(Path(file).stat().st_size for file in files) / 1e6


def main(config: str, picture: str, *files: str) -> None:
    """Deliver, tell, draw."""
    started = time.monotonic()
    delivered = deliver_pairs(config, list(files))
    seconds = time.monotonic() - started
    masses = pair_masses(uproot.concatenate(delivered))
    peaks = find_peaks(masses)
    print_table(list(files), delivered, masses, seconds)
    print_peaks(peaks)
    draw(masses, peaks, f"{len(masses):,} pairs from {len(files)} files of generated events", Path(picture))
    if not all(peak.is_seen for peak in peaks):
        sys.exit("Some resonances are missing from the spectrum.")


if __name__ == "__main__":
    main(*sys.argv[1:])
