"""Access files, as Jackcess writes them over empty ones of Access itself.

tests/system/access/MakeAccess.java tells what is in them.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import gzip
import random
import re

import pytest

from helpers import ROOT, Folder

FILES = ROOT / "tests/system/access"
SAMPLE = re.compile(r"^`agents/hr.yaml`:\n\n```yaml\n(.*?)^```$", re.M | re.S)

MAIN = """conjoin: 1
agents: [hr]
metaverse:
  person:
    attributes: { id: string, name: string, mail: string, notes: string,
      active: boolean, level: integer, floor: integer, boss: reference,
      salary: string, share: string, weight: string, height: string,
      hired: datetime, token: string, badge: binary, photo: binary,
      big: integer, since: datetime, later: string }
  team:
    attributes: { name: string, lead: reference }
"""

ACCESS = """type: access
connect:
  path: people.mdb
  time_zone: Europe/Rome
  types:
    person: { table: people, anchor: ID }
    team: { table: Teams, anchor: Name }
"""

RULES = """objects:
  person:
    attributes:
      Active: boolean
      Badge: binary
      Boss: { type: reference, to: person }
      Hired: datetime
      Photo: binary
    metaverse: person
    project: true
    import: { id: ID, name: '[Full Name]', mail: Mail, notes: Notes,
      active: Active, level: Level, floor: Floor, boss: Boss, salary: Salary,
      share: Share, weight: Weight, height: Height, hired: Hired,
      token: Token, badge: Badge, photo: Photo }
  team:
    attributes: { Lead: { type: reference, to: person } }
    metaverse: team
    project: true
    import: { name: Name, lead: Lead }
"""

MOVED = """type: access
connect: { path: moved.accdb, table: moved, anchor: id }
objects:
  person:
    attributes: { since: datetime }
    metaverse: person
    project: true
    import: { id: ID, name: Name, big: Big, since: Since, later: Later }
