"""Files that other programs wrote (tests/system/others): what an import reads
of them, value by value.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib

import pytest

from helpers import Folder

OTHERS = pathlib.Path(__file__).resolve().parent / "others"

MAIN = """conjoin: 1
agents: [hr]
metaverse:
  person:
    attributes: { uid: string }
    delete: { when: projected }
"""
AGENT = """type: %s
connect: { path: %s, %s }
objects:
  person:
%s    metaverse: person
    project: true
    attributes: { %s }
    import: { uid: %s }
"""
COLUMNS = ("id: string, first: string, last: string, mail: string, "
           "born: datetime, hours: string, active: boolean, note: string")

# Values that are not there have no value.
PEOPLE = {
    "1": {"id": "1", "first": "Ada", "last": "Larkin",
          "mail": "ada@example.test", "born": "1989-02-28T00:00:00Z",
          "hours": "3.25", "active": "true",
          "note": "first line\nsecond line"},
    "2": {"id": "2", "first": "Zoë", "last": "O'Neill, \"Z\"",
          "born": "2004-02-29T00:00:00Z", "hours": "-17", "active": "false",
          "note": "a;b|c\td"},
    "3": {"id": "3", "first": "山田", "last": "太郎 😀",
          "mail": "yamada@example.test", "hours": "1234567890123",
          "note": " blanks at both ends "},
    "4": {"id": "4", "first": "Ben", "last": "=1+1", "mail": "#N/A",
          "born": "1900-03-01T00:00:00Z", "hours": "0.1", "active": "true",
          "note": "007"},
}


def people(**changed):
    """Everybody, but for attributes that a file has otherwise: a function of
    what they should be, or None where they are missing."""
    result = {}
    for number, person in PEOPLE.items():
        result[number] = dict(person)
        for name, how in changed.items():
            if how is None:
                result[number].pop(name, None)
            elif name in person:
                result[number][name] = how(person[name])
    return result


def otherwise(number, **values):
    """One person has other values."""
    def change(everybody):
        everybody[number].update(values)
        return everybody
    return change


def one_line(text):
    return text.replace("\n", " ")


def letter(text):
    return text[0]


def shown(text):
    """As a sheet shows a number with eleven digits and more."""
    return "1.23457E+12" if text == "1234567890123" else text


def read(tmp_path, kind, name, settings, columns, *, kind_of="", source="id"):
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", AGENT % (
        kind, OTHERS / name, settings, kind_of, columns, source))
    folder.ok("check")
    step = folder.step("hr", "full-import")
    assert not step.get("errors"), step
    return {obj["anchor"]: {
                key: value[0] if len(value) == 1 else sorted(value)
                for key, value in obj["attributes"].items()}
            for obj in folder.json("search", "cs", "hr")["objects"]}


CSV = "anchor: id"
MARIADB = otherwise("3", active="false")
FILES = [
    ("csv", "libreoffice.csv", CSV, COLUMNS, people()),
    ("csv", "python-excel.csv", CSV, COLUMNS, people()),
    ("csv", "python-excel-tab.csv", CSV + ", delimiter: tab", COLUMNS,
     people()),
    ("csv", "python-unix.csv", CSV, COLUMNS, people()),
    ("csv", "python-apostrophes.csv", CSV + ", quote: \"'\"", COLUMNS,
     people()),
    ("csv", "python-semicolon-utf16.csv",
     CSV + ", delimiter: ';', encoding: utf-16", COLUMNS, people()),
    ("csv", "postgresql.csv", CSV,
     COLUMNS.replace("boolean", "string"), people(active=letter)),
    ("csv", "postgresql-quoted.csv",
     CSV + ", delimiter: ';', quote: \"'\", null: '<null>'",
     COLUMNS.replace("boolean", "string"), people(active=letter)),
    ("csv", "mariadb.csv", CSV, COLUMNS, MARIADB(people(note=one_line))),
    ("csv", "sheetjs.csv", CSV, COLUMNS, people(hours=shown)),
    ("csv", "sheetjs.txt", CSV + ", delimiter: tab, encoding: utf-16",
     COLUMNS, people(hours=shown)),
    ("xlsx", "openpyxl.xlsx", CSV, COLUMNS, people()),
    ("xlsx", "libreoffice.xlsx", CSV, COLUMNS, people()),
    ("xlsx", "sheetjs.xlsx", CSV, COLUMNS, people()),
    ("xlsx", "sheetjs-inline.xlsx", CSV, COLUMNS, people()),
]


@pytest.mark.parametrize("kind, name, settings, columns, expected", FILES,
                         ids=[each[1] for each in FILES])
def test_tables(kind, name, settings, columns, expected, tmp_path):
    assert read(tmp_path, kind, name, settings, columns) == expected


DBF = {
    "1": {"ID": "1", "FIRST": "Ada", "LAST": "Larkin",
          "BORN": "1989-02-28T00:00:00Z", "HOURS": "3.25", "ACTIVE": "true",
          "NOTE": "first line second line"},
    "2": {"ID": "2", "FIRST": "Zoë", "LAST": "O'Neill, \"Z\"",
          "BORN": "2004-02-29T00:00:00Z", "HOURS": "-17", "ACTIVE": "false",
          "NOTE": "a;b|c\td"},
    "3": {"ID": "3", "FIRST": "Søren", "LAST": "Čapek",
          "HOURS": "1234567890123", "ACTIVE": "false",
          "NOTE": " blanks at both ends"},
    "4": {"ID": "4", "FIRST": "Ben", "LAST": "=1+1",
          "BORN": "1900-03-01T00:00:00Z", "HOURS": "0.1", "ACTIVE": "true",
          "NOTE": "007"},
}
DBF_COLUMNS = ("ID: string, FIRST: string, LAST: string, BORN: datetime, "
               "HOURS: string, ACTIVE: boolean, NOTE: string")


def test_dbase_of_libreoffice(tmp_path):
    assert read(tmp_path, "dbf", "libreoffice.dbf",
                "anchor: ID, code_page: utf-8", DBF_COLUMNS,
                source="ID") == DBF


def test_dbase_of_sheetjs(tmp_path):
    """The library writes dates as numbers, and of texts their ASCII."""
    def ascii(text):
        return "".join(c if c.isascii() else
                       "_" * (len(c.encode("utf-16-le")) // 2) for c in text)
    expected = people(born=None, first=ascii, last=ascii, note=str.rstrip)
    assert read(tmp_path, "dbf", "sheetjs.dbf", "anchor: id, code_page: utf-8",
                COLUMNS.replace("born: datetime, ", "")) == expected


ENTRIES = {
    "1": {"givenName": "Ada", "sn": "Larkin", "mail": "ada@example.test",
          "description": "first line\nsecond line"},
    "2": {"givenName": "Zoë", "sn": "O'Neill, \"Z\"",
          "description": "a;b|c and a text that is so long that slapcat has "
          "to fold it because it has more than seventy-six bytes in it"},
    "3": {"givenName": "山田", "sn": "太郎 😀",
          "description": " blanks at both ends "},
    "4": {"givenName": "Ben", "sn": "=1+1",
          "description": ["007", "< not a url"]},
}


@pytest.mark.parametrize("name", ["slapcat.ldif", "slapcat-nowrap.ldif"])
def test_ldif_of_slapcat(name, tmp_path):
    found = read(tmp_path, "ldif", name, "anchor: employeeNumber",
                 "givenName: string, sn: string, mail: string, "
                 "description: { type: string, multi: true }, "
                 "manager: reference, employeeNumber: string, "
                 "jpegPhoto: binary", kind_of="    type: inetOrgPerson\n",
                 source="employeeNumber")
    assert len(found["1"].pop("jpegPhoto")) > 100
    managers = {key: entry.pop("manager", None)
                for key, entry in found.items()}
    for key, entry in found.items():
        assert entry.pop("employeeNumber") == key
    assert found == ENTRIES
    assert managers["1"] is None and managers["4"] is None
    assert "Ada Larkin" in str(managers["2"])
    assert "Neill" in str(managers["3"])
