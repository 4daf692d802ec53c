"""What a run exported, undone: shown, carried out, held, released.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from helpers import CONJOIN, ROOT, Folder, counted

PEOPLE = ("id,name,title,phone,active\n" +
          "".join(f"{n},Name {n},Clerk,{n},T\n" for n in range(1, 9)))
TEAMS = "name,members\nall,1;2;3\nsome,2\n"
CONFIG = """\
conjoin: 1
agents: [hr, dir]
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      name: string
      title: string
      phone: string
      active: boolean
    delete: { when: [hr] }
  group:
    attributes: { name: string, member: [reference] }
"""
HR = """\
type: csv
connect:
  types:
    person: { path: data/hr.csv, anchor: id }
    team: { path: data/teams.csv, anchor: name }
objects:
  person:
    metaverse: person
    project: true
    import:
      employeeID: id
      name: name
      title: title
      phone: phone
      active: { from: '[active] = "T"' }
  team:
    attributes: { members: { type: string, multi: true, separator: ';' } }
    metaverse: group
    project: true
    import:
      name: name
      member: { lookup: employeeID, of: person, from: members }
"""
DIR = """\
type: ldif
connect: { path: out/dir.ldif, anchor: dn }
objects:
  person:
    type: inetOrgPerson
    attributes: { seeAlso: reference, description: string }
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision:
      when: '[active]'
      dn: '"cn=" & [name] & ",dc=corp,dc=test"'
      rename: true
      initial: { userPassword: 'RandomPassword(24)' }
    export:
      employeeNumber: employeeID
      title: title
      telephoneNumber: phone
    deprovision: delete
  team:
    type: groupOfNames
    attributes: { owner: reference }
    metaverse: group
    provision: { dn: '"cn=" & [name] & ",dc=corp,dc=test"' }
    export: { member: member }
    deprovision: delete
"""


def dn(name):
    return f"cn={name},dc=corp,dc=test"


class Company(Folder):
    def people(self):
        """The entries as they are in the directory, without what it keeps
        for itself."""
        entries = self.ldif("out/dir.ldif")
        for name in [name for name, entry in entries.items()
                     if "x-deleted" in entry]:
            del entries[name]
        for entry in entries.values():
            for name in [name for name in entry if name.startswith("x-")]:
                del entry[name]
        return entries

    def entry(self, name):
        return self.people().entry(dn(name))

    def change(self, *pairs):
        """Changes the people's file, and all that follows from that."""
        for old, new in pairs:
            self.replace("data/hr.csv", old, new)
        self.ok("cycle")
        return self.last_export()

    def last_export(self):
        return max(run["run"] for run in
                   self.json("runs", "--limit", "0")["runs"]
                   if run["profile"] == "export")

    def undo(self, run, status=0):
        found = self.json("undo", run, "--out", self.path / "an.undo",
                          status=status)
        return found

    def apply(self, status=0):
        return self.ok("apply", self.path / "an.undo", status=status)

    def undone(self, run, status=0):
        found = self.undo(run, status)
        self.apply()
        self.ok("cycle")
        return found

    def held(self):
        return {item["name"]: item
                for item in self.json("pending", "--held")["held"]}


@pytest.fixture(name="company")
def _company(tmp_path):
    folder = Company(tmp_path / "company")
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", HR)
    folder.write("agents/dir.yaml", DIR)
    folder.write("data/hr.csv", PEOPLE)
    folder.write("data/teams.csv", TEAMS)
    folder.ok("cycle")
    return folder


def operations(plan):
    return {(item["operation"], item["dn"]) for item in plan["objects"]}


# ---- what comes back


