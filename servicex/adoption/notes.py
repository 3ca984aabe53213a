"""What an adoption found and changed, for the person who runs it."""
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Notes:
    """Rows there were and rows kept, by table; and how often each thing was changed, in words."""

    found: dict[str, int] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)

    def changed(self, what: str) -> None:
        """Count one more row that was changed in this way."""
        self.changes[what] += 1

    def table(self, name: str) -> str:
        """One line on a table."""
        found, kept = self.found[name], self.kept[name]
        if not found and kept:
            return f"{name}: {kept} made"
        return f"{name}: {kept} of {found}" + (f", {found - kept} left aside" if kept < found else "")

    def lines(self) -> Iterator[str]:
        """One line on each kind of change."""
        for what, count in sorted(self.changes.items()):
            yield f"{what}: {count}"
