"""The steps of bench.py against databases: PostgreSQL, MariaDB, and the
stand-in for SQL Server.

Servers of their own, with a table of the company's people: read by an import
beside the driver's own loop over the same query, written by an export of one
column of everybody beside the driver's own updates (limits_sql.c). At most
PEOPLE of them, whatever the size of the company.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import os
import pathlib
import random
import sqlite3

import mariadb
import people
import pgserver
import tds

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEOPLE = 100000
WINDOW = 100    # of the connector: batch
SELECT = "SELECT " + ", ".join(people.FIELDS) + " FROM people"
UPDATE = "UPDATE people SET title = {} WHERE id = {}"
OLD = "UPDATE people SET title = 'Of before'"

GENERAL = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr, database]
metaverse:
  person:
    attributes:
      id: {{ type: string, index: true }}
      {types}
    precedence: {{ title: [hr, database] }}
"""
HR = """\
type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [id: id]
    import: { title: title }
"""
DATABASE = """\
{connect}
  table: people
  anchor: id
objects:
  person:
    metaverse: person
    join: [id: id]
    project: true
    import:
      {flows}
    export: {{ title: title }}
"""


def create(kind):
    return "CREATE TABLE people (id {0}(20) PRIMARY KEY, {1})".format(
        kind, ", ".join(f"{name} {kind}(200)" for name in people.FIELDS[1:]))


class PostgreSQL:
    def __init__(self, folder, rows):
        self.server = pgserver.Server(["fsync = off"])
        self.name = self.server.database()
        self.password = pgserver.PASSWORD
        with open(folder / "rows.tsv", "w", encoding="utf-8") as out:
            for row in rows:
                out.write("\t".join(row) + "\n")
        self.run(create("varchar"))
        self.run(f"\\copy people FROM '{folder}/rows.tsv'")
        self.run("ANALYZE people")
        self.limit = ("postgresql",
                      self.server.tcp_address(self.name).replace(
                          "@", f":{self.password}@"))
        self.update = UPDATE.format("$1", "$2")
        self.connect = f"""\
type: postgresql
connect:
  server: 127.0.0.1:{self.server.port}
  database: {self.name}
  user: {pgserver.USER}
  password: file:password
  security: none"""

    def run(self, text):
        self.server.sql(text, self.name)

    def close(self):
        self.server.stop()


class ByOdbc:
    update = UPDATE.format("?", "?")

    def describe(self, driver, port, database, user, more):
        self.limit = ("odbc", f"DRIVER={driver};SERVER=127.0.0.1;PORT={port};"
                      f"DATABASE={database};UID={user};"
                      f"PWD={{{self.password.replace('}', '}}')}}};{more}")
        self.connect = f"""\
type: sql
connect:
  driver: {driver}
  server: 127.0.0.1
  port: {port}
  database: {database}
  user: {user}
  password: file:password
  security: none"""


class MariaDB(ByOdbc):
    def __init__(self, folder, rows):
        self.server = mariadb.Server()
        self.name = self.server.database()
        self.password = mariadb.PASSWORD
        self.run(create("varchar"))
        for first in range(0, len(rows), 1000):
            self.run("INSERT INTO people VALUES " + ",".join(
                "(" + ",".join("'" + value.replace("'", "''") + "'"
                               for value in row) + ")"
                for row in rows[first:first + 1000]))
        self.describe("MariaDB Unicode", self.server.port, self.name,
                      mariadb.USER, "CHARSET=utf8mb4")

    def run(self, text):
        self.server.sql(text, self.name)

    def close(self):
        self.server.stop()


class SqlServer(ByOdbc):
    def __init__(self, folder, rows):
        self.password = tds.PASSWORD
        self.file = folder / "hr.db"
        self.run(create("nvarchar"))
        with sqlite3.connect(self.file) as file:
            marks = ",".join("?" for _ in people.FIELDS)
            file.executemany(f"INSERT INTO people VALUES ({marks})", rows)
        program = pathlib.Path(os.environ.get(
            "CONJOIN", ROOT / "build/conjoin")).parent / "tds-server"
        self.server = tds.Server(str(program), folder)
        self.describe("FreeTDS", self.server.port, "hr", tds.USER,
                      "TDS_Version=7.4;ClientCharset=UTF-8")

    def run(self, text):
        with sqlite3.connect(self.file) as file:
            file.execute(text)

    def close(self):
        self.server.stop()


