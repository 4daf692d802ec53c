"""Files of records as operators handle them, of every format: patterns,
claims, changes, compressed and remote files, files that were cut off.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import gzip
import json
import os
import random
import subprocess
import zipfile

import pytest

from helpers import Folder, counted
from test_files import table
from test_intake import Pages, names, run, sftp, web

CONFIG = """conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr]
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      displayName: string
    delete: { when: [hr] }
"""
AGENT = """type: %s
connect:
  anchor: id
%s
objects:
  person:
    metaverse: person
    project: true
    import: { employeeID: id, displayName: name }
"""
SETTINGS = {
    "json": "", "jsonl": "", "avp": "", "dbf": "", "xlsx": "",
    "xml": "  records: people/person\n",
    "fixed": "  columns: [ { name: id, width: 6 }, { name: name, width: 20 },"
             " { name: change, width: 6 } ]\n  shorter: yes\n",
    "csv": "",
}
KINDS = [kind for kind in SETTINGS if kind != "csv"]
LINES = ["jsonl", "avp", "fixed"]
CLAIM = """  path: inbox/hr-*
  claim: { processing: work, done: done, failed: failed }
"""
DELTA = """  path: hr
  create: yes
  delta: { path: 'inbox/ch-*', change: change, order: name }
"""


def workbook(path, rows):
    """A workbook without anything that need not be there."""
    def cell(text):
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'
    main = "http://schemas.openxmlformats.org/"
    rel = main + "officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{main}package/2006/content-types"/>')
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{main}package/2006/relationships">'
            f'<Relationship Id="a" Type="{rel}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>')
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}spreadsheetml/2006/main" '
            f'xmlns:r="{rel}"><sheets><sheet name="a" sheetId="1" '
            'r:id="b"/></sheets></workbook>')
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{main}package/2006/relationships">'
            f'<Relationship Id="b" Type="{rel}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>')
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}spreadsheetml/2006/main"><sheetData>' +
            "".join("<row>" + "".join(map(cell, row)) + "</row>"
                    for row in rows) + "</sheetData></worksheet>")


def write(kind, path, people, change=False):
    """A file of people: (id, name), or (id, name, what happened)."""
    columns = ["id", "name"] + (["change"] if change else [])
    rows = [dict(zip(columns, map(str, row))) for row in people]
    if kind == "xlsx":
        workbook(path, [columns] + [list(row.values()) for row in rows])
        return
    if kind == "dbf":
        table(path, [(name, "C", 20) for name in columns],
              [b" " + b"".join(value.encode().ljust(20)
                               for value in row.values()) for row in rows])
        return
    if kind == "json":
        text = json.dumps(rows)
    elif kind == "jsonl":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    elif kind == "avp":
        text = "\n".join("".join(f"{key}: {value}\n"
                                 for key, value in row.items())
                         for row in rows)
    elif kind == "xml":
        text = "<people>" + "".join(
            "<person>" + "".join(f"<{key}>{value}</{key}>"
                                 for key, value in row.items()) + "</person>"
            for row in rows) + "</people>\n"
    elif kind == "fixed":
        text = "".join(f"{row['id']:6}{row['name']:20}"
                       f"{row.get('change', ''):6}\n" for row in rows)
    else:
        text = ",".join(columns) + "\n" + "".join(
            ",".join(row.values()) + "\n" for row in rows)
    path.write_text(text)


def many(count, name="Ada"):
    return [(number, f"{name} {number}") for number in range(count)]


def make(path, kind, connect):
    folder = Folder(path)
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", AGENT % (kind, SETTINGS[kind] + connect))
    (path / "inbox").mkdir(exist_ok=True)
    return folder


def pack(path, how):
    data = path.read_bytes()
    if how == "gzip":
        path.write_bytes(gzip.compress(data))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inside", data)


def people_of(folder):
    found = folder.json("search", "cs", "hr")["objects"]
    return {obj["attributes"]["id"][0]: obj["attributes"]["name"][0]
            for obj in found}


@pytest.mark.parametrize("kind", KINDS)
def test_claimed(tmp_path, kind):
    """The newest is read, each is put away, what is no file of people fails,
    and when nothing has come nobody has left."""
    folder = make(tmp_path, kind, CLAIM)
    assert run(folder, status=4)["result"] == "no-start-file-not-found"
    write(kind, tmp_path / "inbox/hr-1", many(5))
    write(kind, tmp_path / "inbox/hr-2", many(3))
    os.utime(tmp_path / "inbox/hr-1", (1, 1))
    assert counted(run(folder))["stage-add"] == 3
    assert names(folder, "inbox") == names(folder, "work") == []
    older, newest = sorted(names(folder, "done"), key=lambda name: name[-1])
    assert older.endswith("-older-hr-1") and newest.endswith("-hr-2")
    assert run(folder)["message"] == "no new file 'inbox/hr-*'"
    if kind in LINES:
        return
    (tmp_path / "inbox/hr-3").write_bytes(b"no people { < \n")
    assert "it was moved to" in run(folder, status=4)["message"]
    assert names(folder, "failed")[1].endswith("-hr-3.txt")
    assert len(people_of(folder)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_changes_come_once(tmp_path, kind):
    """All that have come are one delta; the same one is none, whatever its
    name."""
    folder = make(tmp_path, kind, DELTA)
    run(folder)
    write(kind, tmp_path / "inbox/ch-1",
          [(1, "Ada", "Add"), (2, "Ben", "Add")], change=True)
    write(kind, tmp_path / "inbox/ch-2",
          [(1, "Zoe", "modify"), (2, "Ben", "DELETE"), (3, "Eve", "add")],
          change=True)
    run(folder, profile="delta-import")
    assert people_of(folder) == {"1": "Zoe", "3": "Eve"}
    write(kind, tmp_path / "inbox/ch-3",
          [(1, "Ada", "Add"), (2, "Ben", "Add")], change=True)
    assert not counted(run(folder, profile="delta-import"))
    assert people_of(folder) == {"1": "Zoe", "3": "Eve"}


@pytest.mark.parametrize("how", ["gzip", "zip"])
@pytest.mark.parametrize("kind", KINDS)
def test_compressed(tmp_path, kind, how):
    folder = make(tmp_path, kind, "  path: inbox/hr\n")
    write(kind, tmp_path / "inbox/hr", many(4))
    if (kind, how) != ("xlsx", "zip"):  # it is one already
        pack(tmp_path / "inbox/hr", how)
    assert counted(run(folder))["stage-add"] == 4
    assert "by the first objects" in folder.ok("agent", "schema", "hr").out


@pytest.mark.parametrize("kind", KINDS)
def test_too_few(tmp_path, kind):
    """Half of the people is no file of all people."""
    folder = make(tmp_path, kind,
                  "  path: inbox/hr\n  expect: { rows: 2, percent: 80 }\n")
    write(kind, tmp_path / "inbox/hr", many(20))
    run(folder)
    write(kind, tmp_path / "inbox/hr", many(10))
    assert "wants 80 percent of that" in run(folder, status=4)["message"]
    write(kind, tmp_path / "inbox/hr", many(1))
    assert "`expect: rows` wants 2" in run(folder, status=4)["message"]
    assert len(people_of(folder)) == 20
    write(kind, tmp_path / "inbox/hr", many(18))
    assert counted(run(folder))["stage-delete"] == 2


@pytest.mark.parametrize("kind", LINES)
def test_trailer(tmp_path, kind):
    folder = make(tmp_path, kind,
                  "  path: inbox/hr\n  expect: { trailer: 'end (\\d+)' }\n")
    file = tmp_path / "inbox/hr"

    def wrote(people, count):
        write(kind, file, people)
        file.write_text(file.read_text() + f"end {count}\n")
    wrote(many(3), 3)
    assert counted(run(folder))["stage-add"] == 3
    wrote(many(2), 3)
    step = run(folder, status=4)
    assert "its trailer says 3 rows, it has 2" in step["message"]
    write(kind, file, many(2))
    assert "should be as the trailer" in run(folder, status=4)["message"]
    assert len(people_of(folder)) == 3


@pytest.mark.parametrize("kind", LINES)
def test_trailer_is_written(tmp_path, kind):
    folder = make(tmp_path, kind,
                  "  path: out\n  expect: { trailer: 'end (\\d+)' }\n")
    folder.replace("conjoin.yaml", "agents: [hr]", "agents: [src, hr]")
    folder.replace("conjoin.yaml", "when: [hr]", "when: [src]")
    folder.write("agents/src.yaml", AGENT % ("jsonl", "  path: src\n"))
    folder.write("agents/hr.yaml", folder.read("agents/hr.yaml").split(
        "    project")[0] + """    join: [ { employeeID: id } ]
    provision: { initial: { id: employeeID } }
    export: { name: displayName }
    deprovision: delete
