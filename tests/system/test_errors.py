"""The inbox of errors: causes, what to do, retry, ignore, quarantine.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re

import pytest

from helpers import ROOT, Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, dir]
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: string
      badge: integer
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    project: true
    import: { id: id, name: name, badge: 'CNum([badge])' }
""",
    "agents/dir.yaml": """type: ldif
connect: { path: dir.ldif, anchor: dn }
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { id: employeeNumber } ]
    provision: { dn: '"cn=" & [id] & ",dc=x"' }
    export: { sn: name, employeeNumber: id }
""",
    "hr.csv": "id,name,badge\n1,Ann,7\n2,Bob,x9\n3,Cleo,y12\n4,,8\n,Eve,1\n",
}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    for name, text in FILES.items():
        made.write(name, text)
    made.ok("cycle", status=1)
    return made


def errors(folder, *words, **options):
    return {one["code"]: one
            for one in folder.json("errors", *words, **options)["errors"]}


def test_causes_and_what_to_do(folder):
    found = errors(folder)
    assert set(found) == {"rule-error", "missing-anchor-component"}
    rule = found["rule-error"]
    assert rule["count"] == 2 and "correct the rule" in rule["fix"]
    cause, = rule["causes"]
    assert (cause["agent"], cause["kind"], cause["count"]) == ("hr", "sync", 2)
    assert cause["first"] <= cause["last"] == rule["last"]
    folder.ok("run", "hr", "delta-sync", status=1)
    again = errors(folder)["rule-error"]
    assert again["first"] == rule["first"] and again["last"] >= rule["last"]
    text = folder.ok("errors").out
    assert "to do: correct the rule" in text
    assert re.search(r"2 alike of hr, sync, since \S+, last \S+", text)


def test_ignore(folder):
    folder.ok("errors", "ignore", "hr", "2", "until", "2099-01-31")
    found = errors(folder)["rule-error"]
    assert [one["anchor"] for one in found["objects"]] == ["3"]
    assert folder.ok("errors").out.endswith("1 ignored; --ignored shows them\n")
    shown = errors(folder, "--ignored")["rule-error"]["objects"]
    assert {one["anchor"]: one["ignored_until"] for one in shown} == {
        "2": "2099-01-31T00:00:00Z", "3": None}
    # it is tried all the same, and comes back when the time is over
    folder.ok("run", "hr", "delta-sync", status=1)
    assert errors(folder)["rule-error"]["count"] == 1
    later = dict(os.environ, CONJOIN_FAKE_TIME="2099-02-01T00:00:00Z")
    assert errors(folder, env=later)["rule-error"]["count"] == 2
    folder.ok("errors", "ignore", "hr", "2", "off")
    assert errors(folder)["rule-error"]["count"] == 2


def test_another_error_is_not_ignored(folder):
    folder.ok("errors", "ignore", "hr", "2", "until", "2099-01-31")
    folder.replace("agents/hr.yaml", "name: name,",
                   "name: 'Error(\"no\")',")
    folder.replace("agents/hr.yaml", "'CNum([badge])'", "1")
    folder.replace("agents/hr.yaml", "project: true",
                   "project: '\"robot\"'")
    folder.ok("run", "hr", "full-sync", status=1)
    found = errors(folder)
    assert "2" in [one["anchor"] for code in found
                   for one in found[code]["objects"]]


def test_quarantine_of_an_export(folder):
    folder.replace("hr.csv", "1,Ann", "1,Anna")
    folder.ok("run", "hr", "full-import", status=1)
    folder.ok("run", "hr", "delta-sync", status=1)
    done = folder.ok("errors", "quarantine", "dir", "cn=1,dc=x")
    assert "not exported until" in done.out
    run = folder.json("run", "dir", "export")
    assert run["result"] == "completed-warnings"
    assert folder.ldif("dir.ldif").entry("cn=1,dc=x")["sn"] == ["Ann"]
    retry, = [one["pending_export"]["retry"]
              for one in folder.json("pending", "dir")["exports"]]
    assert retry["next_in_runs"] is None and retry["quarantined_since"]
    assert "in quarantine by hand" in folder.ok("pending", "dir").out
    folder.ok("errors", "retry", "dir", "cn=1,dc=x")
    folder.ok("run", "dir", "export")
    assert folder.ldif("dir.ldif").entry("cn=1,dc=x")["sn"] == ["Anna"]


def test_another_change_ends_the_quarantine(folder):
    folder.replace("hr.csv", "1,Ann", "1,Anna")
    folder.ok("run", "hr", "full-import", status=1)
    folder.ok("run", "hr", "delta-sync", status=1)
    folder.ok("errors", "quarantine", "dir", "cn=1,dc=x")
    folder.replace("hr.csv", "1,Anna", "1,Anne")
    folder.ok("run", "hr", "full-import", status=1)
    folder.ok("run", "hr", "delta-sync", status=1)
    folder.ok("run", "dir", "export")
    assert folder.ldif("dir.ldif").entry("cn=1,dc=x")["sn"] == ["Anne"]


@pytest.mark.parametrize("words, says", [
    (["ignore", "hr"], "ignore which object of 'hr'?"),
    (["ignore", "hr", "2"], "until when?"),
    (["ignore", "hr", "2", "until", "soon"], "until when?"),
    (["ignore", "hr", "2", "until", "2001-01-01"], "is over already"),
    (["ignore", "hr", "1", "until", "2099-01-01"], "not in error"),
    (["ignore", "hr", "99", "until", "2099-01-01"], "has no object '99'"),
    (["quarantine", "hr", "1"], "nothing to hold"),
    (["quarantine", "hr"], "quarantine which object"),
    (["retry"], "of which agent?"),
    (["retry", "hr", "2", "3"], "does not take '3'"),
    (["hr", "2"], "does not take '2'")])
def test_misuse(folder, words, says):
    done = folder.ok("errors", *words, status=2)
    assert says in done.err


def test_codes_are_documented(folder):
    """The table of the program is that of the reference, and every error that
    the reference tells of is in it."""
    text = (ROOT / "docs/reference/counters.md").read_text(encoding="utf-8")
    told, table = text.split("## What to do about an error")
    told = told[told.index("## Errors of a synchronization"):]
    codes = {one["code"]: one["fix"]
             for one in folder.json("errors", "--codes")["codes"]}
    assert codes == dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.M))
    named = {code for cells in re.findall(r"^\| (`.*?) \|", told, re.M)
             for code in re.findall(r"`([\w-]+)`", cells)}
    assert named == set(codes)