KINDS = {"postgresql": PostgreSQL, "mariadb": MariaDB, "tds": SqlServer}
STEPS = [f"sql-{step}-{kind}" for kind in KINDS
         for step in ("import", "import-unchanged", "export")]


class DatabaseSteps:
    """Of class Bench: sql-import-KIND, sql-import-unchanged-KIND and
    sql-export-KIND."""

    def database_of(self, kind):
        """The server and the company: made when asked for."""
        if kind in self.databases:
            return self.databases[kind]
        folder = self.work / kind
        (folder / "agents").mkdir(parents=True)
        size = min(self.size, PEOPLE)
        people.write(folder / "people.csv", people.FIELDS,
                     people.People(random.Random(self.size), size))
        with open(folder / "people.csv", encoding="utf-8", newline="") as file:
            rows = [tuple(row.values()) for row in csv.DictReader(file)]
        with open(folder / "hr.csv", "w", encoding="utf-8") as out:
            out.write("id,title\n")
            out.writelines(f"{row[0]},Of today {row[0]}\n" for row in rows)
        with open(folder / "updates", "w", encoding="utf-8") as out:
            out.writelines(f"Of today {row[0]}\t{row[0]}\n" for row in rows)
        database = KINDS[kind](folder, rows)
        self.databases[kind] = database
        names = people.FIELDS[1:]
        for name, text in {
                "conjoin.yaml": GENERAL.format(types="\n      ".join(
                    f"{name}: string" for name in names)),
                "agents/hr.yaml": HR,
                "agents/database.yaml": DATABASE.format(
                    connect=database.connect, flows="\n      ".join(
                        f"{name}: {name}" for name in people.FIELDS)),
                "password": database.password + "\n"}.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "password").chmod(0o600)
        self.place_store(folder, f"company_{kind}")
        return database

    def close_databases(self):
        for database in self.databases.values():
            database.close()

    def sql_import(self, kind):
        self.database_of(kind)
        folder = self.work / kind
        self.empty_store(folder, f"company_{kind}")
        return self.conjoin("database", "full-import", folder,
                            stage_add=min(self.size, PEOPLE))

    def sql_import_unchanged(self, kind):
        self.sql_import(kind)
        return self.conjoin("database", "full-import", self.work / kind,
                            stage_no_change=min(self.size, PEOPLE))

    def sql_import_limit(self, kind):
        """The rows of the same query, by the driver alone."""
        return self.limit("rows", *self.database_of(kind).limit, SELECT)

    sql_import_unchanged_limit = sql_import_limit

    def sql_export(self, kind):
        """Everybody has another title."""
        database = self.database_of(kind)
        folder = self.work / kind
        size = min(self.size, PEOPLE)
        database.run(OLD)
        if self.has_kept_store(folder, f"company_{kind}"):
            self.take_kept_store(folder, f"company_{kind}")
        else:
            self.empty_store(folder, f"company_{kind}")
            for agent, profile in [("database", "full-import"),
                                   ("database", "full-sync"),
                                   ("hr", "full-import"),
                                   ("hr", "full-sync")]:
                self.conjoin(agent, profile, folder)
            self.keep_store(folder, f"company_{kind}")
        return self.conjoin("database", "export", folder, export_update=size)

    def sql_export_limit(self, kind):
        database = self.database_of(kind)
        database.run(OLD)
        return self.limit("updates", *database.limit, database.update,
                          self.work / kind / "updates", WINDOW)


def add_step(step, kind):
    name = step.replace("-", "_")
    for end in ("", "_limit"):
        def run(self, method=f"sql_{name}{end}"):
            return getattr(self, method)(kind)
        setattr(DatabaseSteps, f"sql_{name}_{kind}{end}", run)


for each_kind in KINDS:
    for each_step in ("import", "import-unchanged", "export"):
        add_step(each_step, each_kind)