""")
    write("jsonl", tmp_path / "src", many(12))
    write(kind, tmp_path / "out", many(1))
    (tmp_path / "out").write_text(folder.read("out") + "\nend 1\n")
    folder.ok("cycle")
    assert folder.read("out").endswith("end 12\n")
    folder.ok("run", "hr", "full-import")
    assert people_of(folder) == dict((str(key), name)
                                     for key, name in many(12))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(LINES)))
def test_no_trailer(tmp_path, kind):
    """A document tells by itself that it is whole."""
    folder = make(tmp_path, kind,
                  "  path: hr\n  expect: { trailer: 'end (\\d+)' }\n")
    assert "an end of its own" in folder.conjoin("check").out


@pytest.mark.parametrize("kind", ["json", "avp", "dbf"])
def test_fetched(tmp_path, kind, web):
    folder = make(tmp_path, kind,
                  f"  path: {web}/hr.csv\n  remote: {{ ca_file: ca.pem }}\n")
    write(kind, tmp_path / "hr", many(3))
    Pages.text = (tmp_path / "hr").read_bytes()
    assert counted(run(folder))["stage-add"] == 3
    assert "is the one of the import before" in run(folder)["message"]
    # read in another way it is another file
    folder.replace("agents/hr.yaml", "  path:", "  null: Ada 1\n  path:")
    assert counted(run(folder))["stage-update"] == 1
    Pages.cut, Pages.tag = True, '"2"'
    assert "cannot fetch" in run(folder, status=4)["message"]


@pytest.mark.parametrize("kind", ["jsonl", "xlsx"])
def test_sftp(tmp_path, kind, sftp):
    address, home = sftp
    folder = make(tmp_path, kind, f"""  path: {address}/{kind}-*
  remote: {{ key: file:{home}/user, known_hosts: {home}/known_hosts }}
