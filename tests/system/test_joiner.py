"""Whom disconnectors may be, and a reviewed list that is joined.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io
import re

import pytest

from helpers import ROOT, Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, phone]
guards: { import: { empty: allow } }
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      displayName: string
      mail: { type: string, index: true }
      telephoneNumber: string
      line: string
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { employeeID: id } ]
    project: true
    import:
      employeeID: id
      displayName: '[first] & " " & [last]'
      mail: mail
      telephoneNumber: phone
""",
    "agents/phone.yaml": """type: csv
connect: { path: phone.csv, anchor: line }
objects:
  line:
    attributes: { fullName: string, mobile: string }
    metaverse: person
    join:
      - { employeeID: owner }
      - { mail: mail }
    import: { line: line }
""",
    "hr.csv": """id,first,last,mail,phone
1,Ann,Müller,ann.mueller@corp.test,+49 30 5550 1101
2,Bob,Stone,bob@corp.test,+49 30 5550 1102
3,Cléo,Lee,cleo@corp.test,
4,Dan,Lee,dan@corp.test,+49 30 5550 1104
5,Daniel,Lee,daniel@corp.test,
6,Eve,Ostrowski,eve@corp.test,
""",
    "phone.csv": """line,owner,fullName,mail,mobile
101,,"Muller, Ann",ann.mueller@other.test,
102,,B. Stone,,(030) 5550-1102
103,3,Cleo Lee,,
104,,Lee Dan,,
105,,Eva Ostrovski,,
106,,Conference Room,,
107,9,Eve Ostrowski,,
""",
}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    for name, text in FILES.items():
        made.write(name, text)
    made.ok("cycle")
    return made


def find(folder, line, *words):
    found = folder.json("candidates", "phone", line, *words)
    return [(one["title"], one["score"], one["reasons"])
            for one in found["candidates"]]


def test_looks_alike(folder):
    """Accents, the order of names, initials, spellings, local parts, numbers
    however they are written."""
    (title, score, why), = find(folder, "101")
    assert title == "Ann Müller" and score >= 85
    assert why == "same name; same mail before the @"
    (title, score, why), = find(folder, "102")
    assert title == "Bob Stone" and score >= 80
    assert why == "name 92%; same telephone"
    first, second = find(folder, "104")
    assert first[0] == "Dan Lee" and second[0] == "Daniel Lee"
    assert first[1] > second[1] and first[2] == "same name"
    (title, score, why), = find(folder, "105")
    assert title == "Eve Ostrowski" and 30 < score < 75
    assert find(folder, "106") == []


def test_what_contradicts(folder):
    """Another employee number counts against the same name."""
    (title, score, why), = find(folder, "107")
    assert (title, why) == ("Eve Ostrowski",
                            "same name; another employeeID")
    assert score < 60


def test_who_is_linked(folder):
    done = folder.conjoin("candidates", "phone", "103")
    assert done.status == 2
    assert "it is linked" in done.err


def test_who_has_one_already(folder):
    folder.ok("set-explicit", "phone", "103")
    folder.write("phone.csv", FILES["phone.csv"] + "108,3,Cleo Lee,,\n")
    folder.ok("run", "phone", "full-import-delta-sync", status=1)
    found = folder.json("candidates", "phone", "108")["candidates"]
    assert [(one["title"], one["reasons"]) for one in found] == [
        ("Cléo Lee", "join rule 1: employeeID; same name")]
    assert found[0]["score"] >= 97
    assert found[0]["taken_by"] is not None
    text = folder.ok("candidates", "phone", "108").out
    assert "has phone 103" in text


def test_text_tells_how_to_join(folder):
    done = folder.ok("candidates", "phone", "101")
    assert "Ann Müller" in done.out
    hint = done.out.splitlines()[-1]
    assert hint.startswith("to join it with the first: conjoin --folder")
    assert " join phone 101 mv " in hint


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_list_is_reviewed_and_joined(folder):
    out = folder.ok("candidates", "--bulk", "phone", "--accept", "85").out
    rows = {row["object"]: row for row in read(out)}
    assert set(rows) == {"101", "102", "104", "105"} or \
        set(rows) == {"101", "102", "104"}
    assert rows["101"]["join"] == "yes" and rows["104"]["join"] == ""
    assert "Daniel Lee" in rows["104"]["others"]
    again = folder.ok("candidates", "--bulk", "phone", "--min-score", "80").out
    assert {row["object"] for row in read(again)} == {"101", "102"}
    folder.write("list.csv", out.replace("\n,", "\nno,", 1))
    joined = folder.json("join", "--from", str(folder.path / "list.csv"))
    run, = joined["runs"]
    assert run["profile"] == "join"
    assert [one["done"] for one in run["objects"]].count(True) == \
        run["steps"][0]["counters"]["disconnector-joined-flow"]
    person, = folder.json("search", "mv", "employeeID=1")["objects"]
    assert person["attributes"]["line"] == ["101"]
    # the same list again: what is joined is told, line by line
    done = folder.conjoin("join", "--from", str(folder.path / "list.csv"))
    assert done.status == 1
    assert "list.csv:2: it is linked with mv" in done.err


