"""Files of records: the samples of their documents, files that others made,
and files that others read.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import struct
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from helpers import ROOT, Folder

PAGES = ["json", "fixed", "avp", "xml", "xlsx", "dbf", "xls"]
SAMPLE = re.compile(r"^`([\w./-]+)`:\n\n```\w*\n(.*?)^```$", re.M | re.S)

MAIN = """conjoin: 1
agents: [hr]
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      givenName: string
      sn: string
      phone: { type: string, multi: true }
      number: integer
      flag: boolean
      since: datetime
    delete: { when: [hr] }
"""

RULES = """
objects:
  person:
    attributes:
      phones: { multi: true }
    metaverse: person
    project: true
    import:
      employeeID: '{anchor}'
      givenName: name.first
      sn: name.last
      phone: phones
"""

WORKBOOK = """
import datetime, sys, openpyxl
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "Other"
sheet["A1"] = "keep me"
sheet = book.create_sheet("People")
sheet.append(["id", "name.first", "name.last", "phones", "phones"])
sheet.append([1, "Ada", "Larkin", 11, "12"])
sheet.append(["2", "Zo\\u00eb", "O'Neill \\"Z\\""])
sheet.append([])
sheet.append(["3", "Ben", "Osei", None, 31])
book.save(sys.argv[1])
"""


OLD_WORKBOOK = """
import datetime, sys, xlwt
book = xlwt.Workbook()
book.add_sheet("Other").write(0, 0, "keep me")
sheet = book.add_sheet("People")
rows = [["id", "name.first", "name.last", "phones", "phones", "since"],
        [1, "Ada", "Larkin", 11, "12"],
        ["2", "Zo\\u00eb", "O'Neill \\"Z\\""], [],
        ["3", "Ben", "Osei", None, 31]]
for number, row in enumerate(rows):
    for column, value in enumerate(row):
        sheet.write(number, column, value)
sheet.write(1, 5, datetime.datetime(2026, 11, 21, 9, 30),
            xlwt.easyxf(num_format_str="DD.MM.YYYY HH:MM"))
