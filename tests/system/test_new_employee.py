"""New people in a personnel database get their accounts: from PostgreSQL and
from SQL Server (the stand-in, by FreeTDS), into OpenLDAP and into Active
Directory (Samba).

SPDX-License-Identifier: Apache-2.0
"""
import subprocess
import sys

import pytest

import tds
from forests import units
from helpers import ROOT, Folder, counted

sys.path.insert(0, str(ROOT / "tools"))
import pgserver  # noqa: E402

MAIN = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr, dir]
metaverse:
  person:
    attributes:
      employeeID:  { type: string, index: true }
      givenName:   string
      sn:          string
      displayName: string
      title:       string
      department:  string
    delete: { when: projected }
guards: { import: { deletions: 100%, empty: allow }, export: { deletions: 100% } }
"""

HR = """\
type: %s
connect:
%s
  table: EMP
  anchor: id
%s
objects:
  person:
    metaverse: person
    filter: [ '[display] = "administrator"' ]
    project: true
    import:
      employeeID:  id
      givenName:   first
      sn:          last
      displayName: display
      title:       title
      department:  dept
"""

DIR = """\
type: %(type)s
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  %(secure)s
%(base)s
objects:
  person:
    type: %(class)s
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision:
      dn: '"%(rdn)s=" & LCase(Left([givenName], 1) & [sn]) & ",ou=people,dc=corp,dc=test"'
      unique:
        dn: [ '"%(rdn)s=" & LCase(Left([givenName], 1) & [sn]) & CStr($n) & ",ou=people,dc=corp,dc=test"' ]
      rename: false
    export:
      employeeNumber:   employeeID
      givenName:        givenName
      sn:               sn
      displayName:      displayName
      title:            title
      %(rest)s
    deprovision: delete
"""

TABLE = """\
CREATE TABLE EMP (id varchar(10) NOT NULL PRIMARY KEY,
  %(q1)sfirst%(q2)s %(text)s(40), %(q1)slast%(q2)s %(text)s(40), display %(text)s(80), title %(text)s(40),
  dept %(text)s(40), status char(1))
"""
ROWS = [
    ("1001", "Ann", "Adams", "Ann Adams", "Engineer", "IT", "A"),
    ("1002", "Bob", "Brown", "Bob Brown", "Clerk", "Finance", "A"),
    ("1003", "Sys", "Admin", "administrator", "Root", "IT", "A"),
]


def insert(row):
    return "INSERT INTO EMP VALUES (%s)" % ", ".join(f"'{v}'" for v in row)


# --- where people come from ---

class PostgreSQL:
    """A database of its own for each test."""

    kind = "postgresql"

    def __init__(self, server):
        self.server = server
        self.name = server.database()
        self.run(TABLE % {"q1": "", "q2": "", "text": "varchar"})

    def run(self, sql):
        self.server.sql(sql, self.name)

    def connect(self):
        return (f"  server: 127.0.0.1\n  port: {self.server.port}\n"
                "  security: none\n"
                f"  database: {self.name}\n  user: {pgserver.USER}\n"
                "  password: env:PGPASSWORD")


class SqlServer:
    kind = "sql"

    def __init__(self, server):
        self.server = server
        self.run("DROP TABLE IF EXISTS EMP")
        self.run(TABLE % {"q1": "[", "q2": "]", "text": "nvarchar"})

    def run(self, sql):
        self.server.run(sql)

    def connect(self):
        return (f"  driver: FreeTDS\n  server: {self.server.listen}\n"
                f"  port: {self.server.port}\n  database: hr\n"
                f"  user: {tds.USER}\n  password: env:TDS_PASSWORD\n"
                "  security: none\n  tds_version: '7.4'")


@pytest.fixture(scope="module")
def postgresql():
    with pgserver.Server(["fsync = off"]) as running:
        yield running


@pytest.fixture(scope="module")
def sqlserver(tmp_path_factory):
    server = tds.Server(tmp_path_factory.mktemp("tds"), listen="127.0.0.77")
    yield server
    server.stop()


@pytest.fixture(params=["postgresql", "sql"])
def source(request, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", pgserver.PASSWORD)
    monkeypatch.setenv("TDS_PASSWORD", tds.PASSWORD)
    if request.param == "postgresql":
        return PostgreSQL(request.getfixturevalue("postgresql"))
    return SqlServer(request.getfixturevalue("sqlserver"))


# --- where they go ---

@pytest.fixture(scope="module")
def domain(make_samba):
    server = make_samba("CORP.TEST", "127.0.0.76")
    server.add(units(server.base, "ou=people"))
    return server


@pytest.fixture(params=["ldap", "ad"])
def target(request):
    """The server, its agent's file and what of an entry is looked at."""
    if request.param == "ad":
        server = request.getfixturevalue("domain")
        extra = {"type": "ad", "class": "user", "rdn": "cn",
                 "url": server.tls_url or server.url,
                 "base": "  partitions: [ { base: 'ou=people,"
                         f"{server.base}' }} ]",
                 "secure": f"ca_file: {server.ca_file}",
                 "rest": "department: department"}
        if not server.tls_url:
            extra["secure"] = "security: none"
        return server, extra
    server = request.getfixturevalue("make_slapd")(suffix="dc=corp,dc=test")
    server.add(units(server.base, "ou=people"))
    return server, {
        "type": "ldap", "class": "inetOrgPerson", "rdn": "uid",
        "url": server.url, "secure": "security: none",
        "base": "  base: 'ou=people,dc=corp,dc=test'",
        "rest": "cn: displayName\n      departmentNumber: department"}


