"""PostgreSQL as a connected system: people from a table into a directory, an
application's table as target, and what can go wrong with the server.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys
import threading

import pytest

from conftest import wait_until
from helpers import ROOT, Folder, counted

sys.path.insert(0, str(ROOT / "tools"))
import pgserver  # noqa: E402

MAIN = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [%s]
metaverse:
  person:
    attributes:
      employeeID:  { type: string, index: true }
      givenName:   string
      sn:          string
      displayName: string
      title:       string
      department:  string
      mails:       { type: string, multi: true }
      manager:     { type: reference }
    delete: { when: projected }
"""

HR = """\
type: postgresql
connect:
%s
  table: emp
  anchor: id
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

DIRECTORY = """\
type: openldap
connect:
  servers: %s
  security: none
  bind_dn: %s
  password: file:secrets/dir
  base: ou=people,dc=corp,dc=test
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision:
      dn: '"uid=" & LCase(Left([givenName], 1) & [sn]) &
        ",ou=people,dc=corp,dc=test"'
      rename: false
    export:
      employeeNumber:   employeeID
      givenName:        givenName
      sn:               sn
      displayName:      displayName
      cn:               displayName
      title:            title
      departmentNumber: department
    deprovision: delete
"""

APP = """\
type: postgresql
connect:
%s
  table: '"App"."user ""a""b"'
  anchor: Number
  lock_timeout: 1
  values:
    mail: { table: '"App".mails', key: person, value: address }
objects:
  person:
    metaverse: person
    attributes: { mail: { type: string, multi: true } }
    join: [ { employeeID: login } ]
    provision: true
    export:
      login: employeeID
      'Full Name': displayName
      mail: mails
    deprovision: delete
"""


@pytest.fixture(scope="module")
def server():
    with pgserver.Server(["fsync = off"]) as running:
        yield running


class Database:
    """A new database, and how agents reach it."""

    def __init__(self, server):
        self.server = server
        self.name = server.database()

    def sql(self, text):
        return self.server.sql(text, self.name).stdout.strip()

    def connect(self, more=""):
        return (f"  server: {self.server.folder}\n"
                f"  port: {self.server.port}\n  database: {self.name}\n"
                f"  user: {pgserver.USER}\n  password: file:secrets/db\n{more}")


@pytest.fixture
def database(server):
    return Database(server)


def make(path, **agents):
    folder = Folder(path)
    folder.write("conjoin.yaml", MAIN % ", ".join(agents))
    folder.write("secrets/db", pgserver.PASSWORD)
    for name, text in agents.items():
        folder.write(f"agents/{name}.yaml", text)
    return folder


def make_people(database):
    database.sql("""
        CREATE TABLE emp (id integer PRIMARY KEY, first text, last text,
                          display text, title text, dept char(10));
        INSERT INTO emp VALUES
            (1001, 'Ann', 'Adams', 'Ann Adams', 'Engineer', 'IT'),
            (1002, 'Bob', 'Brown', 'Bob Brown', 'Clerk', 'Finance'),
            (1003, 'Sys', 'Admin', 'administrator', 'Root', 'IT')""")


def test_new_people_get_an_entry(tmp_path, database, make_slapd):
    """S1 of the scenarios: from a table into a directory."""
    slapd = make_slapd(suffix="dc=corp,dc=test")
    slapd.add("dn: ou=people,dc=corp,dc=test\n"
              "objectClass: organizationalUnit\nou: people\n")
    make_people(database)
    folder = make(tmp_path / "conf", hr=HR % database.connect(),
                  dir=DIRECTORY % (slapd.url, slapd.bind_dn))
    folder.write("secrets/dir", slapd.password)
    folder.ok("check")
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 3}
    step = folder.step("hr", "delta-sync")
    assert counted(step)["disconnector-filtered"] == 1
    assert counted(step)["disconnector-projected-flow"] == 2
    assert counted(folder.step("dir", "export")) == {"export-add": 2}
    found = slapd.search("(objectClass=inetOrgPerson)")
    assert sorted(found) == ["uid=aadams,ou=people,dc=corp,dc=test",
                             "uid=bbrown,ou=people,dc=corp,dc=test"]
    ann = found["uid=aadams,ou=people,dc=corp,dc=test"]
    assert ann["departmentNumber"] == ["IT"]
    assert ann["employeeNumber"] == ["1001"] and ann["cn"] == ["Ann Adams"]
    assert counted(folder.step("dir", "full-import"))["stage-add"] == 2
    folder.step("dir", "delta-sync")
    assert counted(folder.step("hr", "full-import")) == {"stage-no-change": 3}


def make_app(database):
    """Names that nobody would choose."""
    database.sql("""
        CREATE SCHEMA "App";
        CREATE TABLE "App"."user ""a""b"
            ("Number" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             login text UNIQUE, "Full Name" varchar(40) NOT NULL);
        CREATE TABLE "App".mails (person integer NOT NULL
            REFERENCES "App"."user ""a""b", address text NOT NULL,
            PRIMARY KEY (person, address))""")


def users(database):
    return database.sql('SELECT login, "Full Name" FROM '
                        '"App"."user ""a""b" ORDER BY login')


CSV = """\
type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    attributes: { mail: { type: string, multi: true, separator: ';' } }
    metaverse: person
    project: true
    import: { employeeID: id, displayName: name, mails: mail }
