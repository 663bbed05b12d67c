"""`brownfield probe`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from brownfield.policies.probe import ProbeConfig, run_probe

Probe = ProbeConfig


def run(config: ProbeConfig) -> int:
    """Train and ask the probes, and print what they can tell."""
    readings = run_probe(config)
    table = Table(title=f"{config.question}: share told right, unseen episodes")
    table.add_column("")
    for reading in readings:
        table.add_column(reading.source)
    table.add_row("all answers alike", *(f"{100 * r.balanced:.1f} %" for r in readings))
    for part in ("by_class", "by_distance"):
        table.add_section()
        shares = [getattr(reading, part) for reading in readings]
        for name in shares[0]:
            table.add_row(name, *(str(found[name]) for found in shares))
    Console().print(table)
    return 0
