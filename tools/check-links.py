#!/usr/bin/env python3
"""Fail when a document points to a file or heading that is not there, or when
a page of docs/ cannot be reached from README.md.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```|    .*?$)", re.M | re.S)


def anchors(path):
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            text = line.lstrip("#").strip().lower()
            text = re.sub(r"[^\w\- ]", "", text)
            found.add(text.replace(" ", "-"))
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    bad = 0
    reached = set()
    waiting = [root / "README.md"]
    pages = set((root / "docs").rglob("*.md"))
    others = {root / "CONTRIBUTING.md", root / "examples/README.md"}
    for start in sorted(others):
        waiting.append(start)
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for link in LINK.findall(text):
            if "://" in link or link.startswith("mailto:"):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or \
                    (anchor and anchor not in anchors(target)):
                print(f"{page.relative_to(root)}: no '{link}'")
                bad += 1
            elif target.suffix == ".md":
                waiting.append(target)
    for page in sorted(pages - reached):
        print(f"{page.relative_to(root)}: no page leads here")
        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