"""


def unpack(tmp_path, name):
    data = gzip.decompress((FILES / (name + ".gz")).read_bytes())
    (tmp_path / name).write_bytes(data)
    return data


def folder_of(tmp_path, name="people.mdb", agent=ACCESS + RULES):
    unpack(tmp_path, name)
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", agent)
    return folder


def people(folder):
    found = folder.json("search", "mv", "person", "--limit", "1000")
    return {obj["attributes"]["id"][0]: {
        name: values[0] for name, values in obj["attributes"].items()}
        for obj in found["objects"]}


def test_each_type_of_column(tmp_path):
    folder = folder_of(tmp_path)
    folder.ok("check")
    folder.ok("run", "hr", "full-import-full-sync")
    found = people(folder)
    assert len(found) == 60
    notes = "".join(f"line {i}{' €' if i % 7 == 0 else ''}\n"
                    for i in range(900))
    photo = bytes(i * 7 % 256 for i in range(5000))
    ada = found["1"]
    assert ada.pop("notes") == notes
    assert base64.b64decode(ada.pop("photo")) == photo
    assert ada == {
        "id": "1", "name": "Ada Lovelace", "mail": "ada@corp.test",
        "active": "true", "level": "200", "floor": "-12",
        "salary": "922337203685477.5807", "share": "123456789012.345678",
        "weight": "1.5", "height": "0.1", "hired": "1999-12-31T22:59:59Z",
        "token": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "badge": "AAEC/w=="}
    second = found["2"]
    assert second.pop("boss").startswith("mv ")
    assert second == {
        "id": "2", "name": "Łukasz Ø 日本 😀", "mail": "lukasz@corp.test",
        "notes": "short", "active": "false", "level": "0", "floor": "32767",
        "salary": "-0.5", "share": "-1", "weight": "-2.25",
        "height": "-1e+300", "hired": "1899-12-30T05:00:00Z"}
    # all NULL but what has no NULL; a day before 1900 is one
    third = found["3"]
    assert third.pop("hired").startswith("1850-03-04T11:")
    assert third == {"id": "3", "active": "false"}
    # empty texts and bytes are no value
    assert set(found["4"]) == {"id", "name", "active", "level", "floor",
                               "boss", "salary", "share", "weight", "height",
                               "hired", "photo"}
    assert found["4"]["name"] == 'quoted "a", b\nc\\d'
    assert len(folder.json("search", "mv", "team")["objects"]) == 2


def test_the_same_in_either_format(tmp_path):
    folder = folder_of(tmp_path)
    folder.ok("run", "hr", "full-import-full-sync")
    unpack(tmp_path, "people.accdb")
    folder.replace("agents/hr.yaml", "people.mdb", "people.accdb")
    folder.ok("run", "hr", "full-import-full-sync")
    assert folder.step("hr", "full-import")["counters"] == {
        "stage-no-change": 62}


def test_rows_that_moved_and_went(tmp_path):
    folder = folder_of(tmp_path, "moved.accdb", MOVED)
    folder.ok("run", "hr", "full-import-full-sync")
    found = people(folder)
    assert sorted(map(int, found)) == [
        i for i in range(1, 201) if i % 10] + [201]
    assert found["3"]["name"] == "long 3 " + 200 * "x"
    assert found["198"]["big"] == "9000000198"
    assert found["1"] == {"id": "1", "name": "n1", "big": "9000000001",
                          "since": "0009-03-20T00:00:01Z"}
    assert found["201"] == {"id": "201", "name": "new", "big": "1",
                            "later": "late"}


def test_a_damaged_file_is_never_fewer_people(tmp_path):
    """Cut off anywhere, or with bytes changed: an error, or all of it."""
    folder = folder_of(tmp_path)
    whole = (tmp_path / "people.mdb").read_bytes()
    folder.ok("run", "hr", "full-import")
    chance = random.Random(7)
    for turn in range(24):
        data = bytearray(whole)
        if turn % 2:
            del data[chance.randrange(4096, len(data)):]
        else:
            for _ in range(20):
                page = chance.randrange(len(data) // 4096)
                data[page * 4096 + chance.randrange(200)] = \
                    chance.randrange(256)
        (tmp_path / "people.mdb").write_bytes(data)
        done = folder.conjoin("run", "hr", "full-import")
        assert done.status in (0, 1, 3, 4), done.err
        if done.status == 0:
            counters = folder.step("hr", "full-import")["counters"]
            assert not counters.get("stage-delete"), (turn, counters)
    # one row that its page lost
    data = bytearray(whole)
    at = data.index("Person 59".encode()) // 4096 * 4096
    data[at + 12] -= 1
    (tmp_path / "people.mdb").write_bytes(data)
    done = folder.conjoin("run", "hr", "full-import")
    assert done.status == 4
    assert "has 59 rows and says 60" in done.out + done.err


@pytest.mark.parametrize("old, new, text", [
    ("table: people", "table: persons", "it has: People, Teams, Phones"),
    ("anchor: Name", "anchor: Nom", "did you mean 'Name'?"),
    ("Europe/Rome", "Europe/Atlantis", "Europe/Atlantis"),
    ("table: people, ", "", "'table' is missing"),
    ("path: people.mdb", "path: conjoin.yaml", "it is no Access file"),
])
def test_what_is_wrong_is_said(tmp_path, old, new, text):
    folder = folder_of(tmp_path)
    folder.replace("agents/hr.yaml", old, new)
    done = folder.conjoin("run", "hr", "full-import")
    assert done.status in (2, 4)
    assert text in done.out + done.err


def test_sample_of_the_how_to(tmp_path):
    text = (ROOT / "docs/how-to/access.md").read_text()
    ours, theirs = SAMPLE.findall(text)
    for agent in (ours, theirs):
        folder = folder_of(tmp_path, agent=agent)
        folder.ok("check")
        folder.ok("run", "hr", "full-import-full-sync")
        found = people(folder)
        assert len(found) == 60
        assert found["1"]["name"] == "Ada Lovelace"
        for state in (tmp_path / "state").iterdir():
            state.unlink()


def test_a_proposal(tmp_path):
    folder = folder_of(tmp_path)
    words = ("agent", "new", "access", "staff", "--yes", "--set",
             "path=people.mdb")
    done = folder.ok(*words, status=2)
    assert "it has People, Teams, Phones, Empty, Deleted" in done.err
    made = folder.json(*words, "--set", "table=People")
    assert made["anchor"] == "ID"
    assert "'[Full Name]'" in folder.read("agents/staff.yaml")
