#!/usr/bin/env python3
"""Writes a picture of the demonstration, as SVG, to standard output.

usage: demo-svg.py PLAYGROUND

Runs `PLAYGROUND --demo --fast` in a pseudo-terminal, and draws what it printed, from the first to the
last of the commands below, with its colours. The picture brings its own background, so that it is
readable on a light page and on a dark one.
"""

import html
import os
import pty
import re
import sys

COLUMNS = 104
FIRST, LAST = "web0-boot -d", "web0-boot && web0-snapshot"
LINE, WIDTH, MARGIN = 18, 8.0, 16
BACKGROUND, TEXT = "#1e2127", "#dcdfe4"
COLOURS = {
    31: "#f27983", 32: "#a5d183", 33: "#ebc67a", 34: "#7fb8f0", 35: "#d596e5", 36: "#6fcbd3",
    91: "#f27983", 92: "#a5d183", 93: "#ebc67a", 94: "#7fb8f0", 95: "#d596e5", 96: "#6fcbd3",
}


def session(playground):
    """The output of the demonstration."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.environ["COLUMNS"] = str(COLUMNS)
        os.execv(playground, [playground, "--demo", "--fast"])
    output = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        output += read
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit("the demonstration failed")
    return output.decode()


def lines(text):
    """The lines, each as it stood at last: what a carriage return has replaced is dropped."""
    for line in re.sub(r"\r+\n", "\n", text).split("\n"):
        yield line.rsplit("\r", 1)[-1].replace("\x1b[K", "")


def spans(line):
    """The characters of a line, each with its style."""
    style = ""
    for sequence, character in re.findall(r"\x1b\[([0-9;?]*)[a-zA-Z]|([^\x1b])", line):
        if character:
            yield style, character
            continue
        for code in sequence.split(";"):
            code = int(code) if code.isdigit() else 0
            if code == 0:
                style = ""
            elif code == 1:
                style += "font-weight:bold;"
            elif code == 2:
                style += "opacity:.65;"
            elif code in COLOURS:
                style += f"fill:{COLOURS[code]};"


def rows(text):
    """The rows of the screen: long lines are continued."""
    for line in text:
        characters = list(spans(line))
        is_command = line.startswith("$ ")
        for at in range(0, max(len(characters), 1), COLUMNS):
            row = characters[at : at + COLUMNS]
            if is_command:
                row = [(style + "font-weight:bold;", character) for style, character in row]
            yield row


def drawn(rows):
    """The rows as SVG."""
    height = len(rows) * LINE + 2 * MARGIN
    width = COLUMNS * WIDTH + 2 * MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" '
        f'role="img" aria-label="A session of easy-bhyve on a simulated host">'
    )
    yield f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>'
    yield (
        f'<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" '
        f'font-size="13" fill="{TEXT}" xml:space="preserve">'
    )
    for number, row in enumerate(rows):
        text, at = "", 0
        while at < len(row):
            style = row[at][0]
            end = at
            while end < len(row) and row[end][0] == style:
                end += 1
            part = html.escape("".join(character for _, character in row[at:end]), quote=False)
            text += f'<tspan style="{style}">{part}</tspan>' if style else part
            at = end
        if text.strip():
            y = MARGIN + (number + 1) * LINE - 5
            length = f' textLength="{len(row) * WIDTH:g}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{MARGIN}" y="{y}"{length}>{text}</text>'
    yield "</g>"
    yield "</svg>"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: demo-svg.py PLAYGROUND")
    text = list(lines(session(sys.argv[1])))
    first = next(at for at, line in enumerate(text) if line.startswith("$ " + FIRST))
    last = next(at for at, line in enumerate(text) if line.startswith("$ " + LAST))
    end = next((at for at in range(last, len(text)) if not text[at]), len(text))
    directory = re.compile(r"/tmp/eb\.\w+")
    shown = [directory.sub("", line) for line in text[first:end]]
    print("\n".join(drawn(list(rows(shown)))))


main()
