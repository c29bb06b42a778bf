"""Charts with two axes as inline SVG. Knows only numbers and texts, and escapes every text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from twinbench.views.report.scale import Scale

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 78, 150, 14, 42
"""Margins of a chart; the right margin has room for names at the ends of lines."""

LABEL_GAP, NAME_GAP, LETTER = 13, 12, 6.6
"""Distance between two names, distance between a point and its name, and width of a letter, in the chart's units."""

Shape = Callable[[float, float], str]

SHAPES: tuple[Shape, ...] = (
    lambda x, y: f"M{x - 5:.1f},{y:.1f}a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    lambda x, y: f"M{x - 4.5:.1f},{y - 4.5:.1f}h9v9h-9z",
    lambda x, y: f"M{x:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z",
    lambda x, y: f"M{x:.1f},{y - 5.5:.1f}l6,10h-12z",
)
"""Circle, square, diamond and triangle; after eight stacks the colours repeat with the next shape."""

COLOURS = 8
"""Number of different colours."""


@dataclass(frozen=True, slots=True)
class Series:
    """One named line, or one named point."""

    name: str
    number: int
    """Number that selects the colour and the shape."""
    points: Sequence[tuple[float, float]]
    """Points of the line, as x and y."""
    title: str
    """Text that is shown when the pointer rests on the line or point."""
    filter_by: str
    """The stack with which the line or point is shown and hidden."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its name and the format of its ticks."""

    scale: Scale
    name: str
    label: Callable[[float], str]


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element; ``class_`` becomes ``class``, and underscores in other attributes become hyphens."""
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{f"{value:.1f}" if isinstance(value, float) else escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{inside}>{''.join(map(escape, children))}</{name}>")


def colour(number: int) -> str:
    """Return the CSS class of a colour."""
    return f"c{number % COLOURS}"


def mark(number: int, x: float = 6, y: float = 6) -> Markup:
    """Return the mark of a series, with its centre at ``x`` and ``y``."""
    return tag("path", d=SHAPES[number // COLOURS % len(SHAPES)](x, y), class_=f"mark {colour(number)}")


def chart(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    *,
    front: Sequence[tuple[float, float]] = (),
    level: float | None = None,
    diagonal: bool = False,
) -> Markup:
    """Draw lines or points with their names beside them.

    Below them lie ``front``, drawn as steps, a line at the height ``level``, and with ``diagonal`` the line y = x.
    """
    parts: list[Markup] = [*_frame(x, y)]
    if level is not None and y.scale.low <= level <= y.scale.high:
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_y(y, level), y2=_y(y, level), class_="front"))
    if diagonal:
        corners = [_position(x, y, end, end) for end in (x.scale.low, x.scale.high)]
        parts.append(tag("path", d="M" + "L".join(f"{px:.1f},{py:.1f}" for px, py in corners), class_="front"))
    if front:
        corners = [_position(x, y, *point) for point in front]
        path = f"M{corners[0][0]:.1f},{corners[0][1]:.1f}" + "".join(f"H{px:.1f}V{py:.1f}" for px, py in corners[1:])
        parts.append(tag("path", d=path, class_="front"))
    ends = [_position(x, y, *each.points[-1]) for each in series]
    labels = _heights(ends, [each.name for each in series])
    parts += [_drawn(x, y, each, label) for each, label in zip(series, labels, strict=True)]
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title, class_="chart")


def picture(drawn: Markup, style: str) -> str:
    """Return a chart as a separate SVG file that contains the page's style."""
    opened = str(drawn).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return opened.replace(">", f"><style><![CDATA[{style} text {{ font: 11.5px sans-serif }}]]></style>", 1)


def _frame(x: Axis, y: Axis) -> Iterator[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in y.scale.ticks(5):
        at = _y(y, tick)
        yield tag("line", x1=LEFT, x2=right, y1=at, y2=at, class_="grid")
        yield tag("text", y.label(tick), x=LEFT - 8, y=at + 4, text_anchor="end")
    for tick in x.scale.ticks(6):
        at = _x(x, tick)
        yield tag("line", x1=at, x2=at, y1=TOP, y2=bottom, class_="grid")
        yield tag("text", x.label(tick), x=at, y=bottom + 17, text_anchor="middle")
    yield tag("text", x.name, x=(LEFT + right) / 2, y=HEIGHT - 6, text_anchor="middle", class_="name")
    yield tag(
        "text",
        y.name,
        transform=f"translate(13 {(TOP + bottom) / 2:.0f}) rotate(-90)",
        text_anchor="middle",
        class_="name",
    )


def _drawn(x: Axis, y: Axis, series: Series, label: float) -> Markup:
    positions = [_position(x, y, *point) for point in series.points]
    parts = [tag("title", series.title)]
    if len(positions) > 1:
        line = "M" + "L".join(f"{px:.1f},{py:.1f}" for px, py in positions)
        parts.append(tag("path", d=line, class_=f"line {colour(series.number)}"))
    parts += [mark(series.number, *position) for position in positions]
    end_x, end_y = positions[-1]
    if abs(label - end_y) > 2:
        parts.append(
            tag("path", d=f"M{end_x + 6:.1f},{end_y:.1f}L{end_x + NAME_GAP - 2:.1f},{label:.1f}", class_="leader")
        )
    parts.append(tag("text", series.name, x=end_x + NAME_GAP, y=label + 4))
    return tag("g", *parts, data_stack=series.filter_by)


def _heights(ends: Sequence[tuple[float, float]], names: Sequence[str]) -> list[float]:
    """Return the heights of names beside their points: as near as possible without overlapping a name or a point."""
    boxes: dict[int, tuple[float, float, float]] = {}
    for number in sorted(range(len(ends)), key=ends.__getitem__):
        x, y = ends[number]
        left, right = x + NAME_GAP, x + NAME_GAP + LETTER * len(names[number])
        taken = [height for start, end, height in boxes.values() if start < right and end > left]
        taken += [py for px, py in ends if left - 6 < px < right]
        shifts = (sign * step * LABEL_GAP for step in range(len(ends) + 1) for sign in (1, -1))
        free = (y + shift for shift in shifts if all(abs(y + shift - other) >= LABEL_GAP - 1 for other in taken))
        boxes[number] = left, right, next((height for height in free if TOP < height < HEIGHT - BOTTOM), y)
    return [boxes[number][2] for number in range(len(ends))]


def _position(x: Axis, y: Axis, px: float, py: float) -> tuple[float, float]:
    return _x(x, px), _y(y, py)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.scale.position(value) * (WIDTH - RIGHT - LEFT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.scale.position(value) * (HEIGHT - BOTTOM - TOP)
