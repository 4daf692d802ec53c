"""Imports from tables of PostgreSQL: what stops them, deltas by the commands
that a user gives, memory.

What each kind of column and child table is read as, and each way to find
changes, have tests/connector/test_postgresql_*.c.

SPDX-License-Identifier: Apache-2.0
"""
import re
import resource
import sys
import textwrap

import pytest

from conftest import wait_until
from helpers import ROOT, Folder, counted
from test_watch import Watch

sys.path.insert(0, str(ROOT / "tools"))
import pgserver  # noqa: E402

MB = 1 << 20
MANY = 200_000

MAIN = """\
conjoin: 1
agents: [AGENTS]
metaverse:
  person:
    attributes:
      id:      { type: string, index: true }
      name:    string
      mail:    [string]
      manager: reference
      start:   datetime
"""
HR = """\
type: postgresql
connect:
  server: %(server)s
  port: %(port)s
  database: %(database)s
  user: conjoin
  password: env:PGPASSWORD
  security: none
  table: people
  anchor: id
%(more)s
objects:
  person:
    metaverse: person
    project: true
    attributes:
      mails: { type: string, multi: true }
      boss:  { type: reference, to: person }
      start: datetime
    import: { id: id, name: name, mail: mails, manager: boss, start: start }
"""
MAILS = "  values: { mails: { table: mails, key: person, value: mail } }\n"
TABLES = """\
CREATE TABLE people (id integer PRIMARY KEY, name text, start timestamp,
                     boss integer REFERENCES people (id));
CREATE TABLE mails (person integer REFERENCES people (id) ON DELETE CASCADE,
                    mail text, PRIMARY KEY (person, mail));
INSERT INTO people SELECT n, 'Person ' || n, '2026-07-01 09:00',
                          nullif((n + 9) / 10, n) FROM generate_series(1, %d) n;
INSERT INTO mails SELECT id, 'p' || id || '@corp.test' FROM people;
"""


@pytest.fixture(scope="module")
def server():
    with pgserver.Server(["fsync = off"]) as running:
        yield running


class Source:
    """A database with people, and a folder with an agent that reads them."""

    def __init__(self, server, path, more, people):
        self.server = server
        self.database = server.database()
        self.sql(TABLES % people)
        self.folder = Folder(path / "conf")
        self.folder.write("conjoin.yaml", MAIN.replace("AGENTS", "hr"))
        self.folder.write("agents/hr.yaml", HR % self.where(more))

    def where(self, more=""):
        return {"server": self.server.folder, "port": self.server.port,
                "database": self.database, "more": more}

    def sql(self, text):
        return self.server.sql(text, self.database).stdout

    def anchors(self):
        found = self.folder.json("search", "cs", "hr", "--limit", "500")
        return {one["anchor"] for one in found["objects"]}

    def run(self, profile="full-import", status=0):
        return self.folder.step("hr", profile, status)


