"""What objects were, what runs changed, what people did.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import sqlite3

import pytest

from helpers import Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, phone, directory]
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      displayName: string
      title: string
      telephoneNumber: string
      userPassword: string
      proxyAddresses: [string]
      manager: reference
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    attributes:
      manager: { type: reference, to: person }
      mails: { type: string, multi: true, separator: ';' }
    metaverse: person
    project: true
    import:
      employeeID: id
      displayName: name
      title: title
      userPassword: secret
      proxyAddresses: mails
      manager: manager
""",
    "agents/phone.yaml": """type: csv
connect: { path: data/phone.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { employeeID: id } ]
    import: { telephoneNumber: number }
""",
    "agents/directory.yaml": """type: ldif
connect: { path: out/directory.ldif, changes: out/changes.ldif, anchor: dn }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision:
      dn: '"uid=" & [employeeID] & ",ou=people,dc=corp,dc=test"'
    export: { uid: employeeID, cn: displayName, sn: displayName, title: title }
    deprovision: delete
""",
    "out/directory.ldif": """version: 1

dn: dc=corp,dc=test
objectClass: domain
dc: corp

dn: ou=people,dc=corp,dc=test
objectClass: organizationalUnit
ou: people
""",
}
HEAD = "id,name,title,secret,mails,manager\n"
DAY1 = HEAD + """1,Ada Larkin,Chemist,one,a@x;b@x,
2,Ben Osei,Clerk,two,c@x,1
3,Cleo Marsh,Driver,three,,1
"""
DAY2 = HEAD + """1,Ada Larkin,Head of Laboratory,four,a@x;d@x,
2,Ben Osei,Clerk,two,c@x,
4,Dan Reed,Clerk,five,,1
"""


def at(day, hour=12):
    time = f"2026-03-{day:02}T{hour:02}:00:00Z"
    return {"env": {**os.environ, "CONJOIN_FAKE_TIME": time}}


@pytest.fixture
def company(tmp_path):
    """Three days: three people; a phone; changes, one who goes, one comes."""
    folder = Folder(tmp_path / "corp")
    for name, text in FILES.items():
        folder.write(name, text)
    folder.write("data/phone.csv", "id,number\n")
    folder.write("data/hr.csv", DAY1)
    folder.ok("cycle", **at(1))
    folder.write("data/phone.csv", "id,number\n1,+49 30 1\n3,+49 30 3\n")
    folder.ok("cycle", **at(2))
    folder.write("data/hr.csv", DAY2)
    folder.ok("run", "hr", "full-import-delta-sync", **at(3))
    folder.ok("run", "directory", "export", **at(3, 13))
    return folder


def events(folder, *words):
    return folder.json("history", *words)["events"]


def values(event):
    return {value["name"]: (value["before"], value["after"])
            for value in event["attributes"]}


def number_of(folder, clause, *options):
    found = folder.json("search", "mv", clause, *options)["objects"]
    assert len(found) == 1, found
    return found[0]["id"]


def test_of_an_object(company):
    all_of_it = events(company, "employeeID=1")
    assert [(e["what"], e["time"]) for e in all_of_it] == [
        ("exported", "2026-03-03T13:00:00Z"),
        ("changed", "2026-03-03T12:00:00Z"),
        ("changed", "2026-03-02T12:00:00Z"),
        ("exported", "2026-03-01T12:00:00Z"),
        ("created", "2026-03-01T12:00:00Z")]
    sent, changed, joined, added, created = all_of_it
    assert (sent["operation"], sent["answer"]) == ("update", "success")
    assert values(sent) == {"title": (["Chemist"], ["Head of Laboratory"])}
    assert changed["profile"] == "hr full-import-delta-sync"
    told = values(changed)
    assert told["title"] == (["Chemist"], ["Head of Laboratory"])
    assert told["proxyAddresses"] == (["a@x", "b@x"], ["a@x", "d@x"])
    assert {v["name"]: v["by"] for v in changed["attributes"]}["title"] == \
        "hr.person"
    assert values(joined) == {"telephoneNumber": ([], ["+49 30 1"])}
    assert [(link["came"], link["agent"], link["how"])
            for link in joined["links"]] == [(True, "phone", "joined")]
    assert added["operation"] == "add"
    assert values(created)["title"] == ([], ["Chemist"])
    assert sorted(link["agent"] for link in created["links"]) == [
        "directory", "hr"]


