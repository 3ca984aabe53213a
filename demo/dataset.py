"""The demo's data: muon pairs as a detector at the LHC records them, in ROOT files with the columns of CMS NanoAOD.

Momenta are in GeV, angles in radians. Each pair has a true invariant mass (a resonance, or the falling continuum
below), a transverse momentum and a rapidity; it decays isotropically in its rest frame, the muons are boosted to the
laboratory, lost outside the detector, and smeared. So the peaks appear only when a mass is computed from pt, eta and
phi, and are as wide as the resolution makes them. Every file has a seed of its own, so each run makes the same files.
"""
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MUON_MASS = 0.10566
TREE = "Events"
FILES = 6
EVENTS_PER_FILE = 60_000

SMALLEST_PT = 3.0
LARGEST_ETA = 2.4
SAME_SIGN_SHARE = 0.12
THIRD_MUON_SHARE = 0.05


@dataclass(frozen=True)
class Resonance:
    """A particle that decays to two muons: mass and natural width in GeV, and its share of the produced pairs."""

    name: str
    mass: float
    width: float
    share: float


RESONANCES = (
    Resonance("omega", 0.78266, 0.00868, 0.020),
    Resonance("phi", 1.01946, 0.00425, 0.025),
    Resonance("J/psi", 3.09690, 0.0, 0.130),
    Resonance("psi(2S)", 3.68610, 0.0, 0.010),
    Resonance("Upsilon(1S)", 9.46040, 0.0, 0.050),
    Resonance("Upsilon(2S)", 10.02340, 0.0, 0.016),
    Resonance("Upsilon(3S)", 10.35510, 0.0, 0.010),
    Resonance("Z", 91.1876, 2.4952, 0.070),
)


def write_dataset(folder: Path, files: int = FILES, events_per_file: int = EVENTS_PER_FILE) -> Iterator[Path]:
    """Write the files that are not there yet; gives each file's path when it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, files + 1):
        path = folder / f"dimuon_{number}.root"
        if not path.exists():
            _write_file(path, number, events_per_file)
        yield path


def _write_file(path: Path, seed: int, events: int) -> None:
    part = path.with_suffix(".part")
    with uproot.recreate(part, compression=uproot.ZLIB(4)) as file:
        columns = make_events(np.random.default_rng(seed), events)
        tree = file.mktree(TREE, {name: column.type.content for name, column in columns.items()},
                           counter_name=lambda _: "nMuon")
        tree.extend(columns)
    part.replace(path)


def make_events(random: np.random.Generator, events: int) -> dict[str, ak.Array]:
    """The columns of so many events: `Muon_pt`, `Muon_eta`, `Muon_phi`, `Muon_charge`, a list per event each."""
    masses = _masses(random, events)
    momenta = np.stack(_decays(random, masses, *_motions(random, masses)), axis=1)
    charges = _charges(random, events)
    momenta, charges = _with_third_muon(random, momenta, charges)
    return _recorded(random, momenta, charges)


def _masses(random: np.random.Generator, pairs: int) -> Floats:
    """True masses: the resonances by their shares, the rest from a continuum that falls as a power of the mass."""
    low, high, power = 0.3, 200.0, -1.6
    edges = low ** (power + 1), high ** (power + 1)
    masses = (edges[0] + random.random(pairs) * (edges[1] - edges[0])) ** (1 / (power + 1))
    shares = [resonance.share for resonance in RESONANCES]
    kinds = random.choice(len(shares) + 1, pairs, p=[*shares, 1 - sum(shares)])
    for kind, resonance in enumerate(RESONANCES):
        chosen = kinds == kind
        masses[chosen] = resonance.mass + resonance.width / 2 * _cauchy(random, int(chosen.sum()))
    return masses


def _cauchy(random: np.random.Generator, count: int) -> Floats:
    """The shape of a resonance of half-width one, cut off at twelve half-widths."""
    return np.tan(np.arctan(12.0) * random.uniform(-1, 1, count))


def _motions(random: np.random.Generator, masses: Floats) -> tuple[Floats, Floats, Floats]:
    """Transverse momentum, azimuth and rapidity of the pairs; light ones need a push to be seen at all."""
    pairs = len(masses)
    pt = 4.0 + random.gamma(2.0, 5.0, pairs) * (1 + 4.0 * np.exp(-masses / 4.0))
    return pt, random.uniform(-np.pi, np.pi, pairs), np.clip(random.normal(0.0, 1.5, pairs), -3.5, 3.5)


def _decays(random: np.random.Generator, mass: Floats, pt: Floats, phi: Floats, rapidity: Floats) -> list[Floats]:
    """The two muons of each pair in the laboratory, each an array (pairs, 3) of px, py, pz."""
    direction = _directions(random, len(mass))
    momentum = np.sqrt(np.maximum(mass ** 2 / 4 - MUON_MASS ** 2, 0.0))[:, None] * direction
    transverse_mass = np.sqrt(mass ** 2 + pt ** 2)
    pair = np.stack([pt * np.cos(phi), pt * np.sin(phi), transverse_mass * np.sinh(rapidity)], axis=1)
    energy = transverse_mass * np.cosh(rapidity)
    return [_boosted(sign * momentum, mass, pair, energy) for sign in (1, -1)]


def _directions(random: np.random.Generator, count: int) -> Floats:
    """Unit vectors, all directions equally likely."""
    cosine, phi = random.uniform(-1, 1, count), random.uniform(-np.pi, np.pi, count)
    sine = np.sqrt(1 - cosine ** 2)
    return np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], axis=1)


def _boosted(momentum: Floats, mass: Floats, pair: Floats, energy: Floats) -> Floats:
    """Momenta in the laboratory of muons that have half the pair's mass as energy in its rest frame."""
    along = (momentum * pair).sum(axis=1)
    factor = along / (mass * (energy + mass)) + 0.5
    return momentum + factor[:, None] * pair


