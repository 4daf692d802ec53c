"""A plan: what the next cycle would write; and exactly that, or nothing.

SPDX-License-Identifier: Apache-2.0
"""
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
    assert update["cause"] == "hr: title changed"
    assert update["attributes"] == {"title": {
        "old": ["Clerk"], "new": ["Boss"],
        "rule": "agents/dir.yaml:15: title"}}
    assert objects["cn=Nina"]["operation"] == "add"
    assert objects["cn=Nina"]["cause"] == "hr: new person"
    assert objects["cn=Nina"]["attributes"]["userPassword"]["new"] == \
        ["(secret)"]
    assert objects["cn=Name 2"]["operation"] == "delete"
    assert objects["cn=Name 2"]["cause"] == "hr: person gone"
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
        subprocess.run(["flock", "-x", "-n", str(lock.fileno()), CONJOIN,
                        "plan", "--folder", str(company.path)],
                       check=True, pass_fds=[lock.fileno()],
                       stdout=subprocess.DEVNULL)


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
                          (whole.replace(b'"conjoin-plan":1',
                                         b'"conjoin-plan":2'),
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
    assert "has to approve it" in apply(company, status=3).err
    company.ok("plan", "approve", company.path / "a.plan", "--by", "Ada")
    apply(company)
    assert company.read("out/dir.ldif").count("x-deleted") == 6


def test_other_rules(company, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(company.path, other,
                    ignore=shutil.ignore_patterns("state", "out"))
    rules = Folder(other)
    rules.replace("agents/dir.yaml", "title: title",
                  "title: 'UCase([title])'")
    found = company.json("plan", "--rules", other)
    assert len(found["objects"]) == 20
    assert all(item["cause"].startswith("rules: ")
               for item in found["objects"])
    assert company.json("plan")["objects"] == []
    rules.write("agents/dir.yaml", "type: nothing\n")
    assert "has errors" in company.ok("plan", "--rules", other, status=2).err


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
