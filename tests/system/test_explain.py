"""preview and explain: what a synchronization would do, and why things are so.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from helpers import Folder

CONJOIN_YAML = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr, phone, dir]
metaverse:
  person:
    attributes:
      employeeID:  { type: string, index: true }
      displayName: string
      mail:        { type: string, index: true }
      phone:       string
      login:       string
      nick:        string
      note:        string
      tags:        [string]
      manager:     reference
      active:      boolean
    precedence: { phone: [phone, hr], nick: equal }
    delete: { when: projected }
"""

HR_YAML = """\
type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    attributes:
      boss: { type: reference, to: person }
      tags: { type: string, multi: true, separator: ';' }
    metaverse: person
    filter:
      - '[status] = "T"'
      - '[status] = "X"'
    project: true
    import:
      employeeID:  id
      displayName: 'Trim([name])'
      mail:        mail
      phone:       phone
      nick:        nick
      tags:        { from: tags, merge: ignore-case }
      manager:     boss
      active:      '[status] = "A"'
"""

PHONE_YAML = """\
type: csv
connect: { path: data/phone.csv, anchor: line }
objects:
  line:
    scope: '[kind] = "desk"'
    metaverse: person
    join:
      - { employeeID: person, when: '[person] <> "0"' }
      - mail: mail
    import:
      phone: '"+49 " & [line]'
      nick:  nick
      tags:  { from: '[kind]', merge: ignore-case }
"""

DIR_YAML = """\
type: ldif
connect: { path: data/dir.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    join:
      - employeeID: employeeNumber
    provision:
      when: '[active]'
      require: [mail, displayName]
      dn: '"cn=" & EscapeDNComponent([displayName]) & ",ou=people,dc=x"'
      initial:
        userPassword: 'RandomPassword(24)'
      rename: true
    import:
      login: uid
    export:
      employeeNumber:  employeeID
      sn:              displayName
      mail:            mail
      telephoneNumber: phone
      manager:         manager
    deprovision: disconnect
"""

HR = """\
id,name,mail,phone,nick,boss,status,tags
1,Ann Ash,ann@x.test,555-1,annie,,A,one;two
2,Bob Birch,bob@x.test,555-2,,1,A,
3,Cy Cedar,,,,1,A,
4,Di Dogwood,di@x.test,,,,T,
5,Ed Elm,ed@x.test,,,2,L,
"""

PHONE = """\
line,person,mail,kind,nick
71,1,,desk,nan
72,9,,desk,
73,0,nobody@x.test,desk,
74,2,,mobile,
75,0,,desk,
"""


@pytest.fixture
def folder(tmp_path):
    """A company of five, read, synchronized and exported."""
    made = Folder(tmp_path)
    for name, text in {
            "conjoin.yaml": CONJOIN_YAML, "agents/hr.yaml": HR_YAML,
            "agents/phone.yaml": PHONE_YAML, "agents/dir.yaml": DIR_YAML,
            "data/hr.csv": HR, "data/phone.csv": PHONE,
            "data/dir.ldif": ""}.items():
        made.write(name, text)
    made.ok("cycle")
    return made


def line_of(text, part):
    """The 1-based number of the first line with this part."""
    for number, line in enumerate(text.splitlines(), 1):
        if part in line:
            return number
    raise AssertionError(part)


def attribute(explained, name):
    return next(a for a in explained["attributes"] if a["name"] == name)


def steps(preview, step, found=None):
    return [s for s in preview["steps"]
            if s["step"] == step and found in (None, s["found"])]


def mv_of(folder, employee):
    found = folder.json("search", "mv", f"employeeID={employee}")["objects"]
    return found[0]["id"] if found else None


# ---- preview