"""


def with_target(path, database):
    make_app(database)
    folder = make(path, hr=CSV, app=APP % database.connect())
    folder.write("data/hr.csv", "id,name,mail\n"
                 "1,Ann,a@x;b@x\n2,Bob,\n3,Cid,c@x\n")
    return folder


def bring(folder, status=0):
    """From the file into the application."""
    folder.step("hr", "full-import")
    folder.step("hr", "delta-sync")
    return folder.step("app", "export", status=status)


def confirm(folder):
    step = folder.step("app", "full-import")
    folder.step("app", "delta-sync")
    return step


def test_rows_are_made_changed_and_taken_away(tmp_path, database):
    folder = with_target(tmp_path / "conf", database)
    assert counted(bring(folder)) == {"export-add": 3}
    assert users(database) == "1|Ann\n2|Bob\n3|Cid"
    assert database.sql('SELECT person, address FROM "App".mails ORDER BY 1, '
                        '2') == "1|a@x\n1|b@x\n3|c@x"
    assert counted(confirm(folder)) == {"stage-add": 3}
    assert counted(folder.step("app", "export")) == {}
    folder.write("data/hr.csv", "id,name,mail\n1,Ann,b@x;d@x\n3,Sid,c@x\n")
    assert counted(bring(folder)) == {"export-update": 2, "export-delete": 1}
    assert users(database) == "1|Ann\n3|Sid"
    assert database.sql('SELECT person, address FROM "App".mails ORDER BY 1, '
                        '2') == "1|b@x\n1|d@x\n3|c@x"
    step = confirm(folder)
    assert counted(step) == {"stage-update": 2, "stage-delete": 1}
    assert counted(folder.step("app", "export")) == {}


def test_values_are_no_code(tmp_path, database):
    evil = "x'); DROP SCHEMA \"App\" CASCADE; --"
    folder = with_target(tmp_path / "conf", database)
    folder.write("data/hr.csv", 'id,name,mail\n'
                 f'1,"{evil.replace(chr(34), 2 * chr(34))}",'
                 '\'||(SELECT 1)||\'\n2,$1 :login ? %s \\x,\\\n')
    assert counted(bring(folder)) == {"export-add": 2}
    assert users(database) == f"1|{evil}\n2|$1 :login ? %s \\x"
    assert database.sql('SELECT address FROM "App".mails ORDER BY 1') == \
        "'||(SELECT 1)||'\n\\"
    confirm(folder)
    assert counted(folder.step("app", "export")) == {}


def test_what_is_refused_is_one_objects(tmp_path, database):
    folder = with_target(tmp_path / "conf", database)
    folder.write("data/hr.csv", f"id,name,mail\n1,Ann,\n2,{'B' * 41},\n"
                 "3,Cid,\n4,,\n")
    step = bring(folder, status=1)
    assert counted(step)["export-failure"] == 2
    assert users(database) == "1|Ann\n3|Cid"
    text = folder.ok("errors", "app").out
    assert "invalid-attribute-value" in text and "varying(40)" in text
    assert "schema-violation" in text


def test_a_locked_row_holds_up_nobody_else(tmp_path, database):
    folder = with_target(tmp_path / "conf", database)
    bring(folder)
    confirm(folder)
    held = threading.Thread(target=database.server.sql, args=(
        'BEGIN; UPDATE "App"."user ""a""b" SET login = login WHERE '
        "login = '2'; SELECT pg_sleep(30)", database.name, False))
    held.start()
    wait_until(lambda: database.sql(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND "
        "wait_event = 'PgSleep' AND pid <> pg_backend_pid()"))
    folder.write("data/hr.csv", "id,name,mail\n1,A,\n2,B,\n3,C,\n")
    step = bring(folder, status=1)
    assert counted(step) == {"export-update": 2, "export-failure": 1}
    assert "55P03" in folder.ok("errors", "app").out
    database.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE "
                 "query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid()")
    held.join()
    assert counted(folder.step("app", "export")) == {"export-update": 1}
    assert users(database) == "1|A\n2|B\n3|C"


def test_a_server_that_goes_away_in_an_export(tmp_path, database):
    """What it had committed is not done twice, and the rest is done."""
    folder = with_target(tmp_path / "conf", database)
    folder.replace("agents/app.yaml", "  lock_timeout: 1\n",
                   "  lock_timeout: 1\n  batch: 10\n")
    folder.write("data/hr.csv", "id,name,mail\n" + "".join(
        f"{number},Name {number},{number}@x\n" for number in range(1, 101)))
    database.sql("""
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END
        $$;
        CREATE CONSTRAINT TRIGGER die AFTER INSERT ON "App".mails
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN
        (NEW.address = '55@x') EXECUTE FUNCTION die()""")
    folder.step("hr", "full-import")
    folder.step("hr", "delta-sync")
    done = folder.conjoin("run", "app", "export", "--json")
    assert done.status != 0
    assert done.json["steps"][-1]["result"] == "stopped-export-write"
    there = int(database.sql('SELECT count(*) FROM "App".mails'))
    assert 0 < there < 100
    database.sql('DROP TRIGGER die ON "App".mails')
    folder.step("app", "export")
    assert database.sql('SELECT count(*), count(DISTINCT login) FROM '
                        '"App"."user ""a""b"') == "100|100"
    assert database.sql('SELECT count(*) FROM "App".mails') == "100"
    step = confirm(folder)
    assert counted(step) == {"stage-add": 100}
    assert counted(folder.step("app", "export")) == {}


def test_a_server_that_goes_away_in_an_import(tmp_path, database):
    """Nothing is found gone."""
    make_people(database)
    folder = make(tmp_path / "conf", hr=HR % database.connect())
    folder.step("hr", "full-import")
    folder.step("hr", "delta-sync")
    database.sql("""
        ALTER TABLE emp RENAME TO people;
        CREATE FUNCTION die(number integer) RETURNS integer LANGUAGE plpgsql
        AS $$ BEGIN IF number = 1002 THEN
        PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN number; END $$;
        CREATE VIEW emp AS SELECT die(id) AS id, first, last, display, title,
        dept FROM people""")
    done = folder.conjoin("run", "hr", "full-import", "--json")
    assert done.status != 0
    step = done.json["steps"][-1]
    assert step["result"] in ("stopped-import-read", "no-start-connection")
    assert not counted(step).get("stage-delete")
    database.sql("DROP VIEW emp; ALTER TABLE people RENAME TO emp")
    assert counted(folder.step("hr", "full-import")) == {"stage-no-change": 3}


def test_a_server_that_is_not_there(tmp_path, database):
    make_people(database)
    folder = make(tmp_path / "conf", hr=HR % database.connect())
    folder.replace("agents/hr.yaml", f"server: {database.server.folder}",
                   "server: [127.0.0.61, '127.0.0.62:6']\n  security: none")
    done = folder.conjoin("run", "hr", "full-import", "--json")
    step = done.json["steps"][-1]
    assert step["result"] == "no-start-connection"
    assert "127.0.0.61" in step["message"] and "127.0.0.62:6" in step["message"]
    folder.replace("agents/hr.yaml", "server: [127.0.0.61, '127.0.0.62:6']",
                   f"server: [127.0.0.61, '127.0.0.1:{database.server.port}']")
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 3}
    folder.write("secrets/db", "not-this-one")
    done = folder.conjoin("run", "hr", "full-import", "--json")
    step = done.json["steps"][-1]
    assert step["result"] == "no-start-credentials"
    assert "not-this-one" not in done.out + done.err


def test_how_to(tmp_path, database):
    """Both agents of the how-to, and its rights, on one database."""
    text = (ROOT / "docs/how-to/postgresql-agent.md").read_text()
    agents = dict(re.findall(r"^`agents/(\w+)\.yaml`:\n\n```yaml\n(.*?)^```$",
                             text, re.M | re.S))
    grants = re.findall(r"^```sql\n(.*?)^```$", text, re.M | re.S)
    database.sql("""
        CREATE TABLE people (id integer PRIMARY KEY, number text, name text);
        CREATE TABLE mails (person integer REFERENCES people, address text);
        CREATE TABLE accounts (id serial PRIMARY KEY, staff_number text,
                               display_name text);
        CREATE TABLE roles (account integer REFERENCES accounts, name text);
        INSERT INTO people VALUES (1, 'E1', 'Ann'), (2, 'E2', 'Bob');
        INSERT INTO mails VALUES (1, 'a@corp.test')""")
    database.sql(("".join(grants) + "GRANT USAGE ON SEQUENCE accounts_id_seq "
                  "TO conjoin").replace("conjoin", "how_to"))
    folder = make(tmp_path / "conf", **{
        name: re.sub(r"  server: .*\n  database: .*\n  user: .*\n"
                     r"  password: .*\n", database.connect(), agent)
        .replace("user: conjoin", "user: how_to") for name, agent
        in agents.items()})
    folder.write("secrets/db", "a long one")
    folder.ok("check")
    folder.step("hr", "full-import")
    folder.step("hr", "delta-sync")
    assert counted(folder.step("app", "export")) == {"export-add": 2}
    folder.step("app", "full-import")
    folder.step("app", "delta-sync")
    assert counted(folder.step("app", "export")) == {}
    assert database.sql("SELECT staff_number, display_name, name FROM accounts "
                        "JOIN roles ON account = id ORDER BY 1") == \
        "E1|Ann|user\nE2|Bob|user"


def test_documents(tmp_path):
    """What the reference shows is right."""
    text = (ROOT / "docs/reference/connectors/postgresql.md").read_text()
    shown = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    assert len(shown) == 2
    for number, agent in enumerate(shown):
        folder = Folder(tmp_path / f"conf{number}")
        folder.write("conjoin.yaml", "conjoin: 1\nagents: [one]\nmetaverse:\n"
                     "  person:\n    attributes: { name: string }\n")
        folder.write("agents/one.yaml", agent)
        folder.ok("check")
    found = folder.ok("help", "connector", "postgresql").out
    for names in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|",
                            text.split("## What is read")[0], re.M):
        for name in re.findall(r"\w+", names):
            assert name in found