""")
    write(kind, home / f"data/{kind}-1", many(2))
    write(kind, home / f"data/{kind}-2", many(3))
    os.utime(home / f"data/{kind}-1", (1, 1))
    assert counted(run(folder))["stage-add"] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_old_versions(tmp_path, kind):
    """What an export replaces stays beside it, so many times."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml",
                 CONFIG.replace("agents: [hr]", "agents: [hr, out]"))
    folder.write("agents/hr.yaml",
                 AGENT % ("csv", "  path: hr.csv\n"))
    columns = "\n  columns: [ { name: id, width: 9 }, { name: name, width: 9 } ]"
    settings = {"fixed": columns, "dbf": columns,
                "xml": "\n  records: a/b"}.get(kind, "")
    folder.write("agents/out.yaml", f"""type: {kind}
connect:
  path: out/people
  create: yes
  anchor: id
  keep: 1{settings}
objects:
  person:
    metaverse: person
    provision: {{ initial: {{ id: employeeID }} }}
    export: {{ name: displayName }}
    deprovision: delete
""")
    (tmp_path / "out").mkdir()
    versions = []
    for name in ("Ada", "Ben", "Eve"):
        write("csv", tmp_path / "hr.csv", [(1, name)])
        folder.ok("cycle")
        versions.append((tmp_path / "out/people").read_bytes())
    assert len(set(versions)) == 3
    assert len(names(folder, "out")) == 2
    old = (tmp_path / "out" / names(folder, "out")[1]).read_bytes()
    assert old == versions[1]


# ---- csv: what separates, marks and surrounds ----