def test_preview_of_a_new_person(folder):
    folder.write("data/hr.csv", HR + "6,Flo Fir,flo@x.test,,,1,A,\n")
    folder.step("hr", "full-import")
    shown = folder.json("preview", "hr", "6")
    assert shown["object"]["state"] == "disconnector"
    assert shown["result"] == "disconnector-projected-flow"
    assert shown["error"] is None
    assert [s["found"] for s in steps(shown, "filter")] == ["taken", "passed"]
    assert steps(shown, "join")[0]["found"] == "no-rule"
    assert steps(shown, "project")[0]["found"] == "projected"
    manager = [s for s in steps(shown, "import-flow", "value")
               if s["attribute"] == "manager"][0]
    assert manager["won"]
    assert manager["values"] == [f"mv {mv_of(folder, 1)}"]
    assert manager["rule"] == "agents/hr.yaml:%d: manager" % line_of(
        HR_YAML, "manager:")
    new = steps(shown, "provision", "new")
    assert [s["values"] for s in new] == [["cn=Flo Fir,ou=people,dc=x"]]
    pending = {s["attribute"]: s for s in steps(shown, "export-flow")}
    assert pending["mail"]["values"] == ["flo@x.test"]
    assert pending["mail"]["before"] == []
    assert pending["userPassword"]["values"] == ["(secret)"]
    # each rule set once, although it is evaluated in rounds
    assert len(steps(shown, "provision", "wanted")) == 1
    names = [(s["attribute"], s["rule"]) for s in steps(shown, "import-flow")]
    assert len(names) == len(set(names))
    # nothing was kept
    assert mv_of(folder, 6) is None
    assert folder.json("pending")["exports"] == []
    text = folder.ok("preview", "hr", "6").out
    assert "projected as a new person" in text
    assert "a new inetOrgPerson: cn=Flo Fir,ou=people,dc=x" in text
    assert "(secret)" in text
    assert text.rstrip().endswith("run hr delta-sync")


def test_preview_does_what_the_run_then_does(folder):
    folder.write("data/hr.csv", HR.replace("Bob Birch", "Bob Beech"))
    folder.step("hr", "full-import")
    shown = folder.json("preview", "hr", "2")
    assert shown["result"] == "connector-flow"
    changed = [s for s in steps(shown, "import-flow") if s["changed"]]
    assert [(s["attribute"], s["before"], s["values"]) for s in changed] == \
        [("displayName", ["Bob Birch"], ["Bob Beech"])]
    renamed = steps(shown, "provision", "renamed")[0]
    assert renamed["values"] == ["cn=Bob Beech,ou=people,dc=x"]
    assert renamed["object"] == "cn=Bob Birch,ou=people,dc=x"
    text = folder.ok("preview", "hr", "2").out
    marked = [line.split() for line in text.splitlines()
              if line.startswith("  * ")]
    assert marked[0][:3] == ["*", "displayName", "Bob"]
    assert "Bob Birch -> Bob Beech" in text
    step = folder.step("hr", "delta-sync")
    assert step["counters"][shown["result"]] == 1
    pending = folder.json("pending", "dir")["exports"][0]
    assert pending["pending_export"]["dn"] == renamed["values"][0]
    # now it is pending already: a preview marks no change any more
    again = folder.ok("preview", "hr", "2").out
    assert "(pending already)" in again
    assert "\n  *" not in again
    assert folder.json("preview", "hr", "2")["result"] == "connector-no-flow"


def test_preview_of_a_filtered_person(folder):
    folder.write("data/hr.csv", HR.replace(",1,A,\n3", ",1,X,\n3"))
    folder.step("hr", "full-import")
    shown = folder.json("preview", "hr", "2")
    assert shown["result"] == "connector-filtered-remove-mv"
    held = steps(shown, "filter", "filtered")[0]
    assert held["rule"] == "agents/hr.yaml:%d: filter line 2" % line_of(
        HR_YAML, '"X"')
    assert steps(shown, "mv-deletion")
    gone = steps(shown, "deprovision")[0]
    assert (gone["agent"], gone["found"]) == ("dir", "disconnect")
    assert "the connector that created it is gone" in \
        folder.ok("preview", "hr", "2").out


def test_preview_of_a_deletion(folder):
    folder.write("data/hr.csv", HR.replace(
        "2,Bob Birch,bob@x.test,555-2,,1,A,\n", ""))
    folder.step("hr", "full-import")
    shown = folder.json("preview", "hr", "2")
    assert shown["result"] == "connector-delete-remove-mv"
    assert steps(shown, "disconnect")[0]["found"] == "deleted"


