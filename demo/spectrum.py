"""The dimuon mass spectrum: where its peaks are, and a picture of it. Masses are in GeV."""
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  The choice of the back end must come first.

Masses = NDArray[np.float64]

# Name, label in the picture, expected mass, half-width of the window that holds the peak; the side bands lie beside it.
RESONANCES = (
    ("omega", r"$\omega$", 0.783, 0.06),
    ("phi", r"$\phi$", 1.019, 0.06),
    ("J/psi", r"J/$\psi$", 3.097, 0.15),
    ("psi(2S)", r"$\psi$′", 3.686, 0.15),
    ("Upsilon(1S)", r"$\Upsilon$(1S, 2S, 3S)", 9.460, 0.25),
    ("Z", "Z", 91.19, 9.0),
)
LOWEST, HIGHEST, BINS = 0.5, 150.0, 420
INK, BLUE = "#22303c", "#2f6f9f"


@dataclass(frozen=True)
class Peak:
    """A resonance as it was found: mean mass and number of candidates above the side bands."""

    name: str
    label: str
    expected: float
    found: float
    candidates: float
    significance: float

    @property
    def is_seen(self) -> bool:
        """Whether it stands clear of the background, and within two per cent of where it belongs."""
        return self.significance > 5 and abs(self.found / self.expected - 1) < 0.02


def find_peaks(masses: Masses) -> list[Peak]:
    """Every resonance, seen or not."""
    return [_measure(masses, *resonance) for resonance in RESONANCES]


def _measure(masses: Masses, name: str, label: str, expected: float, half_width: float) -> Peak:
    """Count and average the masses in the window, less the background that the side bands, as wide, tell of."""
    offsets = masses - expected
    window = offsets[np.abs(offsets) < half_width]
    bands = offsets[(np.abs(offsets) >= half_width) & (np.abs(offsets) < 2 * half_width)]
    candidates = len(window) - len(bands)
    if candidates <= 0:
        return Peak(name, label, expected, np.nan, 0.0, 0.0)
    # A background with a slope moves the sum of the offsets in the bands seven times as far as that in the window.
    found = expected + (window.sum() - bands.sum() / 7) / candidates
    return Peak(name, label, expected, float(found), float(candidates), candidates / np.sqrt(len(window) + len(bands)))


def draw(masses: Masses, peaks: list[Peak], subtitle: str, picture: Path) -> None:
    """Save the spectrum as a picture, both axes logarithmic, in pairs per GeV so that no bin width shapes it."""
    edges = np.geomspace(LOWEST, HIGHEST, BINS + 1)
    density = np.histogram(masses, edges)[0] / np.diff(edges)
    figure, axes = plt.subplots(figsize=(10, 6), dpi=150)
    axes.stairs(density, edges, fill=True, color=BLUE, alpha=0.20)
    axes.stairs(density, edges, color=BLUE, linewidth=1.1)
    _dress(axes, density, subtitle)
    for peak in peaks:
        _label(axes, peak, density, edges)
    figure.tight_layout()
    figure.savefig(picture)
    plt.close(figure)


def _dress(axes: Axes, density: Masses, subtitle: str) -> None:
    axes.set(xscale="log", yscale="log", xlim=(LOWEST, HIGHEST),
             ylim=(density[density > 0].min() / 2, density.max() * 4))
    axes.set_xlabel("Invariant mass of the muon pair [GeV]", color=INK, fontsize=12)
    axes.set_ylabel("Pairs per GeV", color=INK, fontsize=12)
    axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100], ["0.5", "1", "2", "5", "10", "20", "50", "100"])
    axes.set_title("Muon pairs of opposite charge, delivered by ServiceX\n", loc="left", color=INK, fontsize=15)
    axes.text(0, 1.02, subtitle, transform=axes.transAxes, color=INK, fontsize=11)
    axes.grid(which="major", color=INK, alpha=0.10, linewidth=0.6)
    axes.tick_params(which="both", colors=INK)
    axes.spines[["top", "right"]].set_visible(False)


def _label(axes: Axes, peak: Peak, density: Masses, edges: Masses) -> None:
    """Write the peak's name above the highest bin near it."""
    near = (edges[:-1] > peak.expected * 0.95) & (edges[1:] < peak.expected * 1.05)
    axes.annotate(peak.label, (peak.expected, density[near].max()), xytext=(0, 7), textcoords="offset points",
                  ha="center", color=INK, fontsize=13)
