"""Small OpenDRIVE maps for tests, as text."""

from pathlib import Path

from brownfield.envs.road.network import RoadNetwork
from brownfield.envs.road.opendrive_map import load_opendrive

LANE = '<lane id="{id}" type="{kind}">{link}<width sOffset="0" a="{a}" b="0" c="0" d="0"/><roadMark sOffset="0" type="solid"/></lane>'  # noqa: E501


def lane(number: int, kind: str = "driving", width: float = 3.0, onto: int = 0) -> str:
    """A lane, `width` wide [m], that goes on from lane `onto` and into it."""
    links = ""
    if onto:
        links = f'<link><predecessor id="{onto}"/><successor id="{onto}"/></link>'
    return LANE.format(id=number, kind=kind, a=width, link=links)


def road(
    number: int = 1,
    x: float = 0.0,
    lanes: str = "",
    links: str = "",
    extra: str = "",
    length: float = 50.0,
) -> str:
    """A straight road to the east from x, `length` long [m], and a lane each way."""
    lanes = lanes or (
        f"<left>{lane(1, onto=1)}</left>"
        '<center><lane id="0" type="none"><roadMark sOffset="0" type="broken"/></lane>'
        f"</center><right>{lane(-1, onto=-1)}{lane(-2, 'sidewalk', 2)}</right>"
    )
    return (
        f'<road id="{number}" junction="-1" length="{length}"><link>{links}</link>'
        f'<planView><geometry s="0" x="{x}" y="0" hdg="0" length="{length}"><line/>'
        f'</geometry></planView><lanes><laneSection s="0">{lanes}</laneSection></lanes>'
        f"{extra}</road>"
    )


def load(folder: Path, *elements: str) -> RoadNetwork:
    """What is read of a map of these roads and junctions, `town.xodr`."""
    path = folder / "town.xodr"
    path.write_text(f"<OpenDRIVE>{''.join(elements)}</OpenDRIVE>")
    return load_opendrive(path)


def link(name: str, road: int, contact: str) -> str:
    """What a road follows or is followed by: a road, from that one's start or end."""
    return f'<{name} elementType="road" elementId="{road}" contactPoint="{contact}"/>'