def test_preview_names_join_candidates(folder):
    folder.write("data/phone.csv", PHONE.replace("73,0,nobody", "73,0,ed"))
    folder.step("phone", "full-import")
    shown = folder.json("preview", "phone", "73")
    assert [s["found"] for s in steps(shown, "join")] == \
        ["condition", "value", "candidates", "joined"]
    found = steps(shown, "join", "candidates")[0]
    mv = mv_of(folder, 5)
    assert found["candidates"] == [f"mv {mv} (Ed Elm)"]
    assert found["text"] == f"rule 2: mail = 'ed@x.test' finds mv {mv} (Ed Elm)"
    assert steps(shown, "join", "value")[0]["values"] == ["ed@x.test"]


def test_preview_of_an_error(folder):
    folder.replace("agents/dir.yaml", "require: [mail, displayName]",
                   "require: [displayName]")
    folder.replace("agents/dir.yaml", "EscapeDNComponent([displayName])",
                   "EscapeDNComponent([mail])")
    shown = folder.json("preview", "employeeID=3", status=1)
    assert shown["result"] is None
    assert shown["error"]["code"] == "missing-provisioning-attribute"
    done = folder.ok("preview", "employeeID=3", status=1)
    assert "error missing-provisioning-attribute: " in done.out
    assert "nothing of the above would be done" in done.out
    explained = folder.json("explain", "employeeID=3")
    assert explained["error"]["code"] == "missing-provisioning-attribute"


# ---- which object


def test_objects_by_name_number_and_clause(folder):
    mv = mv_of(folder, 2)
    for words in (["mv", mv], ["employeeID=2"], ["mv", "mail=BOB@x.test"],
                  ["displayName^=Bob", "employeeID=2"]):
        assert folder.json("preview", *words)["object"]["id"] == mv
        assert folder.json("explain", *words)["object"]["id"] == mv
    for words in (["hr", "2"], ["hr", "name=Bob Birch"],
                  ["dir", "CN=bob birch, ou=people,dc=x"]):
        assert folder.json("explain", *words)["object"]["mv"] == mv


@pytest.mark.parametrize("words, part", [
    (["mv", "999"], "no metaverse object 999"),
    (["mv", "x"], "'x' is not a number"),
    (["mv"], "which metaverse object?"),
    (["hr"], "which object of agent 'hr'?"),
    (["hr", "99"], "agent 'hr' has no object '99'"),
    (["dir", "cn=Nobody,ou=people,dc=x"], "agent 'dir' has no object"),
    (["hrr", "1"], "did you mean 'hr'?"),
    (["employeeID=99"], "'employeeID=99' finds no object"),
    (["mail~=x.test"], "mv 1 (Ann Ash), mv 2 (Bob Birch)"),
    (["hr", "mail~=x.test"], "hr 1 (1:1), hr 2 (1:2)"),
    (["nam=1"], "no attribute 'nam'"),
])
def test_one_object_only(folder, words, part):
    for command in ("preview", "explain"):
        done = folder.ok(command, *words, status=2)
        assert part in done.err
        assert part in folder.json(command, *words,
                                   status=2)["error"]["message"]


def test_wrong_words(folder):
    assert "does not take 'sn'" in folder.ok(
        "preview", "hr", "2", "sn", status=2).err
    assert "no attribute 'fone': did you mean 'phone'?" in folder.ok(
        "explain", "employeeID=1", "fone", status=2).err
    assert "does not take 'b'" in folder.ok(
        "explain", "hr", "2", "a", "b", status=2).err
    assert "it is one of mv 1" in folder.ok(
        "explain", "hr", "1", "login", status=2).err


# ---- explain: values


def test_winner_and_loser(folder):
    explained = folder.json("explain", "employeeID=1", "phone")
    assert [a["name"] for a in explained["attributes"]] == ["phone"]
    phone = explained["attributes"][0]
    assert phone["values"] == ["+49 71"]
    winner = phone["winner"]
    assert (winner["agent"], winner["object"], winner["rule_set"]) == \
        ("phone", "71", "line")
    assert winner["rule"] == "agents/phone.yaml:%d: phone" % line_of(
        PHONE_YAML, "phone: '")
    assert winner["source"] == '"+49 " & [line]'
    assert winner["since"].endswith("Z") and winner["imported"].endswith("Z")
    assert [(l["agent"], l["values"], l["why"]) for l in phone["losers"]] == \
        [("hr", ["555-1"], "ranked below phone")]
    assert phone["after_sync"] is None
    exported = explained["exports"][0]
    assert (exported["agent"], exported["name"], exported["state"]) == \
        ("dir", "telephoneNumber", "written")
    assert exported["reads"][0]["name"] == "phone"
    text = folder.ok("explain", "employeeID=1", "phone").out
    assert "+49 71" in text and "ranked below phone" in text
    assert "agents/phone.yaml:" in text