TRICKY = ["Ada", "a,b;c|d||e", 'say "x"', "o'neill", "two\nlines", "tab\there",
          "back\\slash\\", "=SUM(A1)", "'=1", "+49 30", "-5", "'", "|", "#n",
          "a||", "\\", '"', "'@x"]
DIALECTS = {
    "several": ("delimiter: '||'", None),
    "word": ("delimiter: ' :: '\n  quote: \"'\"", None),
    "control": ("delimiter: '\\x1f'", {"delimiter": "\x1f"}),
    "tab": ("delimiter: tab\n  quote: none\n  escape: '\\'",
            {"delimiter": "\t", "quoting": 3, "escapechar": "\\"}),
    "escape": ("escape: '\\'", {"escapechar": "\\", "doublequote": False}),
    "skip": ("skip: 2\n  comment: '#'", None),
    "formulas": ("formulas: quote", {}),
    "letters": ("delimiter: §", None),
}
OUT = """type: delimited
connect:
  path: out.csv
  create: yes
  anchor: id
  %s
objects:
  person:
    metaverse: person
    provision: { initial: { id: employeeID } }
    export: { name: displayName }
    deprovision: delete
"""


def target(path, connect, people):
    """An agent that writes what another has."""
    folder = Folder(path)
    folder.write("conjoin.yaml",
                 CONFIG.replace("agents: [hr]", "agents: [hr, out]"))
    folder.write("agents/hr.yaml", AGENT % ("jsonl", "  path: hr\n"))
    folder.write("agents/out.yaml", OUT % connect)
    write("jsonl", path / "hr", people)
    return folder


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialect(tmp_path, dialect):
    """What is written is read back as it was, by others too."""
    connect, others = DIALECTS[dialect]
    kept = [name for name in TRICKY
            if dialect != "tab" or "\n" not in name]
    people = {str(number): name for number, name in enumerate(kept)}
    folder = target(tmp_path, connect, people.items())
    folder.ok("cycle")
    folder.ok("run", "out", "full-import")
    found = folder.json("search", "cs", "out")["objects"]
    assert {obj["attributes"]["id"][0]: obj["attributes"]["name"][0]
            for obj in found} == people
    assert not folder.json("pending", "out").get("exports")
    if others is not None:
        with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, **others))
        strange = {key: "'" + name if dialect == "formulas" and
                   name.lstrip("'")[:1] in tuple("=+-@\t") else name
                   for key, name in people.items()}
        assert {row["id"]: row["name"] for row in rows} == strange
    # one row changes, the others stay byte for byte
    before = (tmp_path / "out.csv").read_bytes().splitlines()
    people["0"] = "Eve"
    write("jsonl", tmp_path / "hr", people.items())
    folder.ok("cycle")
    after = (tmp_path / "out.csv").read_bytes().splitlines()
    assert sum(a != b for a, b in zip(before, after)) == 1
    assert len(before) == len(after)


def test_what_stands_around_rows(tmp_path):
    """Lines before the header stay, and the trailer tells the new number."""
    folder = target(tmp_path, "skip: 2\n  trailer_is: here", [(1, "Ada")])
    folder.replace("agents/out.yaml", "trailer_is: here",
                   "expect: { trailer: 'END (\\d+)' }")
    done = folder.conjoin("cycle")
    assert "whose trailer says how one looks" in done.out + done.err
    folder.replace("agents/out.yaml", "skip: 2", "export: { trailer: "
                   "'END {rows}' }\n  skip: 2")
    folder.ok("cycle")
    assert folder.read("out.csv") == "\n\nid,name\n1,Ada\nEND 1\n"
    folder.write("out.csv", "made by hand\r\n\"\r\nid,name\r\n7,Old\r\n"
                 "END 0001\r\n")
    folder.ok("cycle")
    assert (tmp_path / "out.csv").read_bytes() == (
        b"made by hand\r\n\"\r\nid,name\r\n7,Old\r\n1,Ada\r\nEND 0002\r\n")
    assert counted(folder.json("run", "out", "full-import")["steps"][0])


def test_columns_without_names(tmp_path):
    """Several columns of a name, a type in a column, a code page."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", """type: delimited
