#!/usr/bin/env python3
"""Make one C file of the folder of templates: embed_templates.py FOLDER FILE

The program carries them (src/cli/templates.h). `fields.yaml` and
`settings.yaml` of a template are its settings, everything else is a file of the
folder that it makes.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import sys

HEAD = """\
/* Made by tools/embed_templates.py from templates/: change those. */
#include "cli/templates.h"

"""
FIRST = ["conjoin.yaml", "agents", "data", "rules"]


def quoted(text):
    """As C strings, a line each."""
    lines = []
    for line in text.splitlines(keepends=True):
        out = "".join(
            "\\" + c if c in '"\\?' else
            "\\n" if c == "\n" else
            c if " " <= c <= "~" else
            "".join(f"\\{byte:03o}" for byte in c.encode())
            for c in line)
        lines.append(f'\t"{out}"')
    return "\n".join(lines) or '\t""'


def read(path):
    return quoted(path.read_text(encoding="utf-8"))


def rank(name):
    """What is read first stands first."""
    top = name.split("/", 1)[0]
    return FIRST.index(top) if top in FIRST else len(FIRST), name


def files_of(folder):
    """Its files by name, without the two that describe its settings."""
    names = [path.relative_to(folder).as_posix()
             for path in folder.rglob("*") if path.is_file()]
    return sorted((name for name in names
                   if name not in ("fields.yaml", "settings.yaml")), key=rank)


def listed(folder):
    """Name and help of each template."""
    for line in (folder / "index.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split(None, 1)


def settings_of(folder, number):
    """C for both texts of the settings, and the names they have."""
    out, names = [], []
    for name in ("fields", "settings"):
        path = folder / f"{name}.yaml"
        names.append(f"{name}_{number}" if path.exists() else "NULL")
        if path.exists():
            out.append(f"static const char {names[-1]}[] =\n{read(path)};\n")
    return out, names


def main(source, target):
    source = pathlib.Path(source)
    out, table = [HEAD], []
    for number, (name, text) in enumerate(listed(source)):
        folder = source / name
        rows = []
        for i, file in enumerate(files_of(folder)):
            out.append(f"static const char file_{number}_{i}[] =\n"
                       f"{read(folder / file)};\n")
            rows.append(f'\t{{ "{file}", file_{number}_{i} }},\n')
        texts, names = settings_of(folder, number)
        out += texts
        out.append(f"static const struct template_file files_{number}[] = {{\n"
                   + "".join(rows) + "\t{ NULL, NULL },\n};\n")
        table.append(f'\t{{ "{name}",\n{quoted(text)},\n\t  files_{number}, '
                     f'{names[0]}, {names[1]} }},\n')
    out.append("const struct template templates[] = {\n" + "".join(table)
               + "\t{ NULL, NULL, NULL, NULL, NULL },\n};\n")
    pathlib.Path(target).write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
