"""A plan: what the next cycle would write; and exactly that, or nothing.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import hashlib
import html.parser
import shutil
import subprocess
import sys
import time

import pytest

from helpers import CONJOIN, ROOT, Folder, demo_folder, take_changes

PEOPLE = ("id,name,title\n" +
          "".join(f"{n},Name {n},Clerk\n" for n in range(1, 21)))
CONFIG = """\
conjoin: 1
agents: [hr, dir]
guards: { export: { deletions: 3 } }
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      name: string
      title: string
      token: string
    delete: { when: projected }
"""
HR = """\
type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    import: { employeeID: id, name: name, title: title }
"""
DIR = """\
type: memory
connect: { path: out/dir.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision:
      dn: '"cn=" & [name] & ",dc=corp,dc=test"'
      initial:
        userPassword: 'RandomPassword(24)'
        description: 'Guid()'
    export:
      employeeNumber: employeeID
      title: title
    deprovision: delete
"""


@pytest.fixture(name="company")
def _company(tmp_path):
    folder = Folder(tmp_path / "company")
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", HR)
    folder.write("agents/dir.yaml", DIR)
    folder.write("data/hr.csv", PEOPLE)
    folder.ok("cycle")
    return folder


def plan(folder, *words, status=0):
    return folder.json("plan", "--out", folder.path / "a.plan", *words,
                       status=status)


def apply(folder, *words, status=0):
    return folder.conjoin("apply", folder.path / "a.plan", *words) \
        if status is None else \
        folder.ok("apply", folder.path / "a.plan", *words, status=status)


def change(folder):
    """A title, somebody new and somebody gone, staged."""
    folder.replace("data/hr.csv", "1,Name 1,Clerk", "1,Name 1,Boss")
    folder.replace("data/hr.csv", "2,Name 2,Clerk\n", "99,Nina,Clerk\n")
    folder.ok("run", "hr", "full-import")


def by_name(found):
    return {item["dn"].split(",")[0]: item for item in found["objects"]}


def digest(folder):
    files = [path for path in folder.path.rglob("*") if path.is_file()
             and path.name not in ("conjoin.db-shm", "a.plan", "key",
                                   "secrets.lock")]
    return {path: hashlib.sha256(path.read_bytes()).digest()
            for path in files}


def test_what_it_tells(company):
    change(company)
    objects = by_name(plan(company))
    assert sorted(objects) == ["cn=Name 1", "cn=Name 2", "cn=Nina"]
    update = objects["cn=Name 1"]
    assert update["operation"] == "update"
    assert update["causes"] == [{"cause": "hr: title changed",
                                   "object": "1"}]
    assert update["attributes"] == {"title": {
        "old": ["Clerk"], "new": ["Boss"],
        "rule": "agents/dir.yaml:15: title"}}
    assert objects["cn=Nina"]["operation"] == "add"
    assert [cause["cause"] for cause in objects["cn=Nina"]["causes"]] == \
        ["hr: new person"]
    assert objects["cn=Nina"]["attributes"]["userPassword"]["new"] == \
        ["(secret)"]
    assert objects["cn=Name 2"]["operation"] == "delete"
    assert objects["cn=Name 2"]["causes"] == [
        {"cause": "hr: person gone", "object": "2"}]
    text = company.ok("plan").out
    assert "1 update" in text and "1 add" in text and "1 delete" in text
    assert "Clerk -> Boss  (agents/dir.yaml:15: title)" in text


def test_nothing_is_written(company):
    change(company)
    company.ok("plan", "--out", company.path / "a.plan")  # makes the key
    before = digest(company)
    company.ok("plan")
    company.ok("plan", "--import")
    assert digest(company) == before


def test_nobody_is_locked_out(company):
    change(company)
    with (company.path / "state/conjoin.db.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        company.ok("plan")


def test_exactly_that(company):
    """Also what was made up: passwords and GUIDs are those of the plan."""
    change(company)
    guid = by_name(plan(company))["cn=Nina"]["attributes"]["description"]
    assert by_name(plan(company))["cn=Nina"]["attributes"]["description"] \
        != guid
    guid = by_name(plan(company))["cn=Nina"]["attributes"]["description"]
    apply(company)
    entries = company.ldif("out/dir.ldif")
    assert entries.entry("cn=Nina,dc=corp,dc=test")["description"] == \
        guid["new"]
    assert entries.entry("cn=Name 1,dc=corp,dc=test")["title"] == ["Boss"]
    assert "x-deleted" in entries.entry("cn=Name 2,dc=corp,dc=test")
    done = apply(company, status=2)
    assert "was applied already" in done.err


def test_the_world_moved_on(company):
    change(company)
    plan(company)
    company.replace("data/hr.csv", "3,Name 3,Clerk", "3,Name 3,Boss")
    company.replace("data/hr.csv", "1,Name 1,Boss", "1,Name 1,Chief")
    company.ok("run", "hr", "full-import")
    before = company.read("out/dir.ldif")
    done = apply(company, status=6)
    assert "cn=Name 1,dc=corp,dc=test: title would be written otherwise now" \
        in done.err
    assert "cn=Name 3,dc=corp,dc=test: is not in the plan: update" in done.err
    assert company.read("out/dir.ldif") == before
    assert company.json("pending", "--exports")["exports"] == []

    done = apply(company, "--still-valid-only", status=6)
    assert "cn=Nina" in done.out and "Boss" not in done.out
    assert company.read("out/dir.ldif") == before
    apply(company, "--still-valid-only", "--yes")
    entries = company.ldif("out/dir.ldif")
    assert entries.entry("cn=Nina,dc=corp,dc=test")
    assert entries.entry("cn=Name 1,dc=corp,dc=test")["title"] == ["Clerk"]
    assert entries.entry("cn=Name 3,dc=corp,dc=test")["title"] == ["Clerk"]
    left = company.json("pending", "--exports")["exports"]
    assert sorted(item["dn"] for item in left) == [
        "cn=Name 1,dc=corp,dc=test", "cn=Name 3,dc=corp,dc=test"]


def test_an_object_changed_in_its_system(company):
    change(company)
    plan(company)
    company.replace("out/dir.ldif", "employeeNumber: 1\n",
                    "employeeNumber: 1\nroomNumber: 7\n")
    company.replace("agents/dir.yaml", "    join:", "    attributes: "
                    "{ roomNumber: string }\n    join:")
    company.ok("run", "dir", "full-import")
    assert "the rules are not those" in apply(company, status=6).err
    company.replace("agents/dir.yaml", "    attributes: "
                    "{ roomNumber: string }\n", "")
    assert "the rules" not in apply(company, status=None).err


def test_no_plan_of_this_store(company, tmp_path):
    change(company)
    plan(company)
    file = company.path / "a.plan"
    whole = file.read_bytes()
    for bytes_of, why in ((whole.replace(b"Boss", b"Bosz"), "is not as it was"),
                          (whole[:-20], "is no whole plan"),
                          (whole[:whole.rindex(b"\n", 0, -1) + 1],
                           "its end is missing"),
                          (whole.replace(b'"conjoin-plan":2',
                                         b'"conjoin-plan":1'),
                           "another version"),
                          (b"dn: x\n", "does not begin like one")):
        file.write_bytes(bytes_of)
        assert why in apply(company, status=2).err
    file.write_bytes(whole)
    other = Folder(tmp_path / "other")
    shutil.copytree(company.path, other.path,
                    ignore=shutil.ignore_patterns("state"))
    other.ok("cycle")
    assert "another store" in apply(other, status=2).err


def test_guard_and_approval(company):
    for number in range(3, 9):
        company.replace("data/hr.csv", f"{number},Name {number},Clerk\n", "")
    company.ok("run", "hr", "full-import")
    found = plan(company)
    assert any("the guard would stop it: 6 deletions" in text
               for text in found["warnings"])
    assert "somebody has to approve the plan" in apply(company, status=3).err
    company.ok("plan", "approve", company.path / "a.plan", "--by", "Ada")
    apply(company)
    assert company.read("out/dir.ldif").count("x-deleted") == 6


def test_size_and_approval(company):
    company.replace("conjoin.yaml", "deletions: 3 } }",
                    "deletions: 3 }, plan: { changes: 2, deletions: 1 } }")
    change(company)
    company.ok("run", "hr", "full-import")
    found = plan(company)
    assert found["warnings"] == [
        "somebody has to approve it, since it writes 3 objects, more than "
        "'guards: plan: changes: 2'"]
    done = apply(company, status=3)
    assert "since it writes 3 objects, more than" in done.err
    assert company.ldif("out/dir.ldif").entry(
        "cn=Name 1,dc=corp,dc=test")["title"] == ["Clerk"]
    company.ok("plan", "approve", company.path / "a.plan", "--by", "Ada")
    apply(company)
    company.replace("data/hr.csv", "5,Name 5,Clerk\n", "")
    company.replace("data/hr.csv", "6,Name 6,Clerk\n", "")
    company.ok("run", "hr", "full-import")
    assert "it has 2 deletions, more than" in plan(company)["warnings"][0]
    company.ok("cycle")  # a plan's guard stops plans


def test_other_rules(company, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(company.path, other,
                    ignore=shutil.ignore_patterns("state", "out"))
    rules = Folder(other)
    rules.replace("agents/dir.yaml", "title: title",
                  "title: 'UCase([title])'")
    found = company.json("plan", "--rules", other)
    assert len(found["objects"]) == 20
    assert found["causes"] == {"rules: agents/dir.yaml:15: title changed": 20}
    assert company.json("plan")["objects"] == []
    company.replace("data/hr.csv", "1,Name 1,Clerk", "1,Name 1,Boss")
    shutil.rmtree(other / "data")  # files are those of the live folder
    found = company.json("plan", "--rules", other, "--import")
    assert by_name(found)["cn=Name 1"]["attributes"]["title"]["new"] == \
        ["BOSS"]
    assert found["causes"] == {
        "hr: title changed": 1,
        "rules: agents/dir.yaml:15: title changed": 20}
    assert company.json("plan")["objects"] == []
    rules.write("agents/dir.yaml", "type: nothing\n")
    assert "has errors" in company.ok("plan", "--rules", other, status=2).err


PHONE = """\
type: csv
connect: { path: data/phone.csv, anchor: id }
objects:
  card:
    metaverse: person
    join: [ { employeeID: id } ]
    import: { phone: number, room: room }
"""


def add_phones(folder):
    folder.replace("conjoin.yaml", "agents: [hr, dir]",
                   "agents: [hr, phone, dir]")
    folder.replace("conjoin.yaml", "    title: string\n",
                   "    title: string\n      phone: string\n"
                   "      room: string\n")
    folder.write("agents/phone.yaml", PHONE)
    folder.write("data/phone.csv", "id,number,room\n1,11,A\n2,22,B\n")
    folder.replace("agents/dir.yaml", "      title: title\n",
                   "      title: title\n      telephoneNumber: phone\n"
                   "      roomNumber: room\n")
    folder.ok("cycle")


def causes_of(item):
    return {cause["cause"]: cause.get("object") for cause in item["causes"]}


def test_all_causes(company):
    """Each attribute has its own; who has several is in the group of each."""
    add_phones(company)
    company.replace("data/hr.csv", "1,Name 1,Clerk", "1,Name 1,Boss")
    company.replace("data/hr.csv", "2,Name 2,Clerk", "2,Name 2,Chief")
    company.replace("data/phone.csv", "1,11,A", "1,12,A")
    company.ok("run", "hr", "full-import")
    company.ok("run", "phone", "full-import")
    company.replace("agents/dir.yaml", "roomNumber: room",
                    "roomNumber: 'LCase([room])'")
    found = plan(company)
    objects = by_name(found)
    line = "rules: agents/dir.yaml:17: roomNumber changed"
    assert causes_of(objects["cn=Name 1"]) == {
        "hr: title changed": "1", "phone: number changed": "1", line: None}
    texts = [cause["cause"] for cause in objects["cn=Name 1"]["causes"]]
    assert {name: [texts[at] for at in causes] for name, causes
            in objects["cn=Name 1"]["attribute_causes"].items()} == {
        "title": ["hr: title changed"],
        "telephoneNumber": ["phone: number changed"], "roomNumber": [line]}
    assert causes_of(objects["cn=Name 2"]) == {"hr: title changed": "2",
                                               line: None}
    assert found["causes"] == {"hr: title changed": 2,
                               "phone: number changed": 1, line: 2}
    assert found["in_several_causes"] == 2
    text = company.ok("plan").out
    assert "2 objects with several causes: counted in each" in text
    assert "11 -> 12  (agents/dir.yaml:16: telephoneNumber; " \
        "phone: number changed)" in text
    apply(company)


def test_causes_that_no_rule_tells(company):
    """Filtered: the account goes, whatever changed; and what waited."""
    add_phones(company)
    company.replace("agents/hr.yaml", "    project: true",
                    "    filter: [ '[title] = \"Gone\"' ]\n"
                    "    project: true")
    company.ok("cycle")
    company.replace("data/hr.csv", "2,Name 2,Clerk", "2,Name 2,Gone")
    company.ok("run", "hr", "full-import")
    assert causes_of(by_name(plan(company))["cn=Name 2"]) == {
        "hr: title changed": "2"}
    company.ok("run", "hr", "delta-sync")
    assert causes_of(by_name(plan(company))["cn=Name 2"]) == {
        "an earlier synchronization": None}
    company.ok("cycle")
    company.replace("agents/dir.yaml", "      roomNumber: room\n", "")
    company.replace("agents/dir.yaml", "      title: title\n",
                    "      title: title\n      street: phone\n")
    company.replace("agents/phone.yaml", "phone: number",
                    "phone: 'Trim([number])'")
    company.replace("agents/hr.yaml",
                    "    filter: [ '[title] = \"Gone\"' ]\n", "")
    assert causes_of(by_name(plan(company))["cn=Name 2"]) == {
        "rules: filter of hr.person is gone": None}
    assert causes_of(by_name(plan(company))["cn=Name 1"]) == {
        "rules: agents/dir.yaml:16: street is new": None,
        "rules: agents/phone.yaml:7: phone changed": None}


def test_page_and_ldif(company):
    change(company)
    company.replace("data/hr.csv", "4,Name 4,Clerk", "4,Name 4,<b>&\"x")
    company.ok("run", "hr", "full-import")
    page = company.path / "plan.html"
    ldif = company.path / "plan.ldif"
    plan(company, "--html", page, "--ldif", ldif)
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;" in text and "<b>&" not in text
    for outside in ("http:", "https:", "src=", "<script", "url("):
        assert outside not in text
    html.parser.HTMLParser().feed(text)
    assert "changetype: delete" in ldif.read_text(encoding="utf-8")
    again = company.path / "again.html"
    company.ok("plan", "show", company.path / "a.plan", "--html", again)
    assert again.read_text(encoding="utf-8") == text


def test_who_writes_last(company):
    """Runs of a plan follow one another as those of a cycle do."""
    add_phones(company)
    company.replace("agents/phone.yaml", "room: room }",
                    "room: room, title: room }")
    company.replace("conjoin.yaml", "    delete:", "    precedence: "
                    "{ title: equal }\n    delete:")
    company.ok("cycle")
    company.replace("data/hr.csv", "1,Name 1,Clerk", "1,Name 1,Boss")
    company.replace("data/phone.csv", "1,11,A", "1,11,Z")
    company.ok("run", "hr", "full-import")
    company.ok("run", "phone", "full-import")
    planned = by_name(plan(company))["cn=Name 1"]["attributes"]["title"]
    company.ok("cycle")
    assert company.ldif("out/dir.ldif").entry(
        "cn=Name 1,dc=corp,dc=test")["title"] == planned["new"] == ["Z"]


def test_parts_of_it(company):
    for number in range(1, 13):
        company.replace("data/hr.csv", f"{number},Name {number},Clerk",
                        f"{number},Name {number},Boss")
    company.replace("data/hr.csv", "20,Name 20,Clerk\n", "")
    company.ok("run", "hr", "full-import")
    whole = plan(company)
    assert whole["count"] == 13 and len(whole["objects"]) == 13
    file = company.path / "a.plan"
    shown = company.json("plan", "show", file)
    del whole["warnings"], shown["warnings"]
    assert shown == {**whole, "hash": shown["hash"]}
    part = company.json("plan", "show", file, "--limit", "5",
                        "--offset", "10")
    assert part["objects"] == whole["objects"][10:]
    assert part["count"] == 13
    gone = company.json("plan", "--cause", "hr: person gone")
    assert list(by_name(gone)) == ["cn=Name 20"]
    text = company.ok("plan", "--limit", "5", "--offset", "2").out
    assert text.count("because of hr") == 5
    assert "... and 6 more; --limit N shows more, --offset 7 goes on" in text
    assert "13 objects would be written" in text
    page = company.path / "a.html"
    company.ok("plan", "show", file, "--html", page, "--limit", "4")
    assert page.read_text(encoding="utf-8").count("<details") == 4
    assert "and 9 more" in page.read_text(encoding="utf-8")
    assert "13 objects" in page.read_text(encoding="utf-8")
    assert "need" in company.ok("plan", "--limit", "-1", status=2).err


def test_odd_values(company):
    """In a line of JSON, and compared with one."""
    odd = 'a\\b"",""id"":""x""\u00e4\u2028\x7f\tz'
    company.replace("data/hr.csv", "1,Name 1,Clerk", f'1,Name 1,"{odd}"')
    company.ok("run", "hr", "full-import")
    value = odd.replace('""', '"')
    assert by_name(plan(company))["cn=Name 1"]["attributes"]["title"][
        "new"] == [value]
    apply(company)
    assert company.ldif("out/dir.ldif").entry(
        "cn=Name 1,dc=corp,dc=test")["title"] == [value]


def test_demo(tmp_path):
    folder = demo_folder(tmp_path / "demo")
    folder.ok("cycle")
    take_changes(folder)
    found = plan(folder, "--import")
    assert {item["operation"] for item in found["objects"]} == {
        "add", "update", "rename", "delete"}
    apply(folder)
    folder.ok("cycle")
    assert plan(folder)["objects"] == []


def test_costs_are_of_the_order_of_the_sync(tmp_path):
    folder = demo_folder(tmp_path / "demo", people=5000)
    folder.ok("run", "hr", "full-import")
    began = time.monotonic()
    folder.ok("plan", "hr", "--quiet", "--limit", "1")
    planned = time.monotonic() - began
    began = time.monotonic()
    for agent in ("hr", "phone", "teams", "directory"):
        folder.conjoin("run", agent, "delta-sync")
    assert planned < 10 * (time.monotonic() - began)


def test_of_the_scenarios():
    """What plans have is what the systems hold after them."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/scenario/run.py", "--plan",
         "--conjoin", CONJOIN], stdout=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stdout.decode()