def test_short_and_all(folder):
    short = folder.ok("explain", "employeeID=1").out
    assert "ranked below" not in short
    assert "note" not in short
    whole = folder.ok("explain", "employeeID=1", "--all").out
    assert "ranked below phone" in whole
    assert "note  (no value)\n    no rule gives it a value" in whole


def test_losers_without_a_value(folder):
    explained = folder.json("explain", "employeeID=2")
    phone = attribute(explained, "phone")
    assert phone["winner"]["agent"] == "hr"
    assert [(l["agent"], l["id"], l["why"]) for l in phone["losers"]] == \
        [("phone", None, "no connector")]
    mail = attribute(folder.json("explain", "employeeID=3"), "mail")
    assert (mail["values"], mail["winner"]) == ([], None)
    assert mail["losers"][0]["why"] == "no value"


def test_equal_and_merged(folder):
    nick = attribute(folder.json("explain", "employeeID=1"), "nick")
    assert nick["values"] in (["nan"], ["annie"])
    assert nick["losers"][0]["why"] == \
        f"{nick['winner']['agent']} wrote last"
    tags = attribute(folder.json("explain", "employeeID=1"), "tags")
    assert sorted(tags["values"]) == ["desk", "one", "two"]
    assert tags["winner"]["why"] == "the union of its contributors"
    assert {l["why"] for l in tags["losers"]} == {"part of the union"}


def test_a_rule_that_changed_since(folder):
    folder.replace("agents/hr.yaml", "'Trim([name])'", "'UCase([name])'")
    name = attribute(folder.json("explain", "employeeID=1"), "displayName")
    assert name["values"] == ["Ann Ash"]
    assert name["after_sync"] == ["ANN ASH"]
    assert name["winner"]["agent"] == "hr"
    assert name["winner"]["rule"] is None
    assert "not synchronized yet: it will be ANN ASH" in \
        folder.ok("explain", "employeeID=1", "displayName").out


def test_a_rule_that_is_gone(folder):
    folder.replace("agents/hr.yaml", "      nick:        nick\n", "")
    folder.replace("agents/phone.yaml", "      nick:  nick\n", "")
    nick = attribute(folder.json("explain", "employeeID=1"), "nick")
    assert nick["after_sync"] == []
    removed = steps(folder.json("preview", "employeeID=1"), "import-flow",
                    "removed")
    assert [s["attribute"] for s in removed] == ["nick"]


# ---- explain: links and accounts


def test_connectors_and_accounts(folder):
    ann = folder.json("explain", "employeeID=1")
    assert [(c["agent"], c["rule_set"], c["how"])
            for c in ann["connectors"]] == [
                ("hr", "person", "projected"), ("phone", "line", "joined"),
                ("dir", "person", "provisioned")]
    account = ann["provisioning"][0]
    assert (account["agent"], account["wanted"], account["state"]) == \
        ("dir", True, "there")
    cy = folder.json("explain", "employeeID=3")["provisioning"][0]
    assert (cy["wanted"], cy["state"]) == (True, "waits")
    assert "waits for a value of mail" in cy["text"]
    ed = folder.json("explain", "employeeID=5")["provisioning"][0]
    assert (ed["wanted"], ed["state"], ed["when"]) == \
        (False, "not-wanted", "[active]")
    folder.replace("conjoin.yaml", "agents:", "provisioning: off\nagents:")
    cy = folder.json("explain", "employeeID=3")["provisioning"][0]
    assert cy["state"] == "off"