def test_all_kinds_at_once(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"),
                         ("2,Name 2,Clerk,2,T\n", ""),
                         ("Name 3,", "Nome 3,"))
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "9,Name 9,Clerk,9,T\n")
    run = company.change()
    assert not operations(company.undo(run)) ^ {("delete", dn("Name 9"))}
    run -= 1
    while not company.json("runs", run)["steps"][-1]["counters"].get(
            "export-rename"):
        run -= 1
    before = company.people()
    plan = company.undone(run)
    assert operations(plan) == {
        ("update", dn("Name 1")), ("add", dn("Name 2")),
        ("rename", dn("Nome 3")), ("update", dn("all")),
        ("update", dn("some"))}
    notes = {item["dn"]: item.get("note", "") for item in plan["objects"]}
    for text in ("disconnector", "id of its own", "userPassword"):
        assert text in notes[dn("Name 2")]
    assert company.entry("Name 1")["title"] == ["Clerk"]
    assert company.entry("Name 2")["telephonenumber"] == ["2"]
    assert "userpassword" not in company.entry("Name 2")
    assert company.entry("Name 3")["employeenumber"] == ["3"]
    assert dn("Nome 3").lower() not in company.people()
    assert sorted(company.entry("all")["member"]) == \
        [dn("Name 1"), dn("Name 2"), dn("Name 3")]
    assert company.entry("some")["member"] == [dn("Name 2")]
    assert company.people() != before
    # it stays so
    before = company.read("out/dir.ldif")
    company.ok("cycle")
    for agent in ("hr", "dir"):
        company.ok("run", agent, "full-sync")
    assert company.json("pending")["exports"] == []
    company.ok("cycle")
    assert company.read("out/dir.ldif") == before


def test_what_the_server_took_away_with_it(company):
    """A group that no rule writes lost its owner by the deletion."""
    entry = company.read("out/dir.ldif")
    company.write("out/dir.ldif", entry + "\n\ndn: " + dn("chess")
                  + "\nobjectClass: groupOfNames\ncn: chess\nowner: "
                  + dn("Name 4") + "\nmember: " + dn("Name 1") + "\n")
    company.ok("run", "dir", "full-import-full-sync")
    run = company.change(("4,Name 4,Clerk,4,T\n", ""))
    company.write("out/dir.ldif", company.read("out/dir.ldif").replace(
        "owner: " + dn("Name 4") + "\n", ""))
    company.ok("cycle")
    assert "owner" not in company.entry("chess")
    plan = company.undone(run)
    assert operations(plan) == {("add", dn("Name 4")),
                                ("update", dn("chess"))}
    assert company.entry("chess")["owner"] == [dn("Name 4")]
    company.ok("cycle")
    assert company.entry("chess")["owner"] == [dn("Name 4")]


def test_deleted_while_its_person_stays(company):
    """It belongs to the person again, and is not deleted a second time."""
    run = company.change(("Clerk,5,T", "Clerk,5,F"))
    assert not company.entry("Name 5")
    plan = company.undone(run)
    assert "disconnector" not in plan["objects"][0]["note"]
    company.ok("run", "hr", "full-sync")
    company.ok("cycle")
    assert company.entry("Name 5")["title"] == ["Clerk"]
    found = company.json("search", "cs", "dir", "--state", "held")["objects"]
    assert [item["state"] for item in found] == ["connector"]
    # wanted again, it is like any other
    company.change(("5,Name 5,Clerk,5,F", "5,Name 5,Boss,5,T"))
    assert company.entry("Name 5")["title"] == ["Boss"]
    assert company.held() == {}
    # and released while unwanted it goes
    run = company.change(("Boss,5,T", "Boss,5,F"))
    company.undone(run)
    assert company.entry("Name 5")
    company.ok("release", "dir", dn("Name 5"))
    company.ok("cycle")
    assert not company.entry("Name 5")


def test_comes_back_for_who_comes_back(company):
    """An account whose person was gone is linked when the person returns."""
    run = company.change(("6,Name 6,Clerk,6,T\n", ""))
    company.undone(run)
    company.ok("cycle")
    assert company.entry("Name 6")
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "6,Name 6,Chief,6,T\n")
    company.ok("cycle")
    assert company.held() == {}
    assert company.entry("Name 6")["title"] == ["Chief"]
    assert len([name for name in company.people() if "name 6" in name]) == 1


