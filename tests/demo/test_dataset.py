"""The demo's data is what it says: pairs that give their masses back, in files that look like NanoAOD."""
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from demo.dataset import LARGEST_ETA, SMALLEST_PT, make_events, write_dataset

EVENTS = 20_000


@pytest.fixture(scope="module")
def events() -> dict[str, ak.Array]:
    return make_events(np.random.default_rng(5), EVENTS)


@pytest.fixture(scope="module")
def masses(events: dict[str, ak.Array]) -> ak.Array:
    """Masses of the opposite-charge pairs, by the short formula good where muons are light for their momentum."""
    chosen = (ak.num(events["Muon_pt"]) == 2) & (ak.sum(events["Muon_charge"], axis=1) == 0)
    pt, eta, phi = (ak.to_numpy(events[f"Muon_{name}"][chosen]).astype(float) for name in ("pt", "eta", "phi"))
    return np.sqrt(2 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])))


@pytest.mark.parametrize("mass, half_width", [(3.097, 0.1), (9.460, 0.25), (91.19, 4.0)])
def test_resonances_stand_out_of_the_continuum(masses: ak.Array, mass: float, half_width: float) -> None:
    inside = np.abs(masses - mass) < half_width
    beside = (np.abs(masses - mass) < 2 * half_width) & ~inside
    assert inside.sum() > 2 * beside.sum()
    assert np.median(masses[inside]) == pytest.approx(mass, rel=0.01)


def test_muons_are_within_the_detector_and_in_order(events: dict[str, ak.Array]) -> None:
    pt = events["Muon_pt"]
    assert ak.min(pt) > SMALLEST_PT
    assert ak.max(abs(events["Muon_eta"])) < LARGEST_ETA
    assert ak.all(pt[:, :-1] >= pt[:, 1:], axis=None)
    assert set(ak.flatten(events["Muon_charge"])) == {-1, 1}
    assert set(ak.num(pt)) == {0, 1, 2, 3}


def test_files_are_trees_of_jagged_columns_and_the_same_on_each_run(tmp_path: Path) -> None:
    first, again = (list(write_dataset(tmp_path / run, files=2, events_per_file=500)) for run in ("first", "again"))
    for one, other in zip(first, again, strict=True):
        with uproot.open(one) as file, uproot.open(other) as file_again:
            assert file.classnames() == {"Events;1": "TTree"}
            assert set(file["Events"].keys()) == {"nMuon", "Muon_pt", "Muon_eta", "Muon_phi", "Muon_charge"}
            assert file["Events"]["Muon_pt"].typename == "float[]"
            assert ak.array_equal(file["Events"].arrays(), file_again["Events"].arrays())