def test_a_blocked_account(folder):
    """Two accounts of Cy's: neither is joined, none is made."""
    text = "".join(
        f"dn: cn=cy{n},ou=people,dc=x\nobjectClass: inetOrgPerson\n"
        f"cn: cy{n}\nsn: Cedar\nemployeeNumber: 3\n\n" for n in (1, 2))
    folder.replace("conjoin.yaml", "agents:", "provisioning: off\nagents:")
    folder.replace("agents/dir.yaml", "employeeID: employeeNumber",
                   "{ employeeID: employeeNumber, when: '[cn] = \"x\"' }")
    folder.write("data/dir.ldif", folder.read("data/dir.ldif") + "\n" + text)
    folder.step("dir", "full-import")
    folder.step("dir", "delta-sync")
    folder.replace("agents/dir.yaml", ", when: '[cn] = \"x\"'", "")
    folder.replace("conjoin.yaml", "provisioning: off\n", "")
    folder.write("data/hr.csv", HR.replace("3,Cy Cedar,", "3,Cy Cedar,cy@x"))
    folder.step("hr", "full-import")
    folder.conjoin("run", "hr", "delta-sync")
    cy = folder.json("explain", "employeeID=3")["provisioning"][0]
    assert cy["state"] == "blocked"
    assert "2 objects of 'person' match it" in cy["text"]
    shown = folder.json("preview", "hr", "3", status=1)
    assert shown["error"]["code"] == "ambiguous"
    assert shown["result"] == "connector-no-flow"


def test_an_account_that_is_remembered(folder):
    folder.write("data/hr.csv", HR.replace("555-2,,1,A", "555-2,,1,L"))
    folder.step("hr", "full-import")
    will = folder.json("explain", "employeeID=2")["provisioning"][0]
    assert will["state"] == "there"
    assert steps(folder.json("preview", "hr", "2"), "deprovision")
    folder.step("hr", "delta-sync")
    bob = folder.json("explain", "employeeID=2")
    assert [c["agent"] for c in bob["connectors"]] == ["hr"]
    assert [(c["agent"], c["how"], c["state"]) for c in bob["remembered"]] == \
        [("dir", "deprovisioned", "disconnector")]
    assert bob["provisioning"][0]["state"] == "not-wanted"
    assert "remembered by" in folder.ok("explain", "employeeID=2").out
    account = folder.json("explain", "dir", "cn=Bob Birch,ou=people,dc=x")
    assert account["state"] == "disconnector"
    assert "deprovisioned from mv 2 (Bob Birch)" in account["why"][0]


# ---- explain: objects of a connector space


def test_why_it_is_a_disconnector(folder):
    def why(agent, name):
        explained = folder.json("explain", agent, name)
        return explained["state"], " / ".join(explained["why"])

    state, text = why("hr", "4")
    assert state == "filtered-disconnector"
    assert 'filtered by [status] = "T" (agents/hr.yaml:%d)' % line_of(
        HR_YAML, '"T"') in text
    state, text = why("phone", "72")
    assert state == "disconnector"
    assert "rule 1: employeeID = '9' finds nobody" in text
    assert "rule 2: mail = mail, which has no value" in text
    assert "the rule set does not project" in text
    _, text = why("phone", "73")
    assert "rule 1: its condition is false" in text
    assert "rule 2: mail = 'nobody@x.test' finds nobody" in text
    _, text = why("phone", "74")
    assert "rule set 'line' does not take it: its scope is false" in text
    assert "no rule set fits" in text
    state, text = why("dir", "ou=people,dc=x")
    assert state == "placeholder"
    assert "no import has read it" in text


def test_why_it_is_a_connector(folder):
    explained = folder.json("explain", "phone", "71")
    assert explained["state"] == "connector"
    assert "joined to mv 1 (Ann Ash) by rule set 'line'" in \
        explained["why"][0]
    names = [a["name"] for a in explained["attributes"]]
    assert names == ["phone", "nick", "tags"]
    text = folder.ok("explain", "hr", "1").out
    assert "its values count for employeeID, displayName" in text
    assert "not for phone" in text
    text = folder.ok("explain", "hr", "1", "phone").out
    assert "its value 555-1 does not count: ranked below phone" in text


