# SPDX-License-Identifier: MIT
"""Pictures by gnuplot, as SVG: text, so that a change of one can be seen in the history. Times of day and names of
folders do not get into them."""
import textwrap

from .root import INSIDE

COLOURS = ["#2a6fbb", "#009639", "#c8503c", "#8a8a8a", "#b08bd6", "#d6a72b"]


def write_data(path, lines):
    path.write_text("".join(" ".join(f'"{word}"' if isinstance(word, str) else f"{word:.6g}" for word in line) + "\n"
                            for line in lines))


def draw(root, name, script, blocks):
    """Runs gnuplot on `script`, in which DATA0, DATA1… stand for the files of the blocks. Returns the SVG."""
    for index, lines in enumerate(blocks):
        write_data(root.work / f"{name}.{index}.data", lines)
        script = script.replace(f"DATA{index}", f'"{INSIDE}/{name}.{index}.data"')
    svg, file = root.work / f"{name}.svg", root.work / f"{name}.gnuplot"
    svg.unlink(missing_ok=True)
    file.write_text(script.replace("OUTPUT", f'"{INSIDE}/{name}.svg"'))
    said = root.output("gnuplot", f"{INSIDE}/{name}.gnuplot")
    if not svg.exists():
        raise RuntimeError(f"gnuplot drew nothing:\n{said[-2000:]}")
    return svg.read_text()


HEAD = """set terminal svg size {width},{height} font "sans,13" background "#ffffff"
set output OUTPUT
set encoding utf8
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
"""


def ratio_bars(titles, peers, reference, summaries, subtitle):
    """The script and its data: a group of bars for each row, with their least and most."""
    lines = [[wrapped(title), *(word for peer in peers for word in bar(summaries.get((row, peer))))]
             for row, title in titles.items()]
    plots = [f'DATA0 using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}{":xtic(1)" if i == 0 else ""} title "{peer}" '
             f'lc rgb "{COLOURS[i % len(COLOURS)]}"' for i, peer in enumerate(peers)]
    title = f"CPU and memory against {reference} in the same round: median, least, most. Lower is better."
    script = HEAD.format(width=1100, height=560) + f"""set title "{title}\\n{{/*0.8 {subtitle}}}"
set ylabel "ratio to {reference}"
set style data histograms
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.85 noborder
set logscale y 2
set yrange [0.125:16]
set bmargin 5
set errorbars lc rgb "#000000"
set xtics font ",11"
set key outside bottom center horizontal
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb "#000000" dt 2
plot {", ".join(plots)}
"""
    return script, [lines]


def wrapped(title):
    """Over several lines, as gnuplot wants them."""
    return "\\n".join(textwrap.wrap(title, 16))


def bar(summary):
    if summary is None:
        return [float("nan")] * 3
    return [summary.ratio, summary.ratio_least, summary.ratio_most]
