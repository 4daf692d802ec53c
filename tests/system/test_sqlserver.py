"""SQL Server (the stand-in, by FreeTDS) as a connected system: changes only, and
what can go wrong on the way.

SPDX-License-Identifier: Apache-2.0
"""
import pytest

import tds
from helpers import Folder, counted

MAIN = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr, app]
metaverse:
  person:
    attributes:
      login: { type: string, index: true }
      name:  string
      born:  datetime
      mails: { type: string, multi: true }
    delete: { when: projected }
guards: { import: { deletions: 100%, empty: allow }, export: { deletions: 100% } }
"""

HR = """\
type: sql
connect:
%s
  table: people
  anchor: id
  values:
    mail: { table: mails, key: person, value: address }
%s
objects:
  person:
    attributes: { mail: { type: string, multi: true } }
    metaverse: person
    project: true
    import: { login: login, name: name, born: born, mails: mail }
"""

APP = """\
type: sql
connect:
%s
  table: app.accounts
  anchor: number
  values:
    mail: { table: app.mails, key: person, value: address }
objects:
  person:
    attributes: { mail: { type: string, multi: true } }
    metaverse: person
    join: [ { login: login } ]
    provision: true
    export: { login: login, 'full name': name, mail: mails }
    deprovision: delete
"""

INIT = """\
CREATE TABLE people (id int NOT NULL PRIMARY KEY, login varchar(20) NOT NULL,
  name nvarchar(40), born date, rv rowversion)
CREATE TABLE mails (person int NOT NULL REFERENCES people (id),
  address varchar(60) NOT NULL, PRIMARY KEY (person, address))
GO
CREATE SCHEMA app
GO
CREATE TABLE app.accounts (number int IDENTITY(1,1) PRIMARY KEY,
  login varchar(20) NOT NULL UNIQUE, [full name] nvarchar(20))
CREATE TABLE app.mails (person int NOT NULL REFERENCES app.accounts (number),
  address varchar(60) NOT NULL, PRIMARY KEY (person, address))
