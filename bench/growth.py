"""How the costs grow with what exists: the lines growth-SIZE-... of bench.py,
and a drawing of them.

SPDX-License-Identifier: Apache-2.0
"""
import html
import math

SIZES = [10000, 100000, 1000000]
PER_OBJECT = ["import-initial", "import-unchanged", "sync-initial"]
CYCLE = "delta-cycle"


def sizes_up_to(size):
    return [each for each in SIZES if each < size] + [size]


def name_of(size, name):
    return f"growth-{size}-{name}"


def values_of(results):
    """Name of a step -> list of (size, value)."""
    found = {}
    for each in results:
        if each["name"].startswith("growth-"):
            _, size, name = each["name"].split("-", 2)
            found.setdefault(name, []).append((int(size), each["value"]))
    return found


# ---- the drawing ----

WIDTH, HEIGHT = 760, 345
TOP, BOTTOM = 46, 270
PANEL = 290
LEFTS = (60, 430)
COLORS = {"import-initial": "#1b6ca8", "import-unchanged": "#3a9a5b",
          "sync-initial": "#b5532a", CYCLE: "#6a3d9a"}


def nice_top(value):
    """The next of 1, 2, 5, 10, 20 ... above it."""
    if value <= 0:
        return 1
    base = 10 ** math.floor(math.log10(value))
    return next(base * step for step in (1, 2, 5, 10) if base * step >= value)


def number(value):
    return f"{value:,g}"


def text(x, y, words, anchor="middle", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>'
            f"{html.escape(words)}</text>")


def line(x1, y1, x2, y2, color="#cccccc"):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{color}"/>')


class Panel:
    """Sizes go right, by their logarithm; values go up, from 0."""

    def __init__(self, left, title, sizes, top):
        self.left = left
        self.title = title
        self.sizes = sizes
        self.top = nice_top(top)

    def x(self, size):
        low, high = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        part = (math.log10(size) - low) / (high - low) if high > low else 0.5
        return self.left + 15 + part * (PANEL - 30)

    def y(self, value):
        return BOTTOM - value / self.top * (BOTTOM - TOP)

    def frame(self):
        out = [text(self.left + PANEL / 2, 26, self.title,
                    extra=' font-weight="bold"')]
        for part in range(5):
            value = self.top * part / 4
            y = self.y(value)
            out.append(line(self.left, y, self.left + PANEL, y))
            out.append(text(self.left - 6, y + 4, number(value), "end"))
        out += [text(self.x(size), BOTTOM + 18, number(size))
                for size in self.sizes]
        return out

    def curve(self, name, points):
        color = COLORS[name]
        at = [(self.x(size), self.y(value)) for size, value in points]
        out = [f'<polyline fill="none" stroke="{color}" stroke-width="2" '
               'points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
               + '"/>']
        for (x, y), (_, value) in zip(at, points):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" '
                       f'fill="{color}"><title>{number(value)}</title>'
                       "</circle>")
        return out


def legend(left, names):
    out = []
    for at, name in enumerate(names):
        x = left + at * 120
        out.append(f'<rect x="{x}" y="320" width="10" height="10" '
                   f'fill="{COLORS[name]}"/>')
        out.append(text(x + 14, 329, name, "start"))
    return out


def draw(results):
    """The growth in these results as the text of an SVG file."""
    found = values_of(results)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11" fill="#222222">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    for left, title, names in (
            (LEFTS[0], "microseconds an object", PER_OBJECT),
            (LEFTS[1], "seconds of a cycle of 1,000 changes", [CYCLE])):
        curves = {name: found[name] for name in names if name in found}
        points = [point for each in curves.values() for point in each]
        panel = Panel(left, title, sorted({size for size, _ in points}),
                      max(value for _, value in points))
        out += panel.frame()
        for name, each in curves.items():
            out += panel.curve(name, each)
        out += legend(left, curves)
    out.append(text(WIDTH / 2, BOTTOM + 34, "people in the company"))
    return "\n".join(out + ["</svg>", ""])
