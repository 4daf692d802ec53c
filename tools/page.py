#!/usr/bin/env python3
"""Turn a page of docs/ into a manual page: page.py NAME SECTION HELP FILE

Knows what our pages use: headings, paragraphs, lists, tables, code; links
become their text.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
CODE = re.compile(r"(`[^`]+`)")
BOLD = re.compile(r"\*\*(.+?)\*\*")


def mask(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def inline(text):
    """A line of running text."""
    out = []
    for part in CODE.split(text):
        if part.startswith("`") and part.endswith("`") and len(part) > 1:
            out.append("\\fB" + mask(part[1:-1]).removeprefix("\\&") + "\\fR")
        else:
            part = mask(LINK.sub(r"\1", part))
            out.append(BOLD.sub(r"\\fB\1\\fR", part))
    line = "".join(out)
    return "\\&" + line if line[:1] in (".", "'") else line


def cells(line):
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [part.strip().replace("\\|", "|") for part in parts]


def table(lines):
    """Each row becomes an item: first cell, then the others with their
    headings."""
    head = cells(lines[0])
    for line in lines[2:]:
        row = cells(line)
        yield ".TP"
        yield inline(row[0]) or "\\&"
        rest = [f"{name}: {inline(cell)}" if name and i > 1 else inline(cell)
                for i, (name, cell) in enumerate(zip(head, row))
                if i and cell]
        yield ". ".join(rest) or "\\&"


def convert(text):
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("# "):
            continue
        if line.startswith("## "):
            yield ".SH " + mask(line[3:])
        elif line.startswith("### "):
            yield ".SS " + mask(line[4:])
        elif line.startswith("```") or line.startswith("    "):
            block = []
            if line.startswith("```"):
                while not lines[at].startswith("```"):
                    block.append(lines[at])
                    at += 1
                at += 1
            else:
                block.append(line[4:])
                while at < len(lines) and lines[at].startswith("    "):
                    block.append(lines[at][4:])
                    at += 1
            yield from (".PP", ".RS 4", ".nf", *map(mask, block), ".fi", ".RE")
        elif line.startswith("|"):
            block = [line]
            while at < len(lines) and lines[at].startswith("|"):
                block.append(lines[at])
                at += 1
            yield from table(block)
            yield ".PP"
        elif re.match(r"[-*] ", line):
            yield ".IP \\(bu 2"
            yield inline(line[2:])
        elif line.strip():
            yield inline(line.strip())
        else:
            yield ".PP"


def tidy(lines):
    """Paragraphs where they mean something."""
    last = ""
    for line in lines:
        if line == ".PP" and (last in (".PP", "") or last[:3] in
                              (".SH", ".SS")):
            continue
        if line[:3] in (".SH", ".SS", ".IP", ".TP") and last == ".PP":
            last = line
            yield line
            continue
        if last == ".PP":
            yield last
        if line != ".PP":
            yield line
        last = line


def main(name, section, help_text, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    print(f'.TH "{name}" {section} "" "" "conjoin"')
    print(f".ad l\n.SH NAME\n{mask(name)} \\- {mask(help_text)}\n.SH DESCRIPTION")
    print("\n".join(tidy(convert(text))))


main(*sys.argv[1:])