def test_an_undo_undone(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undone(run)
    assert company.entry("Name 1")["title"] == ["Clerk"]
    company.undone(company.last_export())
    assert company.entry("Name 1")["title"] == ["Boss"]
    # there is nothing to hold back any more
    assert company.held() == {}
    company.change(("Boss,1,T", "Boss,55,T"))
    assert company.entry("Name 1")["title"] == ["Boss"]
    assert company.entry("Name 1")["telephonenumber"] == ["55"]


def test_others_write_what_the_rules_want(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"),
                         ("Name 2,", "Nome 2,"))
    company.undone(run)
    text = company.read("out/dir.ldif")
    assert dn("Name 2") in text
    at = text.index("employeeNumber: 1\n")
    begin = text.rindex("dn: ", 0, at)
    company.write("out/dir.ldif", text[:begin] + text[begin:].replace(
        "title: Clerk", "title: Boss", 1))
    company.ok("cycle")
    assert list(company.held()) == [dn("Name 2")]


# ---- conflicts


def test_conflicts(company):
    run = company.change(("Name 1,Clerk,1", "Name 1,Boss,91"),
                         ("Name 2,Clerk,2", "Name 2,Boss,92"),
                         ("Name 3,Clerk,3", "Name 3,Boss,93"),
                         ("Name 4,Clerk,4", "Name 4,Boss,94"))
    # 1: by hand in the directory; 2: by a later run; 3: is pending
    company.write("out/dir.ldif", re.sub(
        r"(?s)(telephoneNumber: )91", r"\g<1>77", company.read("out/dir.ldif")))
    company.ok("run", "dir", "full-import")
    company.replace("data/hr.csv", "Name 2,Boss", "Name 2,Chief")
    company.ok("run", "hr", "full-import-delta-sync")
    company.ok("run", "dir", "export")
    company.ok("run", "dir", "full-import")
    company.replace("data/hr.csv", "Name 3,Boss", "Name 3,Chief")
    company.ok("run", "hr", "full-import-delta-sync")
    plan = company.undo(run, status=1)
    why = {item["object"]: item["why"] for item in plan["conflicts"]}
    assert why == {
        dn("Name 1"): "telephoneNumber is '77' by now, the run left '91'",
        dn("Name 2"): "title is 'Chief' by now, the run left 'Boss'",
        dn("Name 3"): "another change of title is pending already"}
    assert operations(plan) == {("update", dn("Name 4"))}
    text = company.ok("undo", run, status=1).out
    assert "3 left alone, changed since" in text
    page = company.path / "a.html"
    company.ok("undo", run, "--html", page, status=1)
    assert "the run left &#39;91" in page.read_text() or \
        "the run left '91'" in page.read_text()
    company.apply()
    assert company.entry("Name 4")["title"] == ["Clerk"]
    # left alone as a whole
    assert company.entry("Name 1")["title"] == ["Boss"]
    assert company.entry("Name 2")["telephonenumber"] == ["92"]


def test_conflicts_of_what_came_and_went(company):
    company.write("data/hr.csv", company.read("data/hr.csv")
                  + "20,New 20,Clerk,1,T\n21,New 21,Clerk,1,T\n"
                    "22,New 22,Clerk,1,T\n")
    run = company.change(("7,Name 7,Clerk,7,T\n", ""),
                         ("Name 8,", "Nome 8,"))
    # others change one that was added, take the names that became free
    company.replace("data/hr.csv", "New 20,Clerk", "New 20,Chief")
    company.write("data/hr.csv", company.read("data/hr.csv")
                  + "30,Name 7,Clerk,1,T\n31,Name 8,Clerk,1,T\n")
    company.ok("cycle")
    company.write("out/dir.ldif", re.sub(
        r"(?s)(employeeNumber: 21\n[^\n]*\n?title: )Clerk", r"\g<1>Nobody",
        company.read("out/dir.ldif").replace(
            "title: Clerk\ntelephoneNumber: 1\nemployeeNumber: 21",
            "telephoneNumber: 1\nemployeeNumber: 21\ntitle: Clerk")))
    plan = company.undo(run, status=1)
    why = {item["object"]: item["why"] for item in plan["conflicts"]}
    assert "changed it since" in why[dn("New 20")]
    assert "another one's" in why[dn("Name 7")]
    assert "another one's" in why[dn("Nome 8")]
    assert ("delete", dn("New 22")) in operations(plan)


def test_an_addition_that_others_changed(company):
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "40,New 40,Clerk,1,T\n")
    run = company.change()
    text = company.read("out/dir.ldif")
    assert "employeeNumber: 40" in text
    at = text.index("employeeNumber: 40")
    begin = text.rindex("dn: ", 0, at)
    company.write("out/dir.ldif", text[:begin]
                  + text[begin:].replace("title: Clerk", "title: Other", 1))
    company.ok("run", "dir", "full-import")
    plan = company.undo(run, status=1)
    assert plan["objects"] == []
    assert "title is 'Other' by now" in plan["conflicts"][0]["why"]


