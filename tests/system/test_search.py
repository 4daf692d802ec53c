"""search: conditions, columns, order, CSV.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io
import json
import sqlite3

import pytest

from helpers import Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, dir]
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: string
      age: integer
      active: boolean
      mails: [string]
      manager: reference
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    attributes:
      mails: { type: string, multi: true, separator: ';' }
      boss: { type: reference, to: person }
    metaverse: person
    join: [ { id: id } ]
    project: '[name] <> "Ghost"'
    import:
      id: id
      name: 'IIF([name] = "Bad", Error("bad name"), [name])'
      age: 'CNum([age])'
      active: '[on] = "1"'
      mails: mails
      manager: boss
""",
    "agents/dir.yaml": """type: ldif
connect: { path: dir.ldif, anchor: dn }
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { id: employeeNumber } ]
    provision: { when: '[active]', dn: '"cn=" & [id] & ",dc=x"' }
    export: { sn: name, employeeNumber: id, userPassword: id }
""",
    "hr.csv": "id,name,age,on,mails,boss\n"
              "1,Ann,30,1,a@x.test;ann@x.test,\n"
              "2,\"Bob, Jr\",9,1,,1\n3,Cleo,101,0,c@x.test,1\n"
              "4,Ghost,1,1,,\n5,Bad,1,1,,\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("search"))
    for name, text in FILES.items():
        made.write(name, text)
    made.ok("cycle", status=1)
    return made


def people(folder, condition, *words):
    return [one["attributes"]["id"][0] for one in
            folder.json("search", "mv", "person", "--where", condition,
                        *words)["objects"]]


def entries(folder, agent, condition):
    return [one["anchor"] for one in
            folder.json("search", "cs", agent, "--where",
                        condition)["objects"]]


def test_conditions(folder):
    assert people(folder, "[age] > 9") == ["1", "3"]
    assert people(folder, '[name] = "ANN"') == ["1"]
    assert people(folder, "Not([active])") == ["3"]
    assert people(folder, "IsNullOrEmpty([mails])") == ["2"]
    assert people(folder, 'ValueCount("mails") = 2') == ["1"]
    assert people(folder, "IsPresent([manager])") == ["2", "3"]
    assert people(folder, "[age] < 50", "active=true") == ["1", "2"]
    assert people(folder, '[@type] = "group"') == []


def test_what_is_known_of_connector_space_objects(folder):
    assert entries(folder, "hr", '[@state] = "connector"') == ["1", "2", "3"]
    assert entries(folder, "hr", '[@error] = "rule-error"') == ["5"]
    assert entries(folder, "hr", '[@pending] = "import"') == ["5"]
    assert entries(folder, "hr", 'IsNullOrEmpty([@mv]) && [age] = "1"') == \
        ["4", "5"]
    assert entries(folder, "hr", '[@rule_set] = "person" && '
                                 '[@anchor] = "3"') == ["3"]
    assert len(entries(folder, "dir", 'InStr([@dn], "cn=2") > 0')) == 1
    assert len(entries(folder, "dir", '[@agent] = "dir"')) == 2


@pytest.mark.parametrize("words, says", [
    (["mv", "--where", "[nam] = 1"], "name"),
    (["mv", "--where", "[@stat] = 1"], "@state"),
    (["mv", "--where", "Len("], "--where, at character"),
    (["cs", "dir", "--where", "[userPassword] = 1"], "--where"),
    (["mv", "--csv", "--json"], "exclude each other"),
    (["mv", "--columns", ","], "names none")])
def test_misuse(folder, words, says):
    done = folder.ok("search", *words, status=2)
    assert says in done.err + done.out


def test_what_cannot_be_judged_is_told(folder):
    done = folder.ok("search", "mv", "--where", '[mails] = "a@x.test"')
    assert "cannot be judged of 1 object" in done.err


def test_columns_and_order(folder):
    out = folder.ok("search", "mv", "person", "--columns", "id,age",
                    "--sort", "age").out
    assert [line.split() for line in out.splitlines()] == [
        ["ID", "AGE"], ["2", "9"], ["1", "30"], ["3", "101"],
        ["3", "objects"]]
    out = folder.ok("search", "mv", "person", "--columns", "id",
                    "--sort", "-name", "--limit", "2").out
    assert out.split()[1:3] == ["3", "2"]
    found = folder.json("search", "mv", "person", "--sort", "-age")
    assert [one["attributes"]["age"] for one in found["objects"]] == [
        ["101"], ["30"], ["9"]]
    assert found["count"] == 3


def rows(folder, *words):
    return list(csv.DictReader(io.StringIO(
        folder.ok("search", *words, "--csv").out)))


def test_csv(folder):
    found = rows(folder, "mv", "person", "--columns",
                 "name,mails,connectors,@id")
    assert found[0] == {"name": "Ann", "mails": "a@x.test; ann@x.test",
                        "connectors": "hr, dir", "id": "1"}
    assert found[1]["name"] == "Bob, Jr"
    found = rows(folder, "cs", "hr", "--sort", "-anchor")
    assert [one["name"] for one in found] == ["5", "4", "3", "2", "1"]
    assert found[0]["error"] == "rule-error"
    assert found[0]["pending"] == "import add"
    assert rows(folder, "mv", "--where", "False") == []
    secret = rows(folder, "cs", "dir", "--columns", "userPassword")
    assert {one["userPassword"] for one in secret} == {"(secret)"}


def test_an_index_is_used(tmp_path):
    """Of all other objects nothing can be read, so who reads on fails."""
    folder = Folder(tmp_path / "indexed")
    for name, text in FILES.items():
        folder.write(name, text)
    folder.replace("conjoin.yaml", "age: integer",
                   "age: { type: integer, index: true }")
    folder.ok("cycle", status=1)
    with sqlite3.connect(folder.path / "state/conjoin.db") as store:
        store.execute("UPDATE mv SET image = x'ff' WHERE id <> 2")

    def found(*words, status=0):
        done = folder.conjoin("search", "mv", *words, "--json")
        assert done.status == status, done
        return [] if status else \
            [one["id"] for one in json.loads(done.out)["objects"]]

    assert found("person", "id=2") == [2]
    assert found("person", "id=none") == []
    assert found("person", "age=9", "name~=bob") == [2]
    assert found("person", "--where", '[id] = "2"') == [2]
    assert found("person", "--where", '"none" = [id]') == []
    assert found("person", "--where",
                 '[active] && ([age] = 9 && [name] <> "x")') == [2]
    assert found("person", "--where", '[age] = 9 && [name] = "x"') == []
    for words in (["name=none"], ["id^=none"], ["--where", '[name] = "x"'],
                  ["--where", '[id] = "2" || [age] = 1'],
                  ["--where", 'Not([id] = "2")'],
                  ["--where", '[mails] = "c@x.test"']):
        found("person", *words, status=4)


def test_an_index_that_is_not_made_yet(tmp_path):
    folder = Folder(tmp_path / "younger")
    for name, text in FILES.items():
        folder.write(name, text)
    folder.ok("cycle", status=1)
    folder.replace("conjoin.yaml", "name: string",
                   "name: { type: string, index: true }")
    assert people(folder, '[name] = "Cleo"') == ["3"]
    folder.ok("run", "hr", "delta-sync", status=1)
    assert people(folder, '[name] = "Cleo"') == ["3"]
    assert people(folder, '[name] = "cLEO" && [id] <> "3"') == []
