"""A line chart with logarithmic axes as SVG, readable on light and dark; used by scaling.py."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 40, 48
STYLE = """text { font: 12px sans-serif; fill: #24292f; }
.axis { stroke: #57606a; } .grid { stroke: #d0d7de; } .line { fill: none; stroke-width: 2; }
.series0 { stroke: #0969da; fill: #0969da; } .series1 { stroke: #1a7f37; fill: #1a7f37; }
.series2 { stroke: #cf222e; fill: #cf222e; stroke-dasharray: 6 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .axis { stroke: #9198a1; } .grid { stroke: #3d444d; }
  .series0 { stroke: #4493f8; fill: #4493f8; } .series1 { stroke: #3fb950; fill: #3fb950; }
  .series2 { stroke: #f85149; fill: #f85149; }
}
.line { fill: none !important; }"""


def charts(panels):
    """An SVG with one chart a panel beside each other. A panel has `title`, `x`, `y` (axes' names) and `series`
    (name → list of (x, y), both positive)."""
    places = [f'<g transform="translate({index * WIDTH} 0)">' for index in range(len(panels))]
    drawn = "".join(f"{place}{chart(**panel)}</g>" for place, panel in zip(places, panels))
    size = f'width="{WIDTH * len(panels)}" height="{HEIGHT}" viewBox="0 0 {WIDTH * len(panels)} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{drawn}\n</svg>\n'


def chart(title, x, y, series):
    points = [point for line in series.values() for point in line]
    if not points:
        return ""
    columns = sorted({point[0] for point in points})
    low, high = (math.log10(bound(point[1] for point in points)) for bound in (min, max))
    low, high = low - 0.05, max(high, low + 0.3) + 0.05
    left, right = math.log2(columns[0]), max(math.log2(columns[-1]), math.log2(columns[0]) + 1)
    across = lambda value: LEFT + (math.log2(value) - left) / (right - left) * (WIDTH - LEFT - RIGHT)
    down = lambda value: HEIGHT - BOTTOM - (math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [text(WIDTH / 2, 18, title, "middle")]
    for value in columns:
        parts.append(line(across(value), TOP, across(value), HEIGHT - BOTTOM, "grid"))
        parts.append(text(across(value), HEIGHT - BOTTOM + 16, f"{value:g}", "middle"))
    for value in ticks(low, high):
        parts.append(line(LEFT, down(value), WIDTH - RIGHT, down(value), "grid"))
        parts.append(text(LEFT - 6, down(value) + 4, f"{value:g}", "end"))
    parts.append(line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"))
    parts.append(line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis"))
    parts.append(text(WIDTH / 2, HEIGHT - 10, x, "middle"))
    parts.append(text(4, TOP - 8, y, "start"))
    for index, (name, values) in enumerate(series.items()):
        path = " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in values)
        parts.append(f'<polyline class="line series{index}" points="{path}"/>')
        parts += [f'<circle class="series{index}" cx="{across(a):.1f}" cy="{down(b):.1f}" r="3"/>' for a, b in values]
        parts.append(line(LEFT + 12, TOP + 14 + 18 * index, LEFT + 34, TOP + 14 + 18 * index, f"line series{index}"))
        parts.append(text(LEFT + 40, TOP + 18 + 18 * index, name, "start"))
    return "\n".join(parts)


def ticks(low, high):
    """Round values from 10^low to 10^high."""
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    values = (step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps)
    return [value for value in values if low <= math.log10(value) <= high]


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text(x, y, content, anchor):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
