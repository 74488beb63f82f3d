#!/usr/bin/env python3
"""Draws examples/demo.svg: a session in the shell of the playground, as its terminal shows it.

usage: tests/tools/picture.py PLAYGROUND [FILE]

PLAYGROUND is the program of `cargo build --example playground`. The commands are typed one by one into a
real terminal, and the picture has what the terminal shows at the end, with the colours of the viewer's
scheme, light or dark. The name of the directory in which the host is simulated is left out.
"""

import html
import os
import pty
import re
import select
import signal
import sys
import tempfile
import time

PROMPT = "playground$ "
COLUMNS, ROWS = 88, 200
# Seconds that a command may take.
LIMIT = 60

# Before the picture: the disk is made, and the system installed by two times Enter.
BEFORE = [
    ("fbsd0-resources -V 20G -s", []),
    ("fbsd0-install", ["Enter installs", "Enter reboots"]),
]
SHOWN = [
    "fbsd0-boot -d",
    "fbsd0-boot",
    "easy-bhyve status",
    "fbsd0-snapshot before upgrade",
    "fbsd0-shutdown",
    "fbsd0-rollback",
]


class Terminal:
    """The lines of a terminal, as far as easy-bhyve moves in them; a cell is a character and whether it is dim."""

    def __init__(self):
        self.lines, self.column, self.is_dim = [[]], 0, False

    def feed(self, text):
        for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|\r|\n|\x08|[^\x1b]", text):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.lines.append([])
                self.column = 0
            elif part == "\x08":
                self.column = max(0, self.column - 1)
            elif part == "\x1b[K":
                del self.lines[-1][self.column :]
            elif part.startswith("\x1b[") and part.endswith("m"):
                self.is_dim = part == "\x1b[2m"
            elif part.startswith("\x1b[") or ord(part) < 32:
                pass
            else:
                line = self.lines[-1]
                line[self.column : self.column + 1] = [(part, self.is_dim)]
                self.column += 1

    def text(self):
        return ["".join(character for character, _ in line) for line in self.lines]


def until(terminal, descriptor, is_done):
    """Reads what the terminal is sent until a condition holds."""
    end = time.monotonic() + LIMIT
    while not is_done():
        if time.monotonic() > end:
            sys.exit("no end of: " + "\n".join(terminal.text()[-20:]))
        if select.select([descriptor], [], [], 0.2)[0]:
            terminal.feed(os.read(descriptor, 65536).decode("utf-8", "replace"))


def session(playground):
    """The lines of the session, and the directory of the simulated host."""
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        pid, descriptor = pty.fork()
        if pid == 0:
            environment = {
                "PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8", "TMPDIR": directory,
            }
            os.execve("/bin/sh", ["sh", "-c", f'stty rows {ROWS} cols 400; exec "$0"', playground], environment)
        terminal = Terminal()

        def is_ready():
            return terminal.text()[-1] == PROMPT

        until(terminal, descriptor, is_ready)
        for command, questions in BEFORE:
            os.write(descriptor, command.encode() + b"\n")
            for question in questions:
                until(terminal, descriptor, lambda: question in terminal.text()[-1])
                os.write(descriptor, b"\n")
            until(terminal, descriptor, lambda: is_ready() and not terminal.text()[-2].endswith(command))
        start = len(terminal.lines) - 1
        for command in SHOWN:
            count = len(terminal.lines)
            os.write(descriptor, command.encode() + b"\n")
            until(terminal, descriptor, lambda: len(terminal.lines) > count and is_ready())
        lines = terminal.lines[start:-1]
        os.write(descriptor, b"exit\n")
        until(terminal, descriptor, lambda: any("were removed" in line for line in terminal.text()[-3:]))
        os.close(descriptor)
        os.waitpid(pid, 0)
        return lines, directory


def shown(lines, directory):
    """The lines as the picture has them: with `$ ` as the prompt, divided at the width."""
    host = re.compile(re.escape(directory) + r"/eb\.\w+")
    pieces = []
    for line in lines:
        text = "".join(character for character, _ in line)
        is_dim = any(dim for _, dim in line)
        is_typed = text.startswith(PROMPT)
        if is_typed:
            text = "$ " + text[len(PROMPT) :]
            if pieces:
                pieces.append(("", ""))
        text = host.sub("", text)
        style = "typed" if is_typed else "dim" if is_dim else ""
        while True:
            piece, text = divided(text)
            pieces.append((piece, style))
            if not text:
                break
    return pieces


def divided(text):
    """The part of a text that fits a line, and the rest, which is indented; a command goes on behind `\\`."""
    if len(text) <= COLUMNS:
        return text, ""
    is_message = re.match(r"[\w-]+: ", text)
    at = max(text.rfind(" " if is_message else " -", 8, COLUMNS - 2), 0) or COLUMNS - 2
    return text[:at] + ("" if is_message else " \\"), "    " + text[at:].lstrip()


def picture(pieces):
    """The picture as SVG."""
    size, leading, margin = 14, 19, 20
    letter = size * 0.602
    width = round(COLUMNS * letter + 2 * margin)
    height = len(pieces) * leading + 2 * margin + 22
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="A VM is previewed, booted, snapshotted, shut down and rolled back">',
        "<style>",
        ".box{fill:#fbfbfa;stroke:#c9c9c4}text{fill:#24292f}.typed{fill:#0a5fb4;font-weight:bold}.dim{fill:#66707a}",
        "@media(prefers-color-scheme:dark){.box{fill:#15181d;stroke:#3a4048}text{fill:#d8dee4}"
        ".typed{fill:#79b8ff}.dim{fill:#8d97a3}}",
        f"text{{font:{size}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}",
        "</style>",
        f'<rect class="box" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    for at, colour in enumerate(["#e0655c", "#dfac3c", "#58a65c"]):
        out.append(f'<circle cx="{margin + 6 + at * 18}" cy="18" r="5" fill="{colour}"/>')
    for row, (text, style) in enumerate(pieces):
        if not text:
            continue
        y = margin + 22 + row * leading + size
        kind = f' class="{style}"' if style else ""
        # The width keeps columns in step, whatever font the viewer has.
        indent = len(text) - len(text.lstrip())
        x = round(margin + indent * letter, 1)
        text = text.strip()
        length = round(len(text) * letter, 1)
        out.append(
            f'<text x="{x}" y="{y}" textLength="{length}"{kind} xml:space="preserve">{html.escape(text)}</text>'
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lines, directory = session(os.path.abspath(sys.argv[1]))
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    file = sys.argv[2] if len(sys.argv) == 3 else os.path.join(root, "examples/demo.svg")
    with open(file, "w", encoding="utf-8") as out:
        out.write(picture(shown(lines, directory)))


if __name__ == "__main__":
    main()