connect:
  path: hr
  anchor: id
  header: no
  columns: [ kind, id, phone, phone, name ]
  type: kind
  encoding: cp437
  delimiter: '|'
  null: '-'
objects:
  person:
    attributes: { phone: { multi: true, separator: ';' } }
    metaverse: person
    project: true
    import: { employeeID: id, displayName: name }
""")
    folder.write("hr", "person|1|11;12|13|Zo\x89\ngroup|2|||x\nperson|3|-||-\n",
                 encoding="latin1")
    assert counted(run(folder))["filtered-objects"] == 1
    found = {obj["attributes"]["id"][0]: obj["attributes"]
             for obj in folder.json("search", "cs", "hr")["objects"]}
    assert found["1"]["name"] == ["Zoë"]
    assert sorted(found["1"]["phone"]) == ["11", "12", "13"]
    assert set(found["3"]) == {"id"}


# ---- exports of changes ----

CHANGES = """
  export: { content: changes, path: 'out/%s{date}-{time}.x' }
  delta: { path: 'out/*.x', change: change, order: name }"""


def told(kind, folder, path):
    """What a file of changes says, read by an agent of its own."""
    folder.write("told/conjoin.yaml", CONFIG)
    folder.write("told/agents/hr.yaml", AGENT % (
        kind, SETTINGS[kind] + "  path: none\n  create: yes\n"
        "  delta: { path: change, change: change }\n"))
    other = Folder(folder.path / "told")
    other.write("change", path.read_bytes())
    run(other)
    return counted(run(other, profile="delta-import")), people_of(other)


@pytest.mark.parametrize("kind", SETTINGS)
def test_changes_are_exported(tmp_path, kind):
    """Each export makes a file, which others read as a delta and the agent
    itself as the proof that it was written."""
    columns = "\n  columns: [ { name: change, width: 9 }, " \
        "{ name: id, width: 9 }, { name: name, width: 9 } ]"
    settings = {"dbf": columns, "fixed": columns,
                "xml": "\n  records: people/person"}.get(kind, "")
    folder = target(tmp_path, "", [(1, "Ada"), (2, "Ben")])
    folder.write("agents/out.yaml",
                 OUT.replace("delimited", kind).replace("out.csv", "full") %
                 (settings + CHANGES % "ch-"))
    out = tmp_path / "out"
    folder.ok("cycle")
    assert not (tmp_path / "full").exists()
    assert not folder.json("pending", "out").get("exports")
    (first,) = out.iterdir()
    if kind != "fixed":
        assert told(kind, folder, first)[1] == {"1": "Ada", "2": "Ben"}
    write("jsonl", tmp_path / "hr", [(1, "Eve"), (3, "Kim")])
    folder.ok("cycle")
    assert len(list(out.iterdir())) == 2
    assert not folder.json("pending", "out").get("exports")
    found = folder.json("search", "cs", "out")["objects"]
    assert {obj["attributes"]["id"][0]: obj["attributes"]["name"][0]
            for obj in found} == {"1": "Eve", "3": "Kim"}
    folder.ok("cycle")
    assert len(list(out.iterdir())) == 2


def test_whole_objects_are_told(tmp_path):
    """A change has all values, those too that did not change, of sets too;
    two exports of a second have two names."""
    folder = target(tmp_path, CHANGES % "", [(1, "Ada")])
    folder.replace("agents/out.yaml", "    metaverse: person",
                   "    attributes: { all: { multi: true, separator: ';' } }"
                   "\n    metaverse: person")
    folder.replace("agents/out.yaml", "export: { name: displayName }",
                   "export: { name: displayName, all: { value: [a, b] } }")
    folder.ok("cycle")
    write("jsonl", tmp_path / "hr", [(1, "Eve")])
    folder.ok("cycle")
    texts = [path.read_text() for path in sorted((tmp_path / "out").iterdir())]
    assert texts == ["change,id,all,name\nAdd,1,a;b,Ada\n",
                     "change,id,all,name\nModify,1,a;b,Eve\n"]


def test_changes_of_files_that_others_write(tmp_path):
    """What is in the system comes by files that are claimed; what is to change
    there goes out in others, with a trailer."""
    folder = target(tmp_path, "", [(1, "Ada"), (2, "Ben")])
    folder.write("agents/out.yaml", OUT.replace("path: out.csv\n  create: yes",
                                                "path: in/*.csv") % (
        "claim: { processing: w, done: d, failed: f }\n"
        "  export: { content: changes, path: 'out/{date}{time}', "
        "change: what, add: N, modify: U, delete: D, trailer: 'T {rows}' }"))
    folder.replace("conjoin.yaml", "employeeID: { type: string, index: true }",
                   "employeeID: { type: string, index: true }")
    folder.replace("agents/out.yaml", "    provision:",
                   "    join: [ { employeeID: id } ]\n    provision:")
    (tmp_path / "in").mkdir()
    folder.write("in/1.csv", "id,name\n1,Old\n")
    folder.ok("cycle")
    (out,) = (tmp_path / "out").iterdir()
    assert sorted(out.read_text().splitlines()) == [
        "N,2,Ben", "T 2", "U,1,Ada", "what,id,name"]
    # nothing came back yet: nothing is told again
    folder.ok("cycle")
    assert len(list((tmp_path / "out").iterdir())) == 1
    # it came back without what was to be written: that is told again
    folder.write("in/2.csv", "id,name\n1,Ada\n")
    folder.ok("cycle")
    last = max((tmp_path / "out").iterdir())
    assert last.read_text() == "what,id,name\nN,2,Ben\nT 1\n"


def test_copies_are_handed_on(tmp_path):
    folder = target(tmp_path, "export: { path: 'for/{date}/people.csv' }",
                    [(1, "Ada")])
    folder.ok("cycle")
    (copy,) = (tmp_path / "for").glob("*/people.csv")
    assert copy.read_text() == folder.read("out.csv")
    copy.unlink()
    folder.ok("cycle")
    assert not copy.exists()


def test_changes_that_cannot_be_written(tmp_path):
    """What is not there has not been exported."""
    folder = target(tmp_path, CHANGES % "", [(1, "Ada")])
    folder.write("out", "a file where the folder should be")
    assert folder.conjoin("cycle").status == 4
    assert folder.json("pending", "out")["exports"]
    (tmp_path / "out").unlink()
    folder.ok("cycle")
    (out,) = (tmp_path / "out").iterdir()
    assert out.read_text() == "change,id,name\nAdd,1,Ada\n"


def test_killed_while_changes_are_told(tmp_path):
    """Wherever it is killed, each file is whole, and all together say what
    was to be told; the rest is told by the next export."""
    people = dict((str(key), name) for key, name in many(3000))
    folder = target(tmp_path, CHANGES % "", people.items())
    for step in (("hr", "full-import"), ("out", "full-import"),
                 ("hr", "full-sync")):
        folder.ok("run", *step)
    chance = random.Random(11)
    for _ in range(6):
        process = folder.start("run", "out", "export")
        try:
            process.wait(chance.uniform(0.01, 0.2))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    folder.ok("run", "out", "export")
    said = {}
    for path in sorted((tmp_path / "out").glob("*.x")):
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert len(rows) == 3000
        said.update((row["id"], row["name"]) for row in rows)
    assert said == people
    folder.ok("run", "out", "delta-import")
    assert not folder.json("pending", "out").get("exports")


def test_what_check_says_of_exports(tmp_path):
    folder = target(tmp_path, "export: { content: changes, path: x }", [])
    said = folder.conjoin("check").out
    assert "write {date} and {time} into its name" in said
    assert "'change' is missing" in said
    folder.replace("agents/out.yaml", "content: changes, path: x",
                   "path: 'sftp://a:b@host/x', trailer: x")
    said = folder.conjoin("check").out
    for word in ("known_hosts", "a password never stands", "{rows}"):
        assert word in said


# ---- to servers ----

def test_sent_by_sftp(tmp_path, sftp):
    """A file is on the server whole, under its name; else it was not
    exported."""
    address, home = sftp
    folder = target(tmp_path, f"""
  export:
    path: {address}/people%20%C3%A9.csv
    remote: {{ key: file:{home}/host, known_hosts: {home}/known_hosts }}
