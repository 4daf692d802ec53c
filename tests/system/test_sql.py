"""Databases by ODBC as connected systems: MariaDB and SQLite.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sqlite3
import subprocess
import sys
import time

import pytest

from helpers import ROOT, Folder, counted

sys.path.insert(0, str(ROOT / "tools"))
import mariadb  # noqa: E402

MAIN = """\
conjoin: 1
agents: [%s]
guards: { import: { deletions: 100%% }, export: { deletions: 100%% } }
metaverse:
  person:
    attributes:
      employeeID:  { type: string, index: true }
      displayName: string
      mail:        string
      phones:      { type: string, multi: true }
      hired:       datetime
    delete: { when: projected }
"""

APP = """
objects:
  person:
    attributes: { phone: [string] }
    metaverse: person
    join: [ { employeeID: Number } ]
    provision: true
    export:
      Number: employeeID
      'Full `Name"': displayName
      phone: phones
    deprovision: delete
"""


@pytest.fixture(scope="module")
def server():
    with mariadb.Server() as running:
        yield running


class Database:
    def __init__(self, server):
        self.server = server
        self.name = server.database()

    def sql(self, text):
        return self.server.sql(text, self.name).stdout.strip()

    def connect(self, more=""):
        return (f"type: sql\nconnect:\n  driver: MariaDB Unicode\n"
                f"  server: {self.server.address}\n"
                f"  port: {self.server.port}\n  database: {self.name}\n"
                f"  user: {mariadb.USER}\n  password: secret:db\n"
                f"  ca_file: {self.server.ca}\n{more}")


@pytest.fixture
def database(server):
    return Database(server)


def set_secret(folder, name, value):
    folder.ok("secret", "set", name, stdin=value + "\n")


def make(path, **agents):
    folder = Folder(path)
    folder.write("conjoin.yaml", MAIN % ", ".join(agents))
    for name, text in agents.items():
        folder.write(f"agents/{name}.yaml", text)
    set_secret(folder, "db", mariadb.PASSWORD)
    return folder


HR = """  table: emp
  anchor: id
  time_zone: Europe/Rome
  values:
    phone: { table: phone, key: emp, value: number }
objects:
  person:
    attributes: { id: string, phone: [string], hired: datetime }
    metaverse: person
    project: true
    import:
      employeeID: id
      displayName: name
      phones: phone
      hired: hired