GO
ALTER DATABASE hr SET CHANGE_TRACKING = ON
ALTER TABLE people ENABLE CHANGE_TRACKING
ALTER TABLE mails ENABLE CHANGE_TRACKING
GO
"""


@pytest.fixture
def server(tmp_path):
    one = tds.Server(tmp_path / "tds",
                     INIT + "".join(map(person, range(1, 41))),
                     listen="127.0.0.78")
    yield one
    one.stop()


def person(number):
    return ("INSERT INTO people (id, login, name, born) VALUES"
            f" ({number}, 'p{number}', N'Žofie {number}', '1980-01-01')"
            f" INSERT INTO mails VALUES ({number}, 'p{number}@x')\n")


def make(path, server, delta="", version="7.4"):
    connect = (f"  driver: FreeTDS\n  server: {server.listen}\n"
               f"  port: {server.port}\n  database: hr\n  user: {tds.USER}\n"
               "  password: file:password\n  security: none\n"
               f"  tds_version: '{version}'\n  lock_timeout: 1\n"
               "  timeout: 5")
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", HR % (connect, delta))
    folder.write("agents/app.yaml", APP % connect)
    folder.write("password", tds.PASSWORD)
    (folder.path / "password").chmod(0o600)
    assert folder.json("check", "--online")["problems"] == []
    return folder


def run(folder, agent, profile, status=0):
    step = folder.step(agent, profile, status)
    return counted(step)


def accounts(server):
    """login -> (full name, mail addresses)"""
    mails = {}
    for number, address in server.run("SELECT * FROM app.mails"):
        mails.setdefault(number, []).append(address)
    return {login: (name, sorted(mails.get(number, []))) for number, login, name
            in server.run("SELECT number, login, [full name]"
                          " FROM app.accounts")}


WANTED = {f"p{i}": (f"Žofie {i}", [f"p{i}@x"]) for i in range(1, 41)}


@pytest.mark.parametrize("version", ["7.0", "7.1", "7.4"])
def test_people_become_accounts(tmp_path, server, version):
    folder = make(tmp_path, server, version=version)
    assert run(folder, "hr", "full-import") == {"stage-add": 40}
    run(folder, "hr", "delta-sync")
    assert run(folder, "app", "export") == {"export-add": 40}
    assert accounts(server) == WANTED
    assert run(folder, "app", "full-import")["stage-add"] == 40
    assert run(folder, "hr", "full-import") == {"stage-no-change": 40}
    assert folder.json("search", "mv", "person", "login=p1")["objects"][0][
        "attributes"]["born"] == ["1980-01-01T00:00:00Z"]
    server.run("UPDATE people SET name = N'Neu' WHERE id = 1")
    server.run("INSERT INTO mails VALUES (1, 'neu@x')")
    server.run("DELETE FROM mails WHERE person = 2")
    server.run("DELETE FROM people WHERE id = 2")
    run(folder, "hr", "full-import")
    run(folder, "hr", "delta-sync")
    assert run(folder, "app", "export") == {"export-update": 1,
                                            "export-delete": 1}
    found = accounts(server)
    assert found["p1"] == ("Neu", ["neu@x", "p1@x"]) and "p2" not in found


@pytest.mark.parametrize("way", ["version", "change-tracking"])
def test_changes_only(tmp_path, server, way):
    folder = make(tmp_path, server, f"  delta: {{ by: {way}"
                  + (", column: rv }" if way == "version" else " }"))
    assert run(folder, "hr", "full-import") == {"stage-add": 40}
    assert run(folder, "hr", "delta-import") == {}
    # somebody writes and has not committed: what is not there yet comes later
    writer = server.connect()
    writer.autocommit(False)
    writer.run("UPDATE people SET name = N'Spät' WHERE id = 3")
    assert run(folder, "hr", "delta-import") == {}
    writer.end()
    assert run(folder, "hr", "delta-import") == {"stage-update": 1}
    assert run(folder, "hr", "delta-import") == {}
    server.run("DELETE FROM mails WHERE person = 4")
    server.run("DELETE FROM people WHERE id = 4")
    server.run(person(41))
    server.run("UPDATE people SET born = '1980-01-02' WHERE id = 5")
    assert run(folder, "hr", "delta-import") == {
        "stage-add": 1, "stage-update": 1, "stage-delete": 1}
    if way == "change-tracking":
        server.run("INSERT INTO mails VALUES (6, 'six@x')")
        assert run(folder, "hr", "delta-import") == {"stage-update": 1}
        # changes that the server keeps no longer
        server.run("UPDATE tds_tracked SET min_valid = 1000000")
        step = folder.step("hr", "delta-import", status=4)
        assert "full import" in step["message"]
        server.run("UPDATE tds_tracked SET min_valid = 0")
    assert run(folder, "hr", "full-import") == {"stage-no-change": 40}
    writer.autocommit(True)


def test_a_server_that_goes_away_loses_nothing(tmp_path, server):
    folder = make(tmp_path, server)
    server.kill()
    step = folder.step("hr", "full-import", status=4)
    assert "127.0.0.78" in step["message"]
    server.start()
    for fault in ("drop", "garbage"):
        server.fault(fault, 10, "[login]")
        folder.step("hr", "full-import", status=4)
        assert server.faults_left() == 0
    assert run(folder, "hr", "full-import") == {"stage-add": 40}


@pytest.mark.parametrize("fault", ["before-commit", "after-commit"])
def test_a_lost_commit_is_made_once(tmp_path, server, fault):
    folder = make(tmp_path, server)
    run(folder, "hr", "full-import")
    run(folder, "hr", "delta-sync")
    for what, wanted in (
            ("add", WANTED),
            ("update", {login: (name if int(login[1:]) >= 20 else "Anders",
                                mails)
                        for login, (name, mails) in WANTED.items()}),
            ("delete", {})):
        server.fault(fault)
        folder.step("app", "export", status=4)
        assert server.faults_left() == 0
        folder.ok("run", "app", "export")
        assert accounts(server) == wanted
        if what == "add":
            server.run("UPDATE people SET name = N'Anders' WHERE id < 20")
        elif what == "update":
            server.run("DELETE FROM mails")
            server.run("DELETE FROM people")
        run(folder, "app", "full-import")
        run(folder, "hr", "full-import")
        run(folder, "hr", "delta-sync")
    assert folder.json("pending")["exports"] == []


def test_deadlocks_and_locks(tmp_path, server):
    folder = make(tmp_path, server)
    run(folder, "hr", "full-import")
    run(folder, "hr", "delta-sync")
    server.fault("deadlock", pattern="INSERT INTO [app].[accounts]", skip=7,
                 times=2)
    assert run(folder, "app", "export") == {"export-add": 40}
    assert server.faults_left() == 0
    assert accounts(server) == WANTED
    # a statement that somebody's lock keeps for a minute
    server.run("UPDATE people SET name = N'Neu' WHERE id IN (7, 8)")
    run(folder, "hr", "full-import")
    run(folder, "hr", "delta-sync")
    run(folder, "app", "full-import")
    server.fault("lock", 60, "UPDATE [app].[accounts]", times=4)
    step = folder.step("app", "export", status=1)
    assert {error["code"] for error in step["errors"]} == {"cd-error"}
    server.fault("clear")


def test_values_that_do_not_fit(tmp_path, server):
    folder = make(tmp_path, server)
    server.run("UPDATE people SET name = N'012345678901234567890' WHERE id = 9")
    run(folder, "hr", "full-import")
    run(folder, "hr", "delta-sync")
    step = folder.step("app", "export", status=1)
    assert counted(step) == {"export-add": 39, "export-failure": 1}
    assert [error["code"] for error in step["errors"]] == [
        "invalid-attribute-value"]
    assert "login" not in step["errors"][0]["message"]
    assert accounts(server) == {name: values for name, values
                                in WANTED.items() if name != "p9"}