def test_an_export_on_its_way(folder):
    dn = "cn=Ann Ash,ou=people,dc=x"
    folder.write("data/hr.csv", HR.replace("ann@", "anna@"))
    folder.step("hr", "full-import")
    own = folder.ok("explain", "hr", "1", "mail").out
    assert "not synchronized yet; before: ann@x.test" in own
    folder.step("hr", "delta-sync")

    def mail():
        explained = folder.json("explain", "dir", dn, "mail")
        return explained["exports"][0]

    pending = mail()
    assert pending["state"] == "pending"
    assert (pending["has"], pending["wanted"]) == (["ann@x.test"],
                                                   ["anna@x.test"])
    assert pending["text"] == "to be written by the next export of dir"
    assert pending["rule"] == "agents/dir.yaml:%d: mail" % line_of(
        DIR_YAML, "mail:            mail")
    assert pending["reads"][0]["values"] == ["anna@x.test"]
    assert "ann@x.test -> anna@x.test" in folder.ok(
        "explain", "employeeID=1").out
    folder.step("dir", "export")
    assert mail()["state"] == "awaiting"
    folder.step("dir", "full-import")
    assert mail()["state"] == "written"


def test_a_reference_that_waits(folder):
    """Flo's boss has no account: her entry goes without him."""
    folder.write("data/hr.csv", HR + "6,Flo Fir,flo@x.test,,,3,A,\n")
    folder.step("hr", "full-import")
    waiting = steps(folder.json("preview", "hr", "6"), "export-flow",
                    "waiting")
    assert [s["attribute"] for s in waiting] == ["manager"]
    assert "(what it refers to is not there yet)" in folder.ok(
        "preview", "hr", "6").out
    folder.step("hr", "delta-sync")
    exported = folder.json("explain", "employeeID=6", "manager")["exports"][0]
    assert exported["state"] == "waiting"
    assert exported["reads"][0]["values"] == [f"mv {mv_of(folder, 3)}"]
    waiting = folder.json("pending", "--references")["references"]
    assert [w["mv"] for w in waiting] == [mv_of(folder, 6)]


def test_what_is_secret_stays_so(folder):
    """Initial passwords, as a preview makes them and as they were read."""
    folder.replace("agents/dir.yaml", "'RandomPassword(24)'",
                   "{ value: Tops3cret }")
    folder.write("data/hr.csv", HR + "6,Flo Fir,flo@x.test,,,1,A,\n")
    folder.step("hr", "full-import")
    outputs = [folder.ok("preview", "hr", "6").out,
               folder.ok("preview", "hr", "6", "--json").out]
    folder.step("hr", "delta-sync")
    for words in (["employeeID=6", "--all"], ["employeeID=6", "--json"],
                  ["dir", "cn=Flo Fir,ou=people,dc=x", "userPassword"],
                  ["dir", "cn=Flo Fir,ou=people,dc=x", "--json"]):
        outputs.append(folder.ok("explain", *words).out)
    assert all("Tops3cret" not in out for out in outputs)
    assert sum("(secret)" in out for out in outputs) >= 4


def test_one_shape(folder):
    """Programs find every member whatever the object is."""
    keys = {"object", "state", "why", "attribute", "values", "attributes",
            "connectors", "remembered", "provisioning", "absent", "exports",
            "error"}
    for words in (["employeeID=1"], ["employeeID=1", "phone"], ["hr", "4"],
                  ["phone", "71"], ["phone", "71", "line"],
                  ["dir", "dc=x"]):
        assert set(folder.json("explain", *words)) == keys
    step = {"step", "found", "text", "rule", "rule_set", "agent", "object",
            "id", "mv", "attribute", "values", "before", "changed", "won",
            "candidates"}
    for words in (["employeeID=1"], ["hr", "4"], ["dir", "dc=x"]):
        shown = folder.json("preview", *words)
        assert set(shown) == {"object", "steps", "result", "error"}
        assert all(set(s) == step for s in shown["steps"])


def test_they_write_nothing(folder):
    store = folder.path / "state/conjoin.db"
    folder.write("data/hr.csv", HR + "6,Flo Fir,flo@x.test,,,1,A,\n")
    folder.step("hr", "full-import")

    def state():
        return [json.dumps(folder.json(*words)) for words in (
            ["search", "mv"], ["search", "cs", "hr"], ["search", "cs", "dir"],
            ["pending"], ["errors"], ["runs"])]

    before = (state(), store.read_bytes())
    for words in (["hr", "6"], ["employeeID=1"], ["phone", "73"]):
        folder.ok("preview", *words)
        folder.ok("explain", *words)
    assert (state(), store.read_bytes()) == before