@pytest.fixture
def make(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", pgserver.PASSWORD)
    return lambda more=MAILS, people=100: Source(server, tmp_path, more,
                                                 people)


def test_people_with_all_that_they_have(make):
    hr = make(MAILS + "  time_zone: Europe/Rome\n")
    hr.folder.ok("check")
    assert counted(hr.run()) == {"stage-add": 100}
    assert counted(hr.run()) == {"stage-no-change": 100}
    hr.run("full-sync")
    found = hr.folder.json("search", "mv", "person", "id=7")["objects"]
    assert found[0]["attributes"]["mail"] == ["p7@corp.test"]
    assert found[0]["attributes"]["start"] == ["2026-07-01T07:00:00Z"]
    first = hr.folder.json("search", "mv", "person", "id=1")["objects"][0]
    assert found[0]["attributes"]["manager"] == [str(first["id"])] or \
        str(first["id"]) in str(found[0]["attributes"]["manager"])
    hr.sql("UPDATE people SET name = 'Else' WHERE id = 3; "
           "DELETE FROM mails WHERE person = 4; "
           "DELETE FROM people WHERE id = 99")
    assert counted(hr.run()) == {"stage-no-change": 97, "stage-update": 2,
                                 "stage-delete": 1}


def test_a_table_that_is_empty_deletes_nobody(make):
    hr = make()
    hr.run()
    hr.sql("TRUNCATE people CASCADE")
    step = hr.run(status=3)
    assert step["result"] == "stopped-deletion-threshold-exceeded", step
    hr.sql("INSERT INTO people VALUES (1, 'Person 1')")
    step = hr.run(status=3)
    assert step["result"] == "stopped-deletion-threshold-exceeded", step
    assert len(hr.anchors()) == 100


def test_a_view_that_changed_its_columns(make):
    hr = make(MAILS)
    hr.sql("ALTER TABLE people RENAME TO staff; "
           "CREATE VIEW people AS SELECT * FROM staff")
    assert counted(hr.run()) == {"stage-add": 100}
    hr.sql("DROP VIEW people; "
           "CREATE VIEW people AS SELECT id, name AS nom, start FROM staff")
    done = hr.folder.conjoin("run", "hr", "full-import")
    assert done.status == 4, done
    assert "'people' has no column 'boss'; it has: id, nom, start" in done.err
    hr.sql("DROP VIEW people")
    done = hr.folder.conjoin("run", "hr", "full-import")
    assert done.status == 4, done
    assert "there is no table or view 'people'" in done.err


def test_anchors_that_are_missing_or_there_twice(make):
    hr = make()
    hr.run()
    hr.sql("CREATE TABLE staff AS SELECT * FROM people; "
           "DROP TABLE mails; DROP TABLE people; "
           "ALTER TABLE staff RENAME TO people; "
           "CREATE TABLE mails (person integer, mail text); "
           "INSERT INTO mails SELECT id, 'p' || id || '@corp.test' "
           "FROM people; INSERT INTO people VALUES (NULL, 'Nobody'), "
           "(5, 'Another 5')")
    step = hr.run(status=1)
    assert step["result"] == "completed-discovery-errors"
    assert counted(step)["stage-failure"] == 2
    assert {error["code"] for error in step["errors"]} == {
        "missing-anchor-component", "duplicate-object"}
    assert "nothing was deleted" in step["message"]


def test_deltas_by_a_history(make):
    hr = make(MAILS + "  delta: { by: history }\n  watch: people_changed\n")
    setup = hr.folder.ok("agent", "delta-setup", "hr").out
    assert hr.folder.json("agent", "delta-setup", "hr")["setup"] == setup
    done = hr.folder.conjoin("run", "hr", "full-import")
    assert "conjoin agent delta-setup" in done.err
    hr.sql(setup)
    hr.run()
    assert counted(hr.run("delta-import")) == {}
    hr.sql("UPDATE people SET name = 'Else' WHERE id = 3; "
           "INSERT INTO mails VALUES (4, 'four@corp.test'); "
           "DELETE FROM people WHERE id = 99; "
           "INSERT INTO people VALUES (1000, 'New')")
    assert counted(hr.run("delta-import")) == {
        "stage-update": 2, "stage-delete": 1, "stage-add": 1}
    # what the delta read is not read as changed by a full import
    assert counted(hr.run()) == {"stage-no-change": 100}
    with Watch(hr.folder, "hr") as watch:
        watch.wait_for(event="listening")
        watch.wait_for(event="run")
        hr.sql("DELETE FROM people WHERE id = 98")
        wait_until(lambda: "98" not in hr.anchors(), 30)
        assert watch.end() == 0


def test_a_statement_behind_the_import_that_fails(make):
    hr = make("  delta: { by: view, table: changes, change: what, sequence: "
              "nr, after: 'DELETE FROM changes WHERE nr <= :last' }\n" + MAILS)
    hr.sql("CREATE TABLE changes (nr serial, what text, LIKE people)")
    hr.run()
    hr.sql("INSERT INTO changes (what, id, name) VALUES "
           "('Modify', 3, 'Else'), ('Delete', 4, NULL); "
           "CREATE RULE stays AS ON DELETE TO changes DO INSTEAD "
           "SELECT 1 / (nr - nr) FROM changes")
    step = hr.run("delta-import")
    assert step["result"] == "completed-warnings"
    assert "all is imported, but" in step["message"]
    assert counted(step) == {"stage-update": 1, "stage-delete": 1}
    # told again, which changes nothing
    hr.sql("DROP RULE stays ON changes")
    assert "stage-update" not in counted(hr.run("delta-import"))
    assert hr.sql("SELECT count(*) FROM changes").strip() == "0"


def test_a_new_agent_is_proposed(make):
    hr = make()
    schema = hr.folder.json("agent", "schema", "hr")
    assert [kind["type"] for kind in schema["types"]] == ["person"]
    attributes = hr.folder.json("agent", "schema", "hr", "--type", "person")[
        "attributes"]
    told = {a["attribute"]: a for a in attributes}
    assert told["id"]["identifies"] and told["id"]["type"] == "integer"
    assert told["boss"]["type"] == "reference"
    assert told["start"]["type"] == "datetime"
    assert told["mails"]["multi"]
    settings = [f"--set={key}={value}" for key, value in {
        "server": hr.server.folder, "port": hr.server.port,
        "database": hr.database, "user": "conjoin",
        "password": "env:PGPASSWORD", "security": "none"}.items()]
    hr.folder.ok("agent", "new", "postgresql", "staff", *settings, "--type",
                 "people=person", "--yes")
    text = hr.folder.read("agents/staff.yaml")
    assert "table: people" in text and "anchor: id" in text, text
    hr.folder.ok("check")
    step = hr.folder.step("staff", "full-import")
    assert counted(step) == {"stage-add": 100}


TEAMS = """
CREATE TABLE teams (name text PRIMARY KEY, note text,
                    lead integer REFERENCES people (id));
CREATE TABLE members (team text REFERENCES teams (name),
                      person integer REFERENCES people (id),
                      PRIMARY KEY (team, person));
INSERT INTO teams VALUES ('Engines', 'all of them', 1), ('Looms', NULL, 2);
INSERT INTO members VALUES ('Engines', 1), ('Engines', 2), ('Looms', 3);
"""


def test_several_tables_are_proposed(make):
    hr = make()
    hr.sql(TEAMS)
    main = hr.folder.read("conjoin.yaml").replace("metaverse:\n", """metaverse:
  team:
    attributes: { name: string, lead: reference, member: [reference] }
""")
    hr.folder.write("conjoin.yaml", main)
    settings = [f"--set={key}={value}" for key, value in {
        "server": hr.server.folder, "port": hr.server.port,
        "database": hr.database, "user": "conjoin",
        "password": "env:PGPASSWORD", "security": "none"}.items()]
    hr.folder.ok("agent", "new", "postgresql", "staff", *settings, "--type",
                 "people=person,teams=team", "--yes")
    text = hr.folder.read("agents/staff.yaml")
    assert ("    people: { table: people, anchor: id, values: { mails: "
            "{ table: mails, key: person, value: mail } } }\n") in text, text
    assert ("    teams: { table: teams, anchor: name, values: { members: "
            "{ table: members, key: team, value: person } } }\n") in text
    assert "members: { type: reference, to: people, multi: true }" in text
    assert "lead: { type: reference, to: people }" in text
    hr.folder.ok("check")
    hr.folder.ok("run", "hr", "full-import-full-sync")
    assert counted(hr.folder.step("staff", "full-import")) == {
        "stage-add": 102}
    hr.folder.step("staff", "full-sync")
    team = hr.folder.json("search", "mv", "team", "name=Engines")["objects"]
    assert len(team[0]["attributes"]["member"]) == 2


def test_one_table_with_its_values_is_proposed(make):
    hr = make()
    settings = [f"--set={key}={value}" for key, value in {
        "server": hr.server.folder, "port": hr.server.port,
        "database": hr.database, "user": "conjoin",
        "password": "env:PGPASSWORD", "security": "none"}.items()]
    hr.folder.ok("agent", "new", "postgresql", "staff", *settings, "--type",
                 "people=person", "--yes")
    text = hr.folder.read("agents/staff.yaml")
    assert ("  values:\n    mails: { table: mails, key: person, "
            "value: mail }\n") in text, text
    assert "mail:" in text and " mails\n" in text, text


def test_how_to_of_deltas(make):
    hr = make()
    text = (ROOT / "docs/how-to/database-deltas.md").read_text()
    agent = textwrap.dedent(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    for name, value in (("server", hr.server.folder),
                        ("database", hr.database),
                        ("password", "env:PGPASSWORD\n  security: none\n"
                         f"  port: {hr.server.port}")):
        agent = re.sub(rf"  {name}: .*", f"  {name}: {value}", agent)
    hr.folder.write("agents/hr.yaml", agent)
    hr.sql(hr.folder.ok("agent", "delta-setup", "hr").out)
    hr.folder.ok("run", "hr", "full-import-full-sync")
    hr.sql("UPDATE people SET name = 'Else' WHERE id = 3; "
           "INSERT INTO mails VALUES (4, 'new@corp.test'); "
           "DELETE FROM people WHERE id = 99")
    assert counted(hr.run("delta-import")) == {"stage-update": 2,
                                               "stage-delete": 1}
    assert counted(hr.run("delta-import")) == {}


def heap():
    resource.setrlimit(resource.RLIMIT_DATA, (150 * MB, 150 * MB))


def test_memory_does_not_grow_with_the_table(make):
    hr = make(people=MANY)
    done = hr.folder.json("run", "hr", "full-import", preexec_fn=heap)
    assert counted(done["steps"][-1]) == {"stage-add": MANY}