book.save(sys.argv[1])
"""


def table(path, columns, rows, page=0x03):
    """A dBase III table of texts and numbers."""
    width = 1 + sum(size for _, _, size in columns)
    head = struct.pack("<BBBBIHH17xB2x", 3, 126, 11, 22, len(rows),
                       33 + 32 * len(columns), width, page)
    for name, kind, size in columns:
        head += struct.pack("<11sc4xB15x", name.encode(), kind.encode(), size)
    data = b"".join(row for row in rows)
    assert len(data) == width * len(rows)
    path.write_bytes(head + b"\r" + data + b"\x1a")


def openpyxl(program, *words):
    """The system's python has the library, another one may not."""
    done = subprocess.run(["/usr/bin/python3", "-c", program, *map(str, words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(folder):
    people = {}
    for obj in folder.json("search", "mv", "person")["objects"]:
        values = obj["attributes"]
        people[values["employeeID"][0]] = (
            values.get("givenName"), values.get("sn"),
            sorted(values.get("phone", [])))
    return people


EXPECTED = {"1": (["Ada"], ["Larkin"], ["11", "12"]),
            "2": (["Zoë"], ["O'Neill \"Z\""], []),
            "3": (["Ben"], ["Osei"], ["31"])}


@pytest.mark.parametrize("page", PAGES)
def test_samples_of_documents(page, tmp_path):
    folder = Folder(tmp_path)
    text = (ROOT / f"docs/reference/connectors/{page}.md").read_text()
    files = dict(SAMPLE.findall(text))
    agent = files.pop("agents/hr.yaml")
    anchor = re.search(r"anchor: '?([\w@]+)", agent).group(1)
    rules = RULES.replace("{anchor}", f"[{anchor}]" if anchor[0] == "@"
                          else anchor)
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", agent + rules)
    for name, content in files.items():
        folder.write(name, content)
    if page == "xlsx":
        (tmp_path / "data").mkdir()
        openpyxl(WORKBOOK, tmp_path / "data/people.xlsx")
    if page == "xls":
        (tmp_path / "data").mkdir()
        openpyxl(OLD_WORKBOOK, tmp_path / "data/people.xls")
        folder.replace("agents/hr.yaml", "      phone: phones",
                       "      phone: phones\n      since: since")
        folder.replace("agents/hr.yaml", "phones: { multi: true }",
                       "phones: { multi: true }\n      since: datetime")
    if page == "dbf":
        (tmp_path / "data").mkdir()
        table(tmp_path / "data/people.dbf",
              [("ID", "N", 4), ("FIRST", "C", 10), ("LAST", "C", 12),
               ("PHONES", "C", 3), ("PHONES", "C", 3)],
              [b"    1Ada       Larkin      11 12 ",
               b"*   9Dirk      Old               ",
               b"    2Zo\xeb       O'Neill \"Z\"       ",
               b"    3Ben       Osei        31    "])
        folder.replace("agents/hr.yaml", "name.", "")
    folder.ok("check")
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "full-sync")
    assert found(folder) == EXPECTED
    if page == "xls":
        assert [obj["attributes"]["since"] for obj in folder.json(
            "search", "mv", "person")["objects"]
            if "since" in obj["attributes"]] == [["2026-11-21T09:30:00Z"]]
    step = folder.step("hr", "full-import")
    assert not step["counters"].get("stage-update"), step
    schema = folder.ok("agent", "schema", "hr", "--type", "person").out
    assert "last" in schema.lower()


# What tries a format's escapes: separators, quotes, ends of line, characters
# beyond the basic plane, what looks like a formula or a number.
TRICKY = {
    "1": ("Ada", "Larkin", ["11", "12"]),
    "2": ("a,b;\"c\" 'd'", "</x>&amp;]]>", ["+x0041", "=1+1"]),
    "3": ("\N{GRINNING FACE}\N{COMBINING ACUTE ACCENT}", "\\u0041\\n{[", []),
    "4": ("two\nlines", "tab\there", ["007", "1E5"]),
    "5": ("# no comment", ": colon", ["true", "null"]),
}

CONNECT = {
    "jsonl": "{ path: out/people, create: yes, anchor: id }",
    "json": "{ path: out/people, create: yes, anchor: id, records: a.b }",
    "avp": "{ path: out/people, create: yes, anchor: id }",
    "xml": "{ path: out/people, create: yes, anchor: id, records: a/b/c }",
    "xlsx": "{ path: out/people.xlsx, create: yes, anchor: id }",
}


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def read_by_others(kind, path):
    """The people of a file, by a program that is not ours."""
    people = {}
    if kind in ("json", "jsonl"):
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text)["a"]["b"] if kind == "json" else \
            [json.loads(line) for line in text.splitlines() if line]
        for row in rows:
            assert row["number"] == int(row["id"]) and row["flag"] is True
            people[row["id"]] = (row["name"]["first"], row["name"]["last"],
                                 sorted(row.get("phones", [])))
    elif kind == "xml":
        for row in ElementTree.parse(path).getroot().findall("./b/c"):
            people[row.find("id").text] = (
                row.find("name.first").text, row.find("name.last").text,
                sorted(item.text for item in row.findall("phones")))
    elif kind == "xlsx":
        rows = json.loads(openpyxl(
            "import json, openpyxl, sys\n"
            "sheet = openpyxl.load_workbook(sys.argv[1]).active\n"
            "print(json.dumps([[cell.value for cell in row]"
            " for row in sheet.iter_rows()]))", path))
        for row in rows[1:]:
            values = dict(zip(rows[0], row))
            assert values["number"] == int(values["id"])
            assert values["flag"] is True
            people[values["id"]] = (
                values["name.first"], values["name.last"],
                sorted((values["phones"] or "").split("|"))
                if values["phones"] else [])
    return people


@pytest.mark.parametrize("kind", CONNECT)
def test_round_trip(kind, tmp_path):
    """What was exported is what others read, and what is imported again."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN.replace("agents: [hr]",
                                              "agents: [hr, out]"))
    folder.write("agents/hr.yaml", "type: csv\nconnect: { path: data/hr.csv, "
                 "anchor: id }\n" + RULES.replace("{anchor}", "id").replace(
                     "{ multi: true }", "{ multi: true, separator: '|' }") +
                 "      number: 'CNum([id])'\n      flag: 'CBool(\"yes\")'\n"
                 "      since: 'CDate(\"2026-11-21T09:30:00Z\")'\n")
    rows = [f"{key},{quoted(first)},{quoted(last)},{quoted('|'.join(phones))}"
            for key, (first, last, phones) in TRICKY.items()]
    folder.write("data/hr.csv", "id,name.first,name.last,phones\n" +
                 "\n".join(rows) + "\n")
    separator = ", separator: '|'" if kind == "xlsx" else ""
    folder.write("agents/out.yaml", f"""type: {kind}
connect: {CONNECT[kind]}
objects:
  person:
    attributes:
      phones: {{ multi: true{separator} }}
      number: integer
      flag: boolean
      since: datetime
    metaverse: person
    join: [ {{ employeeID: id }} ]
    provision: {{ initial: {{ id: employeeID }} }}
    export: {{ name.first: givenName, name.last: sn, phones: phone,
              number: number, flag: flag, since: since }}
    deprovision: delete
""")
    folder.ok("cycle")
    path = tmp_path / ("out/people.xlsx" if kind == "xlsx" else
                       "out/people")
    expected = {key: (first, last, sorted(phones))
                for key, (first, last, phones) in TRICKY.items()}
    if kind != "avp":
        assert read_by_others(kind, path) == expected
    before = path.read_bytes()
    folder.ok("cycle")
    assert path.read_bytes() == before
    folder.replace("data/hr.csv", "Larkin", "Byron")
    folder.write("data/hr.csv", "\n".join(
        line for line in folder.read("data/hr.csv").split("\n")
        if not line.startswith("5,")))
    folder.ok("cycle")
    del expected["5"]
    expected["1"] = ("Ada", "Byron", ["11", "12"])
    if kind != "avp":
        assert read_by_others(kind, path) == expected
    assert not folder.json("pending", "out").get("exports")


WRONG = {
    "csv": ("id,n\n1,5\n2,six\n", "", "data/people:3:3"),
    "jsonl": ('{"id":1,"n":5}\n{"id":2,"n":"six"}\n', "",
              "data/people:2:13"),
    "ldif": ("dn: id=1\nobjectClass: person\nid: 1\nn: 5\n\n"
             "dn: id=2\nobjectClass: person\nid: 2\nn: six\n", "",
             "data/people:6"),
    "ldif-change": ("dn: id=2\nobjectClass: person\nid: 2\n",
                    "dn: id=2\nchangetype: modify\nreplace: n\nn: six\n-\n",
                    "data/changes:1"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_place_of_a_wrong_value(kind, tmp_path):
    """A value that its type cannot hold is told with file and line."""
    text, changes, place = WRONG[kind]
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN)
    more = ", changes: data/changes" if changes else ""
    folder.write("agents/hr.yaml", f"""type: {kind.partition("-")[0]}
connect: {{ path: data/people, anchor: id{more} }}
objects:
  person:
    attributes: {{ n: integer }}
    metaverse: person
    project: true
    import: {{ number: n }}
""")
    folder.write("data/people", text)
    status = 1
    if changes:
        folder.write("data/changes", "")
        folder.ok("run", "hr", "full-import")
        folder.write("data/changes", changes)
    step = folder.json("run", "hr",
                       "delta-import" if changes else "full-import",
                       status=status)["steps"][0]
    failure, = step["errors"]
    assert failure["where"] == place, failure
    assert "'six' in 'n'" in failure["message"]


TABLES = """
import sys, openpyxl
from openpyxl.worksheet.table import Table
book = openpyxl.Workbook()
sheet = book.active
for row in (["id", "sn", "note"], ["1", "Larkin", "a"], ["2", "Osei", "b"]):
    sheet.append(row)
sheet.append([])
sheet["F1"] = "other"
sheet.auto_filter.ref = "A1:C3"
sheet.add_table(Table(displayName="People", ref="A1:C3"))
sheet.add_table(Table(displayName="Others", ref="F1:G2"))
book.save(sys.argv[1])
"""


def test_ranges_of_a_sheet_grow(tmp_path):
    """Filters and tables have the rows that an export adds."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN.replace("agents: [hr]",
                                              "agents: [hr, out]"))
    folder.write("agents/hr.yaml", "type: csv\nconnect: { path: hr.csv, "
                 "anchor: id }\n" + RULES.replace("{anchor}", "id"))
    folder.write("hr.csv", "id,name.first,name.last,phones\n" + "".join(
        f"{key},x,{last},\n" for key, last in
        [("1", "Larkin"), ("2", "Osei"), ("3", "Marsh"), ("4", "Old")]))
    folder.write("agents/out.yaml", """type: xlsx
connect: { path: people.xlsx, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { employeeID: id } ]
    provision: { initial: { id: employeeID } }
    export: { sn: sn }
""")
    openpyxl(TABLES, tmp_path / "people.xlsx")
    folder.ok("cycle")
    found = json.loads(openpyxl(
        "import json, openpyxl, sys\n"
        "sheet = openpyxl.load_workbook(sys.argv[1]).active\n"
        "print(json.dumps([sheet.auto_filter.ref, sheet.max_row] + "
        "[(t.ref, t.autoFilter and t.autoFilter.ref)"
        " for t in sheet.tables.values()]))", tmp_path / "people.xlsx"))
    assert found == ["A1:C5", 5, ["A1:C5", "A1:C5"], ["F1:G2", "F1:G2"]]