def test_bad_lists(folder):
    for text, says in [
            ("", "the list is empty"),
            ("join,mv\nyes,1\n", "needs the columns join, id and mv"),
            ("join,id,mv\nyes,nine,1\n", "list.csv:2: no id of an object"),
            ("join,id,mv\nyes,2:1,x\n", "list.csv:2: no number"),
            ("join,agent,object,mv\nyes,phone,999,1\n",
             "list.csv:2: there is no object '999'"),
            ("join,id,mv\nyes,99:1,1\n", "list.csv:2: no agent")]:
        folder.write("list.csv", text)
        done = folder.conjoin("join", "--from", str(folder.path / "list.csv"))
        assert done.status == 2 and says in done.err, (text, done)
    before = folder.json("runs")["runs"]
    folder.write("list.csv", "join,id,mv\nno,2:1,1\n,2:2,1\n")
    done = folder.ok("join", "--from", str(folder.path / "list.csv"))
    assert done.out.startswith("no line is marked")
    assert folder.json("runs")["runs"] == before


def test_runs_show_who_ordered_what(folder):
    folder.ok("join", "phone", "101", "employeeID=1")
    run = folder.json("runs")["runs"][0]
    assert (run["agent"], run["profile"], run["result"]) == \
        ("phone", "join", "success")
    assert run["user"]
    text = folder.ok("explain", "phone", "101").out
    assert "linked by hand to" in text
    done = folder.ok("disconnect", "phone", "101", "--preview")
    assert "by hand" in done.out
    assert folder.json("runs")["runs"][0] == run
    done = folder.ok("disconnect", "phone", "101")
    assert "phone 101 is disconnected" in done.out
    assert "disconnected by hand on" in folder.ok("explain", "phone",
                                                  "101").out


def test_howto(folder):
    """Its commands in order; the shell's > is done here."""
    text = (ROOT / "docs/how-to/joiner.md").read_text(encoding="utf-8")
    for line in re.findall(r"^    conjoin (.+)$", text, re.M):
        words, _, file = line.partition(" > ")
        done = folder.ok(*[str(folder.path / word) if word == "review.csv"
                           else word for word in words.split()])
        if file:
            folder.write(file, done.out)
    states = {one["anchor"]: one["state"]
              for one in folder.json("search", "cs", "phone")["objects"]}
    assert states == {"101": "explicit-connector",
                      "102": "disconnector", "103": "connector",
                      "104": "explicit-disconnector", "105": "disconnector",
                      "106": "explicit-disconnector", "107": "disconnector"}


def test_why_nobody_joined(folder):
    """A metaverse object tells what an object would be joined by; an object in
    error what to do."""
    absent, = folder.json("explain", "employeeID=1")["absent"]
    assert (absent["agent"], absent["rule_set"]) == ("phone", "line")
    assert absent["text"] == (
        "no connector; would be joined by owner = '1', or by mail = "
        "'ann.mueller@corp.test'")
    assert "agents/phone.yaml:" in absent["rule"]
    out = folder.ok("explain", "employeeID=1").out
    assert "not joined\n    phone.line  no connector" in out
    assert folder.json("explain", "employeeID=3")["absent"] == []
    folder.replace("agents/phone.yaml", "line: line",
                   "line: 'Error(\"no\")'")
    folder.ok("run", "phone", "full-sync", status=1)
    folder.ok("run", "phone", "full-sync", status=1)
    why = folder.json("explain", "phone", "103")["why"]
    assert any(text.startswith("2 times, last ") for text in why)
    assert any(text.startswith("to do: correct the rule") for text in why)


def test_who_did_it_is_kept(folder):
    folder.ok("join", "phone", "101", "employeeID=1", "--preview")
    folder.ok("join", "phone", "101", "employeeID=1")
    folder.ok("set-explicit", "phone", "106")
    entries = folder.json("audit", "show")["entries"]
    assert [entry["command"] for entry in entries] == [
        "join phone 101 employeeID=1", "set-explicit phone 106"]