# ---- held until


def test_another_value_of_the_source_ends_it(company):
    run = company.change(("Name 1,Clerk,1", "Name 1,Boss,1"))
    company.undone(run)
    assert list(company.held()) == [dn("Name 1")]
    # what was not undone waits, too
    company.change(("Boss,1,T", "Boss,55,T"))
    assert company.entry("Name 1")["telephonenumber"] == ["1"]
    assert list(company.held()) == [dn("Name 1")]
    company.change(("Name 1,Boss", "Name 1,Chief"))
    assert company.entry("Name 1")["title"] == ["Chief"]
    assert company.entry("Name 1")["telephonenumber"] == ["55"]
    assert company.held() == {}


def test_the_source_goes_back(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undone(run)
    company.change(("Name 1,Boss", "Name 1,Clerk"))
    assert company.held() == {}
    assert company.entry("Name 1")["title"] == ["Clerk"]


def test_another_rule_ends_it(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"),
                         ("Name 2,Clerk,2", "Name 2,Clerk,92"))
    company.undone(run)
    company.replace("agents/dir.yaml", "title: title",
                    "title: 'UCase([title])'")
    company.ok("cycle")
    assert company.entry("Name 1")["title"] == ["BOSS"]
    assert list(company.held()) == [dn("Name 2")]
    assert company.entry("Name 2")["telephonenumber"] == ["2"]
    # the title of 2 waits as well
    assert company.entry("Name 2")["title"] == ["Clerk"]
    assert company.entry("Name 3")["title"] == ["CLERK"]


def test_an_addition_is_held(company):
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "50,New 50,Clerk,1,T\n")
    run = company.change()
    company.undone(run)
    assert not company.entry("New 50")
    company.ok("run", "hr", "full-sync")
    company.ok("cycle")
    assert not company.entry("New 50")
    held = company.held()[dn("New 50")]
    assert (held["undone"], held["run"]) == ("add", run)
    explained = company.json("explain", "mv", "employeeID=50")
    state = {item["rule_set"]: item["state"]
             for item in explained["provisioning"]}
    assert state["person"] == "held"
    assert "held since run" in company.ok(
        "preview", "mv", "employeeID=50").out
    # no longer wanted and wanted again is a change of the source
    company.change(("Clerk,1,T\n", "Clerk,1,F\n"))
    assert company.held() == {}
    company.change(("New 50,Clerk,1,F", "New 50,Clerk,1,T"))
    assert company.entry("New 50")["title"] == ["Clerk"]