def _charges(random: np.random.Generator, events: int) -> NDArray[np.int32]:
    """Charges (events, 2): opposite, except for the share of pairs where one muon is not the other's partner."""
    first = random.choice(np.array([-1, 1], dtype=np.int32), events)
    same_sign = random.random(events) < SAME_SIGN_SHARE
    return np.stack([first, np.where(same_sign, first, -first)], axis=1)


def _with_third_muon(random: np.random.Generator, momenta: Floats,
                     charges: NDArray[np.int32]) -> tuple[Floats, NDArray[np.int32]]:
    """Add a soft third muon to each event; one that is not wanted gets no momentum and so is not recorded."""
    events = len(momenta)
    wanted = random.random(events) < THIRD_MUON_SHARE
    third = (wanted * random.gamma(2.0, 4.0, events))[:, None] * _directions(random, events)
    charge = random.choice(np.array([-1, 1], dtype=np.int32), events)
    return np.concatenate([momenta, third[:, None]], axis=1), np.concatenate([charges, charge[:, None]], axis=1)


def _recorded(random: np.random.Generator, momenta: Floats, charges: NDArray[np.int32]) -> dict[str, ak.Array]:
    """What the detector makes of the muons: acceptance, resolution, and the hardest muon first."""
    px, py, pz = np.moveaxis(momenta, -1, 0)
    true_pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(true_pt, 1e-9))
    resolution = 0.008 + 0.004 * np.abs(eta) + 0.00005 * true_pt
    pt = true_pt * (1 + resolution * random.standard_normal(true_pt.shape))
    order = np.argsort(-pt, axis=1)
    seen = np.take_along_axis((pt > SMALLEST_PT) & (np.abs(eta) < LARGEST_ETA), order, axis=1)
    columns = {"pt": pt, "eta": eta, "phi": np.arctan2(py, px), "charge": charges}
    return {f"Muon_{name}": _jagged(np.take_along_axis(values, order, axis=1), seen)
            for name, values in columns.items()}


def _jagged(values: NDArray[np.float64] | NDArray[np.int32], kept: NDArray[np.bool_]) -> ak.Array:
    """The kept values of each row as a list; real numbers in single precision, as NanoAOD has them."""
    single = values.astype(np.float32) if values.dtype == np.float64 else values
    return ak.unflatten(single[kept], kept.sum(axis=1))
