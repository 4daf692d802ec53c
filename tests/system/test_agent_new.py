"""`conjoin agent`: list, schema, and new agents for real servers and files.

What `agent new` writes must pass `check`, and its first import must work.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pty
import re
import select
import subprocess
import time

import pytest

from helpers import CONJOIN, Folder

MAIN = """\
# A company.
conjoin: 1
agents: [hr]      # the best first
metaverse:
  person:
    attributes:
      employeeID:      { type: string, index: true }
      givenName:       string
      sn:              string
      displayName:     string
      mail:            { type: string, index: true }
      telephoneNumber: string
      title:           string
      manager:         reference
    delete: { when: never }
  group:
    attributes: { name: { type: string, index: true }, member: [reference] }
"""

HR = """\
type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    import: { employeeID: id, givenName: first, sn: last, mail: mail }
"""

PEOPLE = [("1001", "Ann", "Berg"), ("1002", "Bob", "Cole"),
          ("1003", "Cid", "Dorn"), ("1004", "Dot", "Ek")]


@pytest.fixture
def folder(tmp_path):
    """People of HR in the metaverse."""
    made = Folder(tmp_path / "conf")
    made.write("conjoin.yaml", MAIN)
    made.write("agents/hr.yaml", HR)
    made.write("data/hr.csv", "id,first,last,mail\n" + "".join(
        f"{number},{first},{last},{first.lower()}@corp.test\n"
        for number, first, last in PEOPLE))
    made.ok("run", "hr", "full-import-full-sync")
    return made


def entries(base, kind="inetOrgPerson"):
    text = f"dn: ou=people,{base}\nobjectClass: organizationalUnit\n\n"
    for number, first, last in PEOPLE:
        text += (f"dn: uid={first.lower()},ou=people,{base}\n"
                 f"objectClass: {kind}\ncn: {first} {last}\nsn: {last}\n"
                 f"givenName: {first}\nemployeeNumber: {number}\n"
                 f"mail: {first.lower()}@corp.test\n"
                 f"uid: {first.lower()}\nuserPassword: hidden-{number}\n\n")
    return text + (f"dn: cn=all,ou=people,{base}\n"
                   "objectClass: groupOfNames\n"
                   f"member: uid=ann,ou=people,{base}\n"
                   f"member: uid=bob,ou=people,{base}\n")


def settings(**values):
    words = []
    for name, value in values.items():
        words += ["--set", f"{name}={value}"]
    return words


def keep_password(folder, name, server):
    folder.ok("secret", "set", name, stdin=server.password + "\n")


def new(folder, *words, **options):
    return folder.json("agent", "new", *words, "--yes", **options)


def types(made):
    return {one["type"]: one for one in made["types"]}


def import_works(folder, name, count):
    assert folder.json("check")["errors"] == 0
    step = folder.step(name, "full-import")
    assert step["counters"]["stage-add"] == count
    assert step["result"] == "success"


# --- directories -----------------------------------------------------------


def test_openldap(folder, slapd):
    slapd.add(entries(slapd.base))
    keep_password(folder, "dir", slapd)
    made = new(folder, "openldap", "dir", *settings(
        servers=slapd.tls_url, bind_dn=slapd.bind_dn, password="secret:dir",
        ca_file=slapd.ca_file))
    assert made["written"] and made["anchor"] == "entryUUID"
    person = types(made)["inetOrgPerson"]
    assert person["metaverse"] == "person" and person["sample"] == 4
    assert not person["project"]
    # measured: HR has the same numbers and addresses, no names are joined by
    assert set(person["joins"]) == {"employeeID", "mail"}
    assert person["import"]["employeeID"] == "employeeNumber"
    assert person["import"]["displayName"] == "cn"
    assert types(made)["groupOfNames"]["import"]["member"] == "member"
    assert types(made)["groupOfNames"]["project"]
    text = folder.read("agents/dir.yaml")
    assert f"base: '{slapd.base}'" in text or f"base: {slapd.base}" in text
    assert "4 of 4 values are in the metaverse" in text
    assert "hidden" not in text and "userPassword" not in text
    assert folder.read("conjoin.yaml") == MAIN.replace("[hr]", "[hr, dir]")
    import_works(folder, "dir", 5)
    folder.ok("run", "dir", "full-sync")
    ann = folder.json("search", "mv", "person", "employeeID=1001")["objects"]
    assert [c["agent"] for c in ann[0]["connectors"]] == ["dir", "hr"] or \
        len(ann[0]["connectors"]) == 2


def test_plain_ldap_asks_for_encryption(folder, slapd):
    """What would send the password in the clear is not tried."""
    keep_password(folder, "dir", slapd)
    words = settings(servers=slapd.url, bind_dn=slapd.bind_dn,
                     password="secret:dir")
    done = folder.ok("agent", "new", "ldap", "dir", "--yes", *words, status=2)
    assert "not encrypted" in done.err
    slapd.add(entries(slapd.base))
    new(folder, "ldap", "dir", *words, *settings(security="none"))
    import_works(folder, "dir", 5)


def test_a_server_that_is_not_there(folder):
    folder.ok("secret", "set", "dir", stdin="x\n")
    done = folder.ok("agent", "new", "ldap", "dir", "--yes", *settings(
        servers="ldaps://127.0.0.71:1", bind_dn="cn=a", password="secret:dir"),
        status=4)
    assert "127.0.0.71" in done.err
    assert folder.read("conjoin.yaml") == MAIN
    assert not (folder.path / "agents/dir.yaml").exists()


def test_389(folder, dirsrv):
    dirsrv.add(entries(dirsrv.base))
    keep_password(folder, "sun", dirsrv)
    made = new(folder, "sun", *settings(
        servers=dirsrv.url, bind_dn=dirsrv.bind_dn, password="secret:sun",
        security="none"))
    assert made["agent"] == "sun" and made["anchor"] == "nsUniqueId"
    assert types(made)["inetOrgPerson"]["joins"][0] == "employeeID"
    total = 4 + len(dirsrv.search("(objectClass=groupOfNames)"))
    import_works(folder, "sun", total)
    schema = folder.json("agent", "schema", "sun", "--type", "inetOrgPerson")
    attrs = {one["attribute"]: one for one in schema["attributes"]}
    assert attrs["sn"]["required"] and attrs["sn"]["mapped"]
    assert attrs["manager"]["type"] == "reference"


@pytest.fixture(scope="module")
def corp(make_samba):
    domain = make_samba("NEWCORP.TEST", "127.0.0.72")
    text = f"dn: OU=Staff,{domain.base}\nobjectClass: organizationalUnit\n\n"
    for number, first, last in PEOPLE:
        text += (f"dn: CN={first} {last},OU=Staff,{domain.base}\n"
                 "objectClass: user\n"
                 f"sAMAccountName: {first.lower()}\ngivenName: {first}\n"
                 f"sn: {last}\ndisplayName: {first} {last}\n"
                 f"employeeID: {number}\nmail: {first.lower()}@corp.test\n\n")
    text += (f"dn: CN=Everybody,OU=Staff,{domain.base}\nobjectClass: group\n"
             f"sAMAccountName: everybody\n"
             f"member: CN=Ann Berg,OU=Staff,{domain.base}\n")
    domain.add(text)
    return domain


def test_active_directory(folder, corp):
    keep_password(folder, "ad", corp)
    made = new(folder, "ad", *settings(
        servers=corp.tls_url, bind_dn=corp.bind_dn, password="secret:ad",
        ca_file=corp.ca_file))
    assert made["anchor"] == "objectGUID"
    user = types(made)["user"]
    assert user["metaverse"] == "person"
    assert user["joins"][0] in ("employeeID", "mail")
    assert {"employeeID", "mail", "displayName", "sn"} <= set(user["import"])
    assert types(made)["group"]["import"]["member"] == "member"
    assert corp.base in folder.read("agents/ad.yaml")
    assert folder.json("check")["errors"] == 0
    step = folder.step("ad", "full-import")
    assert step["result"] == "success"
    assert step["counters"]["stage-add"] > 5
    schema = folder.json("agent", "schema", "ad", "--type", "user")
    attrs = {one["attribute"]: one for one in schema["attributes"]}
    assert "Schema" in schema["source"]
    assert attrs["objectGUID"]["identifies"]
    assert attrs["objectGUID"]["read_only"]
    assert attrs["memberOf"]["read_only"]        # the back of a link
    assert attrs["memberOf"]["type"] == "reference"
    assert not attrs["displayName"]["read_only"]
    assert attrs["displayName"]["mapped"] and not attrs["displayName"]["multi"]
    assert attrs["description"]["multi"]
    assert attrs["accountExpires"]["syntax"] == "LargeInteger"
    assert attrs["objectClass"]["required"]      # said by top


def test_base_and_types_may_be_said(folder, corp):
    keep_password(folder, "ad", corp)
    made = new(folder, "ad", "staff", "--type", "user=person", *settings(
        servers=corp.tls_url, bind_dn=corp.bind_dn, password="secret:ad",
        ca_file=corp.ca_file, base=f"OU=Staff,{corp.base}"))
    assert list(types(made)) == ["user"] and types(made)["user"]["sample"] == 4
    import_works(folder, "staff", 4)


def test_edirectory(folder, make_standin):
    server = make_standin("edirectory", "o=corp", tls=True)
    server.add(entries("o=corp"))
    made = stand_in(folder, "edirectory", server)
    assert made["anchor"] == "GUID"
    assert types(made)["inetOrgPerson"]["sample"] == 4
    import_works(folder, "edirectory", 5)


def test_ad_lds(folder, make_standin):
    """One that does not name its schema partition tells by RFC 4512."""
    server = make_standin("adlds", "o=app", tls=True)
    server.add("".join(
        f"dn: cn={first},o=app\nobjectClass: user\nsn: {last}\n"
        f"telephoneNumber: {number}\n\n" for number, first, last in PEOPLE))
    made = stand_in(folder, "adlds", server)
    assert made["anchor"] == "objectGUID"
    assert types(made)["user"]["import"]["telephoneNumber"]
    import_works(folder, "adlds", 4)


def stand_in(folder, kind, server):
    keep_password(folder, kind, server)
    return new(folder, kind, *settings(
        servers=server.tls_url, bind_dn=server.bind_dn,
        password=f"secret:{kind}", ca_file=server.ca_file))


# --- files -----------------------------------------------------------------

BADGES = """\
Person ID;First Name;Last Name;E-Mail;Supervisor;Valid until;PIN
1001;Ann;Bérg;ann@corp.test;;2026-12-31;9
1002;Bob;Cole;bob@corp.test;1001;2026-12-31;9
1003;Cid;Dorn;cid@corp.test;1001;2027-01-31;9
"""


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_csv(folder, encoding):
    folder.write("data/badges.csv", BADGES, encoding)
    made = new(folder, "csv", "badges", *settings(path="data/badges.csv"))
    assert made["anchor"] == "Person ID"
    person = types(made)["record"]
    assert set(person["joins"]) == {"employeeID"} or \
        set(person["joins"]) == {"employeeID", "mail"}
    assert person["import"]["manager"] == "Supervisor"
    text = folder.read("agents/badges.yaml")
    assert "delimiter: ';'" in text
    assert ("windows-1252" in text) == (encoding != "utf-8")
    assert "Valid until: datetime" in text
    import_works(folder, "badges", 3)
    folder.ok("run", "badges", "full-sync")
    bob = folder.json("search", "mv", "person", "employeeID=1002")["objects"]
    assert bob[0]["attributes"]["manager"]
    found = folder.json("search", "cs", "badges", "1001")["objects"]
    assert "Bérg" in str(found)


def test_csv_with_types_in_a_column(folder):
    """Types of a file may be called anything."""
    folder.write("data/all.csv", "key,kind,name,id\n1,Staff member,Ann,1001\n"
                 "2,Staff member,Bob,1002\n3,team,All,\n")
    made = new(folder, "csv", "all", "--type", "Staff member=person",
               "--type", "team", *settings(path="data/all.csv", type="kind"))
    assert list(types(made)) == ["Staff member", "team"]
    assert "  Staff-member:\n    type: 'Staff member'\n" in \
        folder.read("agents/all.yaml")
    import_works(folder, "all", 3)


def test_csv_where_nothing_identifies(folder):
    folder.write("data/x.csv", "name,team\nAnn,A\nAnn,A\nBob,\n")
    words = settings(path="data/x.csv")
    done = folder.ok("agent", "new", "csv", "x", "--yes", *words, status=2)
    assert "--set anchor=COLUMN" in done.err
    assert not (folder.path / "agents/x.yaml").exists()
    made = new(folder, "csv", "x", "--type", "record=group", *words,
               *settings(anchor="name"))
    assert made["anchor"] == "name" and "name" in types(made)["record"]["import"]


def test_ldif(folder):
    folder.write("data/dir.ldif", entries("dc=x") + "\n")
    made = new(folder, "ldif", "old", *settings(path="data/dir.ldif"))
    assert made["anchor"] == "dn"
    assert types(made)["inetOrgPerson"]["joins"][0] == "employeeID"
    import_works(folder, "old", 5)
    assert "hidden" not in folder.read("agents/old.yaml")


# --- what is refused, what is not touched -----------------------------------


def test_nothing_is_written_over(folder):
    folder.write("data/x.csv", "id\n1\n")
    words = settings(path="data/x.csv")
    done = folder.ok("agent", "new", "csv", "hr", "--yes", *words, status=2)
    assert "there is an agent 'hr'" in done.err
    folder.write("agents/x.yaml", "mine\n")
    done = folder.ok("agent", "new", "csv", "x", "--yes", *words, status=2)
    assert "is there already" in done.err
    assert folder.read("agents/x.yaml") == "mine\n"
    assert folder.read("conjoin.yaml") == MAIN


def test_a_wrong_folder_is_told(folder):
    folder.replace("agents/hr.yaml", "project:", "prroject:")
    words = ["agent", "new", "csv", "x", "--yes", *settings(path="data/hr.csv")]
    assert "did you mean 'project'" in folder.ok(*words, status=2).err
    assert len(folder.json(*words, status=2)["problems"]) == 1


def test_dry_run_prints_the_file(folder):
    folder.write("data/b.csv", BADGES)
    done = folder.ok("agent", "new", "csv", "b", "--dry-run",
                     *settings(path="data/b.csv"))
    assert done.out.splitlines()[1] == "type: csv"
    assert not (folder.path / "agents/b.yaml").exists()
    assert folder.read("conjoin.yaml") == MAIN
    folder.ok("agent", "new", "csv", "b", "--yes",
              *settings(path="data/b.csv"))
    assert folder.read("agents/b.yaml") == done.out


@pytest.mark.parametrize("words, told", [
    (["agent", "new", "ldap", "--yes"], "--set servers=VALUE"),
    (["agent", "new", "ldap", "--yes", "--set", "servers=ldaps://x",
      "--set", "bind_dn=cn=a"], "--set password=secret:NAME"),
    (["agent", "new", "ldap", "--yes", "--set", "password=hunter2"],
     "must not stand on the command line"),
    (["agent", "new", "ldap", "--yes", "--set", "sarvers=x"],
     "did you mean 'servers'"),
    (["agent", "new", "csv"], "there is nobody to ask"),
    (["agent", "new", "cvs", "--yes"], "csv"),
    (["agent", "new", "csv", "a b", "--yes", "--set", "path=x"], "letters"),
    (["agent", "new", "memory", "m", "--yes"], "does not tell"),
    (["agent", "frobnicate"], "list, schema, new"),
    (["agent", "schema"], "which agent"),
    (["agent", "schema", "hrr"], "did you mean 'hr'"),
    (["agent", "schema", "hr", "--type", "persn"], "did you mean 'person'"),
    (["agent", "list", "--yes"], "does not take '--yes'"),
])
def test_what_is_refused(folder, words, told):
    done = folder.ok(*words, status=2)
    assert told in done.err, done
    assert "hunter2" not in done.err
    assert folder.read("conjoin.yaml") == MAIN


@pytest.mark.parametrize("before, after", [
    ("agents: [hr]", "agents: [hr, b]"),
    ("agents: [ 'hr' ]   # one", "agents: [ 'hr', b ]   # one"),
    ("agents:\n  - hr", "agents:\n  - hr\n  - b"),
    ("agents:\n  - hr   # people\n# end", "agents:\n  - hr   # people\n  - b\n"
     "# end"),
    ("agents:\n- \"hr\"", "agents:\n- \"hr\"\n- b"),
    ("agents: [\n  hr\n  ]", "agents: [\n  hr, b\n  ]"),
])
def test_the_name_is_put_behind_the_others(folder, before, after):
    text = MAIN.replace("agents: [hr]      # the best first", before)
    folder.write("conjoin.yaml", text)
    folder.write("data/b.csv", BADGES)
    new(folder, "csv", "b", *settings(path="data/b.csv"))
    assert folder.read("conjoin.yaml") == text.replace(before, after)
    assert folder.json("check")["errors"] == 0


def test_the_first_agent_projects(tmp_path):
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN.replace("agents: [hr]", "agents: []"))
    folder.write("data/b.csv", BADGES)
    made = new(folder, "csv", "b", *settings(path="data/b.csv"))
    assert types(made)["record"]["project"]
    assert "agents: [b]" in folder.read("conjoin.yaml")
    folder.ok("cycle")
    assert folder.json("search", "mv", "person")["count"] == 3


# --- list and schema --------------------------------------------------------


def test_list(folder):
    assert "csv" in folder.ok("agent", "list").out
    agent = folder.json("agent", "list")["agents"][0]
    assert agent["agent"] == "hr" and agent["connector"] == "csv"
    assert agent["rule_sets"] == [
        {"rule_set": "person", "type": "person", "metaverse": "person"}]


def test_schema_of_a_file(folder):
    schema = folder.json("agent", "schema", "hr")
    assert schema["guessed"] and schema["source"] == "data/hr.csv"
    assert [one["type"] for one in schema["types"]] == ["person"]
    schema = folder.json("agent", "schema", "hr", "--type", "PERSON")
    attrs = {one["attribute"]: one for one in schema["attributes"]}
    assert attrs["id"]["identifies"] and attrs["id"]["type"] == "integer"
    assert attrs["mail"]["mapped"]
    assert "identifies, mapped" in folder.ok(
        "agent", "schema", "hr", "--type", "person").out


def test_schema_of_a_directory(folder, slapd):
    slapd.add(entries(slapd.base))
    keep_password(folder, "dir", slapd)
    new(folder, "openldap", "dir", *settings(
        servers=slapd.tls_url, bind_dn=slapd.bind_dn, password="secret:dir",
        ca_file=slapd.ca_file))
    found = {one["type"]: one for one in
             folder.json("agent", "schema", "dir")["types"]}
    assert found["inetOrgPerson"]["mapped"]
    assert found["inetOrgPerson"]["superiors"] == ["organizationalPerson"]
    assert "posixAccount" not in found
    found = {one["type"]: one["kind"] for one in
             folder.json("agent", "schema", "dir", "--all")["types"]}
    assert found["posixAccount"] == "auxiliary" and found["top"] == "abstract"
    attrs = {one["attribute"]: one for one in folder.json(
        "agent", "schema", "dir", "--type", "inetOrgPerson")["attributes"]}
    assert attrs["sn"]["required"] and not attrs["mail"]["required"]
    assert attrs["cn"]["matching"] == "caseIgnoreMatch"   # that of name
    assert attrs["jpegPhoto"]["type"] == "binary"
    assert "entryUUID" not in attrs
    attrs = {one["attribute"]: one for one in folder.json(
        "agent", "schema", "dir", "--type", "inetOrgPerson",
        "--all")["attributes"]}
    assert attrs["entryUUID"]["identifies"] and attrs["entryUUID"]["read_only"]


# --- on a terminal ----------------------------------------------------------


class Terminal:
    """The program on a pseudo terminal."""

    def __init__(self, folder, *words):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            folder.command(*words), stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "NO_COLOR": "1", "TERM": "dumb",
                 "COLUMNS": "80"})
        os.close(slave)
        self.text = ""

    def expect(self, what, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(what, self.text):
            ready, _, _ = select.select([self.master], [], [], 0.5)
            try:
                read = os.read(self.master, 65536) if ready else b"-"
            except OSError:
                read = b""
            assert read and time.monotonic() < end, \
                f"no '{what}' in:\n{self.text}"
            if ready:
                self.text += read.decode("utf-8", "replace")
        found = re.search(what, self.text)
        self.seen = self.text[:found.end()]
        self.text = self.text[found.end():]

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def end(self):
        self.rest = ""
        while True:
            try:
                read = os.read(self.master, 65536)
            except OSError:
                break
            if not read:
                break
            self.rest += read.decode("utf-8", "replace")
        os.close(self.master)
        return self.process.wait(timeout=60)


def test_on_a_terminal(folder, slapd):
    slapd.add(entries(slapd.base))
    terminal = Terminal(folder, "agent", "new", "openldap", "dir",
                        "--set", f"ca_file={slapd.ca_file}")
    terminal.expect(r"servers .*: $")
    terminal.type(slapd.tls_url)
    terminal.expect(r"bind_dn .*: $")
    terminal.type(slapd.bind_dn)
    terminal.expect(r"password .*\(not shown\): $")
    terminal.type("wrong")
    terminal.expect("refuses name or password")
    terminal.expect(r"servers .*\[ldaps://.*: $")
    terminal.type("")
    terminal.expect(r"bind_dn .*\[cn=admin.*: $")
    terminal.type("")
    terminal.expect(r"\(not shown\): $")
    terminal.type(slapd.password)
    terminal.expect("types to read .inetOrgPerson,groupOfNames.: $")
    terminal.type("inetOrgPerson")
    terminal.expect("4 of type inetOrgPerson:")
    terminal.expect("ann@corp.test")
    terminal.expect(r"\+ agents: \[hr, dir\]")
    terminal.expect(r"write this\? .*: $")
    terminal.type("")
    terminal.expect("written: agents/dir.yaml")
    assert terminal.end() == 0
    assert slapd.password not in folder.read("agents/dir.yaml").split()
    assert "password: secret:dir" in folder.read("agents/dir.yaml")
    assert folder.json("secret", "list")["secrets"] == ["dir"]
    import_works(folder, "dir", 4)


def test_no_is_no(folder):
    folder.write("data/b.csv", BADGES)
    terminal = Terminal(folder, "agent", "new", "csv", "b")
    terminal.expect(r"path .*: $")
    terminal.type("data/b.csv")
    terminal.expect(r"anchor .*\[Person ID\]: $")
    terminal.type("")
    terminal.expect(r"write this\? .*: $")
    terminal.type("no")
    terminal.expect("nothing was written")
    assert terminal.end() == 0
    assert folder.read("conjoin.yaml") == MAIN
    assert not (folder.path / "agents/b.yaml").exists()


def test_help_names_the_words():
    done = subprocess.run([CONJOIN, "help", "agent"], stdout=subprocess.PIPE,
                          text=True, check=True)
    assert "agent list" in done.stdout and "schema AGENT" in done.stdout