def test_an_attribute_and_a_limit(company):
    title = events(company, "hr", "1", "title")
    assert [e["what"] for e in title] == ["exported", "changed", "created"]
    assert all([v["name"] for v in e["attributes"]] == ["title"]
               for e in title)
    assert len(events(company, "hr", "1", "--since", "2026-03-02")) == 3
    assert len(events(company, "hr", "1", "--limit", "2")) == 2
    done = company.ok("history", "hr", "1", "title")
    assert "Chemist -> Head of Laboratory  hr.person" in done.out
    company.ok("history", "hr", "1", "shoe-size", status=2)
    company.ok("history", "hr", "1", "--since", "once", status=2)


def test_secrets_are_not_kept(company):
    told = [value for event in events(company, "employeeID=1")
            for value in event["attributes"] if value["name"] == "userPassword"]
    assert len(told) == 2
    text = json.dumps(told)
    assert "one" not in text and "four" not in text
    store = sqlite3.connect(company.path / "state/conjoin.db")
    kept = b"".join(row[0] for row in store.execute("SELECT what FROM past"))
    assert b"Chemist" in kept and b"one" not in kept and b"four" not in kept


def test_one_that_is_gone(company):
    old = number_of(company, "employeeID=3", "--as-of", "2026-03-02T13:00:00Z")
    assert company.json("search", "mv", "employeeID=3")["objects"] == []
    gone = [e for e in events(company, "mv", str(old))
            if e["what"] == "deleted"]
    assert len(gone) == 1
    assert values(gone[0])["displayName"] == (["Cleo Marsh"], [])
    was = company.json("search", "mv", str(old), "--as-of",
                       "2026-03-02T13:00:00Z")["objects"][0]
    by_guid = events(company, was["guid"])
    assert [e["what"] for e in by_guid][-1] == "created"
    deleted = [e for e in by_guid if e.get("operation") == "delete"]
    assert values(deleted[0])["title"] == (["Driver"], [])


def test_as_of(company):
    def people(*options):
        return {o["attributes"]["employeeID"][0]: o["attributes"]
                for o in company.json("search", "mv", "person",
                                      *options)["objects"]}

    assert sorted(people()) == ["1", "2", "4"]
    assert people("--as-of", "2026-02-01") == {}
    first = people("--as-of", "2026-03-01T13:00:00Z")
    assert sorted(first) == ["1", "2", "3"]
    assert first["1"]["title"] == ["Chemist"]
    assert first["1"]["proxyAddresses"] == ["a@x", "b@x"]
    assert "telephoneNumber" not in first["1"]
    assert "manager" in first["2"]
    second = people("--as-of", "2026-03-02T13:00:00Z")
    assert second["1"]["telephoneNumber"] == ["+49 30 1"]
    assert second["1"]["title"] == ["Chemist"]
    assert people("--as-of", "2026-03-04") == people()
    found = company.json("search", "mv", "title=Chemist", "--as-of",
                         "2026-03-02")["objects"]
    assert [o["attributes"]["employeeID"] for o in found] == [["1"]]
    found = company.json("search", "mv", "person", "--where",
                         '[title] = "Chemist"', "--as-of",
                         "2026-03-02")["objects"]
    assert [o["attributes"]["employeeID"] for o in found] == [["1"]]
    company.ok("search", "cs", "hr", "--as-of", "2026-03-02", status=2)


def test_diff(company):
    runs = {(r["agent"], r["started"][:10]): r["run"]
            for r in company.json("runs", "--limit", "0")["runs"]}
    def differs(*words):
        return company.json("diff", *words)["events"]

    sync = differs("--run", str(runs["hr", "2026-03-03"]))
    assert sorted((e["what"], e["title"]) for e in sync) == [
        ("changed", "Ada Larkin"), ("changed", "Ben Osei"),
        ("created", "Dan Reed"), ("deleted", "Cleo Marsh")]
    export = differs("--run", str(runs["directory", "2026-03-03"]))
    assert sorted((e["what"], e["operation"]) for e in export) == [
        ("exported", "add"), ("exported", "delete"), ("exported", "update")]
    assert differs("2026-03-02T13:00:00Z", "2026-03-04") == sync
    assert differs("2026-03-04") == []
    assert company.ok("diff", "2026-03-04").out == "nothing differs\n"
    both = differs("2026-02-01", "2026-03-02T13:00:00Z")
    assert [e["what"] for e in both] == ["created"] * 3
    company.ok("diff", status=2)
    company.ok("diff", "--run", "99", status=2)
    company.ok("diff", "2026-03-04", "2026-03-01", status=2)