"""


def hr(database):
    database.sql("""
        CREATE TABLE emp (id int PRIMARY KEY, hired datetime(3),
            name varchar(40) CHARACTER SET latin1);
        CREATE TABLE phone (emp int REFERENCES emp (id), number varchar(20),
            PRIMARY KEY (emp, number));
        INSERT INTO emp VALUES (1, '2026-07-01 12:00:00.25', 'Jürgen'),
            (2, NULL, 'x'' OR 1=1; --'), (3, NULL, NULL);
        INSERT INTO phone VALUES (1, '+39 1'), (1, '+39 2'), (2, '7');
        """)
    return database.connect(HR)


def app(database, more=""):
    database.sql("""
        CREATE TABLE `app ``user``"` (Id int AUTO_INCREMENT PRIMARY KEY,
            Number varchar(20) UNIQUE, `Full ``Name"` varchar(10));
        CREATE TABLE app_phone (person int, phone varchar(20),
            PRIMARY KEY (person, phone),
            FOREIGN KEY (person) REFERENCES `app ``user``"` (Id)
            ON DELETE CASCADE);
        """)
    return database.connect(
        "  table: '\"app `user`\"\"\"'\n  anchor: Id\n  lock_timeout: 1\n"
        "  values:\n    phone: { table: app_phone, key: person, value: phone }\n"
        + more +
        APP)


def rows(database):
    return database.sql('SELECT Id, Number, `Full ``Name"` FROM '
                        '`app ``user``"` ORDER BY Number')


def test_people_go_from_one_table_to_another(database, tmp_path):
    folder = make(tmp_path, hr=hr(database), app=app(database))
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 3}
    folder.ok("run", "hr", "delta-sync")
    step = folder.step("app", "export", status=1)
    assert counted(step) == {"export-add": 2, "export-failure": 1}
    assert "too long" in step["errors"][0]["message"]
    assert rows(database).split("\n")[0].split("\t")[1:] == ["1", "Jürgen"]
    assert database.sql("SELECT phone FROM app_phone") == "+39 1\n+39 2"
    # what is too long is refused, and shortened it goes through
    database.sql("UPDATE emp SET name = 'short' WHERE id = 2;"
                 "DELETE FROM phone WHERE number = '+39 1';"
                 "UPDATE emp SET name = 'Jörg' WHERE id = 1")
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "delta-sync")
    assert "export-failure" not in counted(folder.step("app", "export"))
    assert [line.split("\t")[1:] for line in rows(database).split("\n")] == \
        [["1", "Jörg"], ["2", "short"], ["3", "NULL"]]
    assert database.sql("SELECT phone FROM app_phone ORDER BY phone") == \
        "+39 2\n7"
    assert "export-failure" not in counted(folder.step("app", "full-import"))
    folder.ok("run", "app", "delta-sync")
    assert counted(folder.step("app", "export")) == {}
    # and goes when its source does
    database.sql("DELETE FROM phone WHERE emp = 1;"
                 "DELETE FROM emp WHERE id = 1")
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "delta-sync")
    folder.step("app", "export")
    assert database.sql('SELECT COUNT(*) FROM `app ``user``"`') == "2"


def text_of(page):
    return (ROOT / f"docs/how-to/{page}.md").read_text(encoding="utf-8")


def agents_of(page):
    return re.findall(r"```yaml\n(type: .*?)```", text_of(page), re.S)


@pytest.mark.parametrize("page", ["mysql", "sqlite", "sql-server", "oracle",
                                  "db2"])
def test_every_howto_has_agents_that_are_right(page, tmp_path):
    assert agents_of(page)
    for text in agents_of(page):
        folder = make(tmp_path, hr=text)
        set_secret(folder, "hr", "x")
        assert folder.json("check")["problems"] == []


def test_the_mysql_howto(database, tmp_path):
    database.sql("CREATE TABLE people (id int PRIMARY KEY, name varchar(40), "
                 "mail varchar(80)); "
                 "INSERT INTO people VALUES (1, 'Ann', 'a@x')")
    text = agents_of("mysql")[0]
    for key, value in (("server", database.server.address),
                       ("port", database.server.port),
                       ("database", database.name), ("user", mariadb.USER),
                       ("ca_file", database.server.ca)):
        text = re.sub(rf"^  {key}: .*$", f"  {key}: {value}", text,
                      flags=re.M)
    folder = make(tmp_path, hr=text)
    set_secret(folder, "hr", mariadb.PASSWORD)
    database.sql(folder.ok("agent", "delta-setup", "hr").out)
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 1}
    database.sql("UPDATE people SET mail = 'b@x'")
    assert counted(folder.step("hr", "delta-import")) == {"stage-update": 1}


def test_the_sqlite_howto(tmp_path):
    folder = make(tmp_path, hr=agents_of("sqlite")[0])
    with sqlite3.connect(tmp_path / "hr.db") as file:
        file.executescript(
            "CREATE TABLE people (id integer PRIMARY KEY, name text, "
            "mail text); INSERT INTO people VALUES (1, 'Ann', 'a@x');")
        file.executescript(folder.ok("agent", "delta-setup", "hr").out)
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 1}
    with sqlite3.connect(tmp_path / "hr.db") as file:
        file.execute("UPDATE people SET mail = 'b@x'")
    assert counted(folder.step("hr", "delta-import")) == {"stage-update": 1}


def test_what_cannot_be_reached_is_told(database, tmp_path):
    folder = make(tmp_path, hr=hr(database))
    set_secret(folder, "db", "wrong;password")
    done = folder.conjoin("run", "hr", "full-import")
    assert done.status != 0
    assert "user" in done.err and "wrong" not in done.err + done.out
    folder.replace("agents/hr.yaml", "MariaDB Unicode", "MariaDB Klingon")
    assert "odbcinst" in folder.conjoin("run", "hr", "full-import").err


def test_deltas_by_system_versioning(database, tmp_path):
    folder = make(tmp_path, hr=hr(database))
    folder.replace("agents/hr.yaml", "  time_zone: Europe/Rome\n",
                   "  time_zone: Europe/Rome\n"
                   "  delta: { by: versioning, overlap: 0 seconds }\n")
    database.sql("ALTER TABLE emp ADD SYSTEM VERSIONING;"
                 "ALTER TABLE phone ADD SYSTEM VERSIONING")
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 3}
    database.sql("UPDATE emp SET name = 'Jörg' WHERE id = 1;"
                 "UPDATE phone SET number = '8' WHERE emp = 2;"
                 "DELETE FROM emp WHERE id = 3;"
                 "INSERT INTO emp VALUES (4, NULL, 'New')")
    assert counted(folder.step("hr", "delta-import")) == {
        "stage-add": 1, "stage-update": 2, "stage-delete": 1}
    assert "stage-add" not in counted(folder.step("hr", "delta-import"))


class Locked:
    """A table that another session has locked, until the end."""

    def __init__(self, database, table):
        self.database = database
        self.session = subprocess.Popen(
            [mariadb.program("mariadb"), "--no-defaults", "-uroot",
             "-NBn", f"--socket={database.server.socket}", database.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.session.stdin.write(f"LOCK TABLES {table} WRITE;\n"
                                 "SELECT 'locked';\n")
        self.session.stdin.flush()

    def __enter__(self):
        assert self.session.stdout.readline() == "locked\n"
        return self

    def __exit__(self, *_):
        self.session.communicate()

    def kill_who_waits(self):
        """As soon as there is one."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = self.database.sql(
                "SELECT id FROM information_schema.processlist "
                f"WHERE db = '{self.database.name}' "
                "AND state LIKE 'Waiting for%metadata lock'")
            if found:
                self.database.sql(f"KILL {found}")
                return
            time.sleep(0.05)
        raise AssertionError("nobody waits for the table")


def lose(database, folder, agent, profile, table):
    """The step's connection is killed while it waits for a table."""
    with Locked(database, table) as lock:
        process = folder.start("run", agent, profile)
        lock.kill_who_waits()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert b"connection" in err


def test_a_connection_that_is_killed_loses_nothing(database, tmp_path):
    folder = make(tmp_path, hr=hr(database), app=app(database))
    folder.replace("agents/app.yaml", "lock_timeout: 1\n",
                   "lock_timeout: 60\n")
    database.sql("UPDATE emp SET name = 'short' WHERE id = 2")
    # while an import reads: the child table behind its own
    lose(database, folder, "hr", "full-import", "phone")
    assert counted(folder.step("hr", "full-import")) == {"stage-add": 3}
    folder.ok("run", "hr", "delta-sync")
    # while an export writes
    lose(database, folder, "app", "export", "app_phone")
    assert rows(database) == ""
    assert counted(folder.step("app", "export")) == {"export-add": 3}
    assert [line.split("\t")[1] for line in rows(database).split("\n")] == \
        ["1", "2", "3"]
    folder.step("app", "full-import")
    folder.ok("run", "app", "delta-sync")
    assert counted(folder.step("app", "export")) == {}