""", [(1, "Ada")])
    done = folder.conjoin("cycle")
    assert done.status == 4 and "cannot send 'sftp://" in done.out
    assert folder.json("pending", "out")["exports"]
    folder.replace("agents/out.yaml", f"{home}/host", f"{home}/user")
    for name in ("Ada", "Eve"):
        write("jsonl", tmp_path / "hr", [(1, name)])
        folder.ok("cycle")
        copy = home / "data/people é.csv"
        assert copy.read_text() == folder.read("out.csv") == \
            f"id,name\n1,{name}\n"
        assert not list((home / "data").glob(".*"))


def test_changes_by_sftp(tmp_path, sftp):
    """What was sent is fetched as the proof of it; with a password."""
    address, home = sftp
    address = "sftp://feeds@" + address.split("@")[1]
    folder = target(tmp_path, f"""
  remote: {{ password: file:{home}/word, known_hosts: {home}/known_hosts }}
  export: {{ content: changes, path: '{address}/ch-{{date}}{{time}}' }}
  delta: {{ path: '{address}/ch-*', change: change }}
""", [(1, "Ada"), (2, "Ben")])
    (home / "word").write_text("feeds")
    done = folder.conjoin("cycle")
    assert done.status == 4 and "look at `user`, `password`" in done.out
    (home / "word").write_text("feeds feeds")
    folder.ok("cycle")
    assert not folder.json("pending", "out").get("exports")
    (file,) = (home / "data").glob("ch-*")
    assert file.read_text() == "change,id,name\nAdd,1,Ada\nAdd,2,Ben\n"
    assert len(folder.json("search", "cs", "out")["objects"]) == 2


def test_sent_by_https(tmp_path, web):
    folder = target(tmp_path, f"""
  export: {{ path: '{web}/in/{{date}}.csv', remote: {{ ca_file: ca.pem }} }}