def test_what_was_refused(company):
    company.replace("agents/directory.yaml", """type: ldif
connect: { path: out/directory.ldif, changes: out/changes.ldif, anchor: dn }
""", """type: memory
connect: { path: out/directory.ldif, refuse: [ { attribute: title, longer: 9 } ] }
""")
    company.replace("data/hr.csv", "Clerk,two", "Head of Stores,two")
    company.ok("run", "hr", "full-import-delta-sync", **at(4))
    company.ok("run", "directory", "export", status=1, **at(4, 13))
    sent = events(company, "employeeID=2")[0]
    assert sent["operation"] == "update"
    assert sent["answer"].startswith("constraint-violation: ")
    assert values(sent) == {"title": (["Clerk"], ["Head of Stores"])}
    assert "refused" in company.ok("history", "employeeID=2").out


def test_by_hand(company):
    company.ok("disconnect", "phone", "1", "--preview", **at(4))
    company.ok("disconnect", "phone", "1", **at(4))
    change = events(company, "employeeID=1")[0]
    assert values(change) == {"telephoneNumber": (["+49 30 1"], [])}
    assert [(link["came"], link["agent"]) for link in change["links"]] == [
        (False, "phone")]
    entries = company.json("audit", "show")["entries"]
    assert [e["command"] for e in entries] == ["disconnect phone 1"]


def test_it_is_really_removed(company):
    def kept():
        store = sqlite3.connect(company.path / "state/conjoin.db")
        return b"".join(row[0] for row in
                        store.execute("SELECT what FROM past"))

    assert b"Cleo Marsh" in kept()
    done = company.json("prune", **at(20))
    assert (done["removed"], done["changes"]) == (0, 0)
    company.replace("conjoin.yaml", "    delete:",
                    "    history: 10 days\n    delete:")
    assert company.json("prune", **at(20))["changes"] > 0
    assert kept() == b""
    assert [e["what"] for e in events(company, "employeeID=1")] == ["created"]
    company.replace("conjoin.yaml", "history: 10 days", "history: soon")
    company.ok("prune", status=2)


def test_runs_remove_it_too(company):
    company.ok("run", "hr", "full-import", **at(28))
    assert len(events(company, "employeeID=1")) == 5
    company.replace("conjoin.yaml", "conjoin: 1\n",
                    "conjoin: 1\nhistory: { changes: 20 days }\n")
    company.ok("run", "hr", "full-import", **at(28))
    assert len(events(company, "employeeID=1")) == 1


def test_audit(company, tmp_path):
    assert company.ok("audit", "show").out == "no entries\n"
    company.ok("run", "hr", "full-import", "--allow", "none", **at(4))
    company.ok("run", "hr", "full-import", **at(4))
    company.ok("errors", "retry", "hr", **at(5))
    company.ok("prune", "--before", "2026-01-01", **at(6))
    entries = company.json("audit", "show")["entries"]
    assert [e["command"] for e in entries] == [
        "run hr full-import --allow none", "errors retry hr",
        "prune --before 2026-01-01"]
    assert [e["time"][:10] for e in entries] == [
        "2026-03-04", "2026-03-05", "2026-03-06"]
    assert {e["result"] for e in entries} == {"success"}
    assert len(company.json("audit", "show", "--since",
                            "2026-03-05")["entries"]) == 2
    done = company.json("audit", "verify")
    assert (done["whole"], done["entries"]) == (True, 3)
    assert done["last"] == entries[-1]["hash"]
    company.ok("audit", "verify", "--has", entries[0]["hash"])
    company.ok("audit", "verify", "--has", "00", status=1)

    file = tmp_path / "audit.json"
    text = company.ok("audit", "show", "--json").out
    file.write_text(text)
    company.ok("audit", "verify", file)
    file.write_text(text.replace("errors retry hr", "errors retry ad"))
    done = company.json("audit", "verify", file, status=1)
    assert (done["whole"], done["broken_at"]) == (False, 2)
    whole = json.loads(text)
    del whole["entries"][0]
    file.write_text(json.dumps(whole))
    company.ok("audit", "verify", file, status=1)
    file.write_text("{}")
    company.ok("audit", "verify", file, status=2)


def test_the_audit_log_is_only_added_to(company):
    company.ok("prune")
    store = sqlite3.connect(company.path / "state/conjoin.db")
    with pytest.raises(sqlite3.IntegrityError):
        store.execute("DELETE FROM audit")
    with pytest.raises(sqlite3.IntegrityError):
        store.execute("UPDATE audit SET command = ''")
    # who takes the guard away is found out
    store.execute("DROP TRIGGER audit_fixed")
    store.execute("UPDATE audit SET user = 'nobody'")
    store.commit()
    done = company.ok("audit", "verify", status=1)
    assert "entry 1" in done.out