def test_an_addition_with_other_values(company):
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "51,New 51,Clark,1,T\n")
    company.undone(company.change())
    assert not company.entry("New 51")
    company.change(("Clark", "Clerk"))
    assert company.entry("New 51")["title"] == ["Clerk"]


def test_its_person_goes(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undone(run)
    company.change(("1,Name 1,Boss,1,T\n", ""))
    assert not company.entry("Name 1")
    assert company.held() == {}


def test_it_is_deleted_by_others(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undone(run)
    text = company.read("out/dir.ldif")
    blocks = [block for block in text.split("\n\n")
              if "employeeNumber: 1\n" not in block + "\n"]
    company.write("out/dir.ldif", "\n\n".join(blocks))
    company.ok("cycle")
    assert company.entry("Name 1")["title"] == ["Boss"]
    assert company.held() == {}


def test_large_groups_by_value(company):
    """A member that comes by a delta of its own is not exported either."""
    company.replace("data/teams.csv", "all,1;2;3", "all,1;2;3;4")
    run = company.change()
    company.undone(run)
    assert dn("Name 4") not in company.entry("all")["member"]
    company.ok("run", "hr", "full-sync")
    company.ok("cycle")
    assert dn("Name 4") not in company.entry("all")["member"]
    company.replace("data/teams.csv", "all,1;2;3;4", "all,1;2;3;4;5")
    company.ok("cycle")
    assert {dn("Name 4"), dn("Name 5")} <= set(company.entry("all")["member"])


# ---- released


def test_release(company):
    first = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undone(first)
    second = company.change(("Name 2,Clerk", "Name 2,Boss"),
                            ("Name 3,Clerk", "Name 3,Boss"))
    company.undone(second)
    assert "not held" in company.ok("release", "dir", dn("Name 4"),
                                    status=2).err
    company.ok("release", status=2)
    company.ok("release", "dir", "x", "--all", status=2)
    assert company.json("status")["held"] == 3
    assert "3 held" in company.ok("doctor", "--quick").out
    assert len(company.json("errors")["held"]) == 3
    done = company.json("release", "dir", dn("name 2"))
    assert [item["run"] for item in done["released"]] == [second]
    company.ok("cycle")
    assert company.entry("Name 2")["title"] == ["Boss"]
    assert company.entry("Name 3")["title"] == ["Clerk"]
    company.ok("release", "--run", first)
    assert list(company.held()) == [dn("Name 3")]
    company.ok("release", "--all")
    company.ok("cycle")
    assert company.entry("Name 1")["title"] == ["Boss"]
    assert company.held() == {}
    log = company.json("audit", "show")["entries"]
    assert [entry["command"] for entry in log][-1] == "release --all"


# ---- refused


def test_refusals(company, tmp_path):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    assert "no run 999" in company.ok("undo", "999", status=2).err
    assert "not the number" in company.ok("undo", "x", status=2).err
    assert "not of 'hr'" in company.ok("undo", run, "--agent", "hr",
                                       status=2).err
    assert "wrote nothing" in company.ok("undo", "1", status=2).err
    company.ok("undo", run, "--agent", "dir")
    file = company.path / "an.undo"
    company.undo(run)
    whole = file.read_bytes()
    other = Company(tmp_path / "other")
    for name in ("conjoin.yaml", "agents/hr.yaml", "agents/dir.yaml",
                 "data/hr.csv", "data/teams.csv"):
        other.write(name, company.read(name))
    other.ok("cycle")
    for text, why in (
            (whole.replace(b"Clerk", b"Ruler"), "not as it was made"),
            (whole[:-40], "no whole plan"),
            (whole.replace(b'"conjoin-plan":2', b'"conjoin-plan":9'),
             "version")):
        file.write_bytes(text)
        done = company.apply(status=2)
        assert why in done.err, done.err
    file.write_bytes(whole)
    assert "store" in other.ok("apply", file, status=2).err
    assert company.entry("Name 1")["title"] == ["Boss"]
    company.apply()
    assert "applied already" in company.apply(status=2).err


def test_moved_on(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undo(run)
    company.change(("Name 1,Boss", "Name 1,Chief"))
    assert company.apply(status=6).err
    company.ok("apply", company.path / "an.undo", "--still-valid-only",
               "--yes", status=6)
    assert company.entry("Name 1")["title"] == ["Chief"]
    company.replace("agents/dir.yaml", "title: title",
                    "title: 'UCase([title])'")
    assert "rules" in company.apply(status=6).err


def test_no_longer_in_the_history(company):
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.replace("conjoin.yaml", "agents: [hr, dir]",
                    "agents: [hr, dir]\nhistory: { changes: 1 minutes }")
    company.ok("run", "hr", "full-import", env={
        **os.environ, "CONJOIN_FAKE_TIME": "2999-01-01T00:00:00Z"})
    assert "history tells no more" in company.ok("undo", run, status=2).err


def test_guards_ask_for_approval(company):
    company.replace("conjoin.yaml", "agents: [hr, dir]",
                    "agents: [hr, dir]\n"
                    "guards: { export: { deletions: 1 } }")
    company.write("data/hr.csv", company.read("data/hr.csv")
                  + "".join(f"{n},New {n},Clerk,1,T\n"
                            for n in range(60, 64)))
    run = company.change()
    assert any("guard" in text for text in company.undo(run)["warnings"])
    assert "approve" in company.apply(status=3).err
    company.ok("plan", "approve", company.path / "an.undo", "--by", "Ada")
    company.apply()
    assert not company.entry("New 60")


# ---- killed


@pytest.mark.parametrize("operation", ["put", "result"])
@pytest.mark.parametrize("at", [1, 3])
def test_killed(company, operation, at):
    """What is left goes on with the next export, and is held all the same."""
    plain = DIR.replace("type: ldif", "type: memory").replace(
        "anchor: dn", "anchors: system")
    company.write("agents/dir.yaml", plain)
    for name in ("out", "state"):
        shutil.rmtree(company.path / name)
    company.ok("cycle")
    before = company.people()
    company.write("data/hr.csv",
                  company.read("data/hr.csv") + "70,New 70,Clerk,1,T\n")
    run = company.change(("Name 1,Clerk", "Name 1,Boss"),
                         ("Name 2,Clerk", "Name 2,Boss"),
                         ("7,Name 7,Clerk,7,T\n", ""))
    company.write("agents/dir.yaml", plain.replace(
        "anchors: system", "anchors: system, fail: { operation: "
        f"{operation}, at: {at}, code: crash }}"))
    company.undo(run)
    done = company.conjoin("apply", company.path / "an.undo")
    assert done.status == -9
    company.write("agents/dir.yaml", plain)
    assert "already" in company.apply(status=2).err
    company.ok("run", "dir", "export")
    company.ok("cycle")
    company.ok("cycle")
    after = company.people()
    for entries in (before, after):
        for entry in entries.values():
            entry.pop("userpassword", None)
    assert dict(after) == dict(before)


def test_killed_before_it_is_staged(company):
    """The whole of it is staged, or nothing."""
    run = company.change(("Name 1,Clerk", "Name 1,Boss"))
    company.undo(run)
    before = company.json("pending")
    process = company.start("apply", company.path / "an.undo")
    process.kill()
    process.wait()
    if company.json("pending") == before and \
            company.entry("Name 1")["title"] == ["Boss"]:
        company.apply()
    company.ok("run", "dir", "export")
    company.ok("cycle")
    assert company.entry("Name 1")["title"] == ["Clerk"]


# ---- of all that the scenarios export


def test_of_the_scenarios():
    """What systems held before is there again, and stays."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/scenario/run.py", "--undo",
         "--conjoin", CONJOIN], stdout=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stdout.decode()


# ---- a server with ids and integrity of its own

REFINT = """overlay refint
refint_attributes owner secretary
"""
SERVER = """\
type: ldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: file:password,
           security: none, base: 'BASE' }
objects:
  person:
    type: inetOrgPerson
    attributes: { objectClass: { type: string, multi: true },
                  description: string }
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision:
      when: '[active]'
      dn: '"uid=" & [employeeID] & ",BASE"'
      initial: { userPassword: 'RandomPassword(24)' }
    export: { employeeNumber: employeeID, sn: name, cn: name, title: title,
              secretary: deputy }
    deprovision: delete
  team: { type: groupOfNames, attributes: { owner: reference },
          metaverse: group }
"""


def test_on_a_server(tmp_path, make_slapd):
    base = "o=undo"
    slapd = make_slapd(suffix=base, conf=REFINT)
    slapd.add(f"dn: cn=chess,{base}\nobjectClass: groupOfNames\n"
              f"cn: chess\nmember: {base}\n")
    company = Company(tmp_path / "company")
    company.write("conjoin.yaml", CONFIG.replace(
        "active: boolean", "active: boolean\n      deputy: reference"))
    company.write("agents/hr.yaml", HR.replace(
        "    import:\n      employeeID",
        "    attributes: { deputy: { type: reference, to: person } }\n"
        "    import:\n      deputy: deputy\n      employeeID", 1))
    company.write("agents/dir.yaml", SERVER.replace("URL", slapd.url)
                  .replace("BIND", slapd.bind_dn).replace("BASE", base))
    company.write("password", slapd.password + "\n")
    (company.path / "password").chmod(0o600)
    company.write("data/teams.csv", "name,members\nother,\n")
    company.write("data/hr.csv", "id,name,title,phone,active,deputy\n"
                  "1,Ann,Clerk,1,T,2\n2,Bob,Clerk,2,T,\n3,Cid,Clerk,3,T,2\n")
    company.ok("cycle")
    slapd.client("ldapmodify", ldif=f"dn: cn=chess,{base}\nchangetype: modify\nadd: owner\n"
                 f"owner: uid=2,{base}\n\n"
                 f"dn: uid=2,{base}\nchangetype: modify\nadd: description\n"
                 "description: written by others\n")
    company.ok("cycle")
    names = ("owner", "secretary", "objectClass", "title", "description",
             "employeeNumber", "cn", "sn", "entryUUID")
    before = slapd.search("(objectClass=*)", *names)
    assert before[f"uid=1,{base}"]["secretary"] == [f"uid=2,{base}"]
    assert before[f"cn=chess,{base}"]["owner"] == [f"uid=2,{base}"]
    company.replace("data/hr.csv", "2,T,", "2,F,")
    company.replace("data/hr.csv", "Ann,Clerk", "Ann,Boss")
    company.ok("cycle")
    after = slapd.search("(objectClass=*)", *names)
    assert f"uid=2,{base}" not in after
    assert "owner" not in after[f"cn=chess,{base}"]
    runs = [run["run"] for run in company.json("runs")["runs"]
            if run["profile"] == "export" and run["run"] > 6
            and any(counted(step) for step in
                    company.json("runs", run["run"])["steps"])]
    for run in runs:
        company.undone(run)
    company.ok("cycle")
    again = slapd.search("(objectClass=*)", *names)
    new = again[f"uid=2,{base}"].pop("entryUUID")
    assert new != before[f"uid=2,{base}"].pop("entryUUID")
    for entries in (before, again):
        for entry in entries.values():
            for values in entry.values():
                values.sort()
    assert again == before
    assert company.json("errors")["errors"] == []


def test_a_run_that_goes_on(going_on):
    folder, _ = going_on
    run = folder.json("runs")["runs"][0]["run"]
    done = folder.ok("undo", run, status=2)
    assert f"run {run} goes on: undo it when it has ended" in done.err