""", [(1, "Ada")])
    Pages.taken, Pages.status = {}, 507
    done = folder.conjoin("cycle")
    assert done.status == 4 and "answers with status 507" in done.out
    assert folder.json("pending", "out")["exports"]
    Pages.taken, Pages.status = {}, 201
    folder.ok("cycle")
    ((name, body),) = Pages.taken.items()
    assert name.startswith("/in/2") and body == b"id,name\n1,Ada\n"


@pytest.mark.parametrize("kind", ["ldif", "dsml"])
@pytest.mark.parametrize("log", [True, False])
def test_directories_are_handed_on(tmp_path, kind, log):
    """Each export's change records in a file of their own, and the whole."""
    folder = target(tmp_path, "", [(1, "Ada"), (2, "Ben")])
    more = "  changes: log\n" if log else ""
    folder.write("agents/out.yaml", f"""type: {kind}
connect:
  path: full
{more}  export: {{ content: changes, path: 'out/{{date}}{{time}}.{kind}' }}
objects:
  inetOrgPerson:
    metaverse: person
    provision: {{ dn: '"cn=" & [employeeID] & ",dc=corp,dc=test"' }}
    export: {{ sn: displayName }}
    deprovision: delete
""")
    folder.ok("cycle")
    write("jsonl", tmp_path / "hr", [(1, "Eve")])
    folder.ok("cycle")
    first, second = [path.read_text()
                     for path in sorted((tmp_path / "out").iterdir())]
    assert "cn=1,dc=corp,dc=test" in first and "cn=2,dc" in first
    assert "Eve" in second and "cn=2,dc=corp,dc=test" in second
    assert "Ada" not in second
    if kind == "ldif":
        assert first.startswith("version: 1\n\n") and "conjoin:" not in first
    assert not folder.json("pending", "out").get("exports")
    if log:
        folder.replace("agents/out.yaml", "content: changes", "content: full")
        assert "hand on content: changes" in folder.conjoin("check").out
        return
    folder.replace("agents/out.yaml", f"content: changes, path: 'out/{{date}}"
                   f"{{time}}.{kind}'", "path: copy")
    write("jsonl", tmp_path / "hr", [(1, "Kim")])
    folder.ok("cycle")
    assert folder.read("copy") == folder.read("full")
    assert "Kim" in folder.read("copy")
