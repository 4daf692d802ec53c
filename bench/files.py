"""Imports of files that are not csv: the people of the company as LDIF and as
columns of fixed widths, imported before; beside each parsing alone.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import csv

WIDTH = 40      # of each column of the fixed file
GENERAL = """conjoin: 1
agents: [people]
metaverse:
  person:
    attributes: { uid: string }
    delete: { when: projected }
"""
LDIF = """type: ldif
connect: { path: people.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    attributes: { %s }
    import: { uid: login }
"""
FIXED = """type: fixed
connect:
  path: people.txt
  anchor: id
  columns:
%s
objects:
  person:
    metaverse: person
    project: true
    attributes: { %s }
    import: { uid: login }
"""


def ldif_line(name, text):
    """As ldapsearch and slapcat write it, folded at 76 bytes."""
    line = f"{name}: {text}"
    if not text.isascii():
        line = f"{name}:: {base64.b64encode(text.encode()).decode()}"
    parts = [line[:76]] + [" " + line[i:i + 75]
                           for i in range(76, len(line), 75)]
    return "\n".join(parts) + "\n"


def write_ldif(folder, rows):
    with open(folder / "people.ldif", "w", encoding="utf-8") as out:
        for row in rows:
            out.write(f"dn: uid={row['login']},ou=people,dc=contoso,dc=test\n"
                      "objectClass: inetOrgPerson\n")
            out.writelines(ldif_line(name.replace("_", "-"), text)
                           for name, text in row.items() if text)
            out.write("\n")


def write_fixed(folder, rows):
    with open(folder / "people.txt", "w", encoding="utf-8") as out:
        for row in rows:
            out.write("".join(f"{text:<{WIDTH}}" for text in row.values())
                      + "\n")


def write_company(folder, kind, people):
    """All people with all of their attributes, which somebody asks for."""
    (folder / "agents").mkdir(parents=True)
    (folder / "state").mkdir()
    (folder / "conjoin.yaml").write_text(GENERAL, encoding="utf-8")
    with open(people, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames
        if kind == "ldif":
            write_ldif(folder, rows)
            text = LDIF % ", ".join(f"{name.replace('_', '-')}: string"
                                    for name in names)
        else:
            write_fixed(folder, rows)
            text = FIXED % (
                "\n".join(f"    - {{ name: {name}, width: {WIDTH} }}"
                          for name in names),
                ", ".join(f"{name}: string" for name in names))
    (folder / "agents/people.yaml").write_text(text, encoding="utf-8")
    return len(names)


class FileSteps:
    """Of Bench."""

    def import_file_again(self, kind):
        folder = self.work / kind
        if not folder.exists():
            self.file_columns = write_company(folder, kind,
                                              self.folder / "data/hr.csv")
            self.conjoin("people", "full-import", folder, stage_add=self.size)
        return self.conjoin("people", "full-import", folder,
                            stage_no_change=self.size)

    def ldif_import_unchanged(self):
        return self.import_file_again("ldif")

    def ldif_import_unchanged_limit(self):
        return self.limit("ldif", self.work / "ldif/people.ldif")

    def fixed_import_unchanged(self):
        return self.import_file_again("fixed")

    def fixed_import_unchanged_limit(self):
        return self.limit("fixed", self.work / "fixed/people.txt", WIDTH,
                          self.file_columns)
