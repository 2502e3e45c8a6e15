"""The report's charts, as SVG that stands in the page: no script, no font and no address of elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from remotesupport.core.report.figures import Figures
from remotesupport.core.text.foreign import visible

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

COLOURS = ("#1f5f99", "#c8702a", "#3d8a5f", "#8a4f8f", "#a3a13a", "#5f7f8f", "#b04a5a", "#6f6f6f")
MOST_DEPARTMENTS = 7  # with colours of their own; the rest is one more
STEP_NAMES = ("up to 15 min", "1 h", "4 h", "1 day", "3 days", "longer")
_FOR_SCRIPTS = ("tooltip", "tooltip-overlay")
_FONT = "system-ui, sans-serif"


def by_day(found: Figures) -> str:
    """Draw the tickets that arrived on each day, the departments on top of each other."""
    largest = sorted(found.departments, key=lambda one: (-one.arrived, one.name))
    shown, rest = largest[:MOST_DEPARTMENTS], largest[MOST_DEPARTMENTS:]
    series = [(one.name or "unknown", one.by_day) for one in shown]
    if rest:
        series.append((f"{len(rest)} more", tuple(map(sum, zip(*(one.by_day for one in rest), strict=True)))))
    return _bars([str(day.day) for day in found.days], series, stacked=True)


def by_hour(found: Figures) -> str:
    """Draw when texts were written, by the hour of the clock of their own side."""
    ways = [("towards main", found.to_main.by_hour), ("answers", found.to_external.by_hour)]
    return _bars([str(hour) for hour in range(24)], ways)


def waits(found: Figures) -> str:
    """Draw how many tickets waited how long for their first answer, and until they were closed."""
    return _bars(STEP_NAMES, [("first answer", found.first.steps), ("closed", found.full.steps)])


def _bars(labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], *, stacked: bool = False) -> str:
    pygal = _library()
    style = pygal.style.Style(
        background="transparent", plot_background="transparent", font_family=_FONT, colors=COLOURS,
        foreground="#333333", foreground_strong="#111111", foreground_subtle="#767676", label_font_size=11,
        legend_font_size=12, major_label_font_size=11, guide_stroke_color="#d5d9dd", major_guide_stroke_color="#d5d9dd",
        opacity="1", opacity_hover="1", transition="0s",
    )  # fmt: skip
    kind: Any = pygal.StackedBar if stacked else pygal.Bar
    chart = kind(
        style=style, width=960, height=280, js=(), legend_at_bottom=True, margin=4,
        show_y_guides=True, truncate_legend=40, disable_xml_declaration=True, pretty_print=False, no_data_text="",
    )  # fmt: skip
    chart.x_labels = list(labels)
    highest = max(map(sum, zip(*(v for _, v in series), strict=True)), default=0) if stacked else _highest(series)
    chart.y_labels = _whole(highest)
    for name, values in series:
        chart.add(visible(name), list(values))
    chart.add_xml_filter(_still)
    return str(chart.render(is_unicode=True))


@cache
def _library() -> Any:
    """Import it without what it puts into all later imports: a finder of plugins, which Python 3.11 warns of."""
    import pygal
    import pygal.style

    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, pygal.PluginImportFixer)]
    return pygal


def _highest(series: Sequence[tuple[str, Sequence[int]]]) -> int:
    return max((max(values, default=0) for _, values in series), default=0)


def _whole(highest: int) -> list[int]:
    """Numbers for the axis: there is no half of a ticket."""
    step = max(1, -(-highest // 5))
    return list(range(0, max(highest, 1) + step, step))


def _still(root: Element) -> Element:
    """Take out scripts, what only scripts use, and comments."""
    for parent in list(root.iter()):
        if parent is not root:
            parent.attrib.pop("id", None)  # the same in each chart of the page
        for child in list(parent):
            if not isinstance(child.tag, str) or _is_for_scripts(child):
                parent.remove(child)
    root.set("role", "img")
    root.set("aria-hidden", "true")  # the table beside it has the same numbers
    return root


def _is_for_scripts(element: Element) -> bool:
    return element.tag.rpartition("}")[2] == "script" or element.get("class") in _FOR_SCRIPTS