@pytest.fixture
def folder(tmp_path, source, target):
    server, extra = target
    made = Folder(tmp_path / "conf")
    made.write("conjoin.yaml", MAIN)
    made.write("agents/hr.yaml", HR % (source.kind, source.connect(), ""))
    made.write("agents/dir.yaml", DIR % {**extra, "bind": server.bind_dn})
    made.write("password", server.password + "\n")
    (made.path / "password").chmod(0o600)
    found = made.json("check", "--online")
    assert found["problems"] == []
    return made


def counts(folder, agent, profile):
    step = folder.step(agent, profile)
    found = counted(step)
    for name, counters in step["outbound"].items():
        found.update({f"{name}.{counter}": count
                      for counter, count in counters.items() if count})
    return found


def people(server):
    """employeeNumber -> what is looked at."""
    found = server.search("(employeeNumber=*)",
                          base="ou=people,dc=corp,dc=test")
    return {values["employeeNumber"][0]: (
        dn.split(",")[0].lower().split("=")[1],
        *(values[name][0] for name in ("givenName", "sn", "displayName",
                                       "title")),
        values.get("departmentNumber", values.get("department"))[0])
        for dn, values in found.items()}


ANN = ("aadams", "Ann", "Adams", "Ann Adams", "Engineer", "IT")
BOB = ("bbrown", "Bob", "Brown", "Bob Brown", "Clerk", "Finance")


def test_new_people_get_accounts(source, target, folder):
    server, _ = target
    for row in ROWS:
        source.run(insert(row))
    assert counts(folder, "hr", "full-import") == {"stage-add": 3}
    assert folder.json("search", "mv", "person")["objects"] == []
    assert counts(folder, "hr", "delta-sync") == {
        "disconnector-filtered": 1, "disconnector-projected-flow": 2,
        "dir.provisioned-add-flow": 2}
    assert people(server) == {}
    assert counts(folder, "dir", "export") == {"export-add": 2}
    assert people(server) == {"1001": ANN, "1002": BOB}
    assert counts(folder, "dir", "full-import")["stage-add"] == 2
    folder.step("dir", "delta-sync")
    assert folder.json("pending")["exports"] == []
    assert counts(folder, "hr", "full-import") == {"stage-no-change": 3}
    # and they change, come and go
    source.run("UPDATE EMP SET title = 'Senior Clerk' WHERE id = '1002'")
    source.run("DELETE FROM EMP WHERE id = '1001'")
    source.run(insert(("1005", "Eve", "Evans", "Eve Evans", "Analyst", "IT",
                       "A")))
    assert counts(folder, "hr", "full-import") == {
        "stage-add": 1, "stage-update": 1, "stage-delete": 1,
        "stage-no-change": 1}
    assert counts(folder, "hr", "delta-sync") == {
        "connector-flow": 1, "disconnector-projected-flow": 1,
        "connector-delete-remove-mv": 1, "dir.connector-flow": 1,
        "dir.provisioned-add-flow": 1, "dir.provisioned-disconnect": 1}
    assert counts(folder, "dir", "export") == {
        "export-add": 1, "export-update": 1, "export-delete": 1}
    assert people(server) == {
        "1002": (*BOB[:4], "Senior Clerk", "Finance"),
        "1005": ("eevans", "Eve", "Evans", "Eve Evans", "Analyst", "IT")}
    # the domain is shared
    source.run("DELETE FROM EMP")
    folder.step("hr", "full-import")
    folder.step("hr", "delta-sync")
    folder.step("dir", "export")
    assert people(server) == {}
