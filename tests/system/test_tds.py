"""The stand-in for Microsoft SQL Server by itself: FreeTDS, which others wrote,
reads from it all that it should give.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess
import threading
import time

import pytest

import odbc
import tds

INIT = """\
CREATE TABLE kinds (
  id int NOT NULL PRIMARY KEY, bt bit, ti tinyint, si smallint, bi bigint,
  de decimal(10,2), big decimal(30,5), mo money, sm smallmoney,
  re real, fl float, ch char(6), vc varchar(40), nc nchar(6),
  nv nvarchar(40), mx nvarchar(max), vm varchar(max), tx text, nt ntext,
  bn binary(4), vb varbinary(10), bm varbinary(max), im image,
  gu uniqueidentifier, dt datetime, sd smalldatetime, da date, tm time(3),
  d2 datetime2(7), do datetimeoffset(0), rv rowversion)
INSERT INTO kinds (id, bt, ti, si, bi, de, big, mo, sm, re, fl, ch, vc, nc, nv,
  mx, vm, tx, nt, bn, vb, bm, im, gu, dt, sd, da, tm, d2, do)
VALUES (1, 1, 255, -32768, -9007199254740993, -0.10,
  12345678901234567890.12345, -922337.5, 1.2345, 0.25, 1e100, 'a b', 'Ärger €',
  N'Ž', N'Žižek 🎉 o''k', N'%s', 'x', 'text', N'ñ', 0x01, 0x00ff, 0x, 0xdead,
  '6f9619ff-8b86-d011-b42d-00c04fc964ff', '2026-11-22T08:15:00.123',
  '2026-11-22 08:15', '1066-10-14', '23:59:59.999',
  '9999-12-31 23:59:59.9999999', '2026-11-22T08:15:00+02:00')
INSERT INTO kinds (id) VALUES (2)
GO
CREATE TABLE departments (code varchar(8) NOT NULL PRIMARY KEY,
  name nvarchar(40) NOT NULL)
CREATE TABLE people (
  id int IDENTITY(1,1) NOT NULL, name nvarchar(10) NOT NULL,
  mail varchar(40) CONSTRAINT one_mail UNIQUE,
  department varchar(8) REFERENCES departments (code),
  age tinyint CHECK (age > 10),
  changed datetime2(3) NOT NULL DEFAULT SYSUTCDATETIME(),
  rv rowversion,
  CONSTRAINT pk_people PRIMARY KEY CLUSTERED (id ASC))
CREATE UNIQUE NONCLUSTERED INDEX one_name ON dbo.people (name)
INSERT INTO departments VALUES ('IT', N'Rechner'), ('HR', N'Menschen')
INSERT INTO people (name, mail, department) OUTPUT inserted.id
  VALUES (N'Anna', 'anna@x', 'IT'), (N'Ben', NULL, 'HR')
GO
CREATE SCHEMA hr
GO
CREATE TABLE [hr].[odd name] ([a]]b] int PRIMARY KEY, [c.d] nvarchar(20))
INSERT INTO hr.[odd name] VALUES (1, N'x')
GO
CREATE VIEW staff AS SELECT id, name FROM people WHERE department = 'IT'
GO
CREATE PROCEDURE dbo.hire @name nvarchar(40), @mail varchar(40) = NULL,
  @id int OUTPUT AS
BEGIN
  IF EXISTS (SELECT 1 FROM people WHERE mail = @mail)
  BEGIN
    RAISERROR('mail is taken', 16, 1)
    RETURN 7
  END
  INSERT INTO people (name, mail) VALUES (@name, @mail)
  SET @id = SCOPE_IDENTITY()
END
""" % ("lang " * 3000)

KINDS = [
    "1", "1", "255", "-32768", "-9007199254740993", "-0.10",
    "12345678901234567890.12345", "-922337.5000", "1.2345", "0.25",
    "1e+100", "a b   ", "Ärger €", "Ž     ", "Žižek 🎉 o'k", "lang " * 3000,
    "x", "text", "ñ", "01000000", "00ff", "", "dead",
    "6F9619FF-8B86-D011-B42D-00C04FC964FF", "2026-11-22 08:15:00.123",
    "2026-11-22 08:15:00", "1066-10-14", "23:59:59.999",
    "9999-12-31 23:59:59.9999999",
]

# what a client that does not know the type is told
OLDER = {
    "7.0": {"bi": "decimal", "mx": "ntext", "vm": "text", "bm": "image"},
    "7.1": {"bi": "bigint", "mx": "ntext", "vm": "text", "bm": "image"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = tds.Server(tmp_path_factory.mktemp("tds"), INIT,
                     ["--user", "reader:reader"])
    yield one
    one.stop()


@pytest.fixture(scope="module", params=tds.VERSIONS)
def database(request, server):
    one = server.connect(request.param)
    one.version = request.param
    one.run("SET LOCK_TIMEOUT 5000")
    yield one
    one.end(commit=False)


def refused(database, sql, *params):
    with pytest.raises(odbc.Refused) as caught:
        database.run(sql, *params)
    return caught.value.native


def test_values_of_every_type(database):
    columns = []
    rows = database.run("SELECT * FROM kinds ORDER BY id", kept=columns)
    assert list(rows[0][:len(KINDS)]) == KINDS
    assert rows[0][29].startswith("2026-11-22 08:15:00")
    assert len(rows[0][30]) == 16
    assert rows[1][0] == "2" and rows[1][1:30] == (None,) * 29
    types = dict(columns)
    assert types["id"] == "int" and types["gu"] == "uniqueidentifier"
    for name, known in OLDER.get(database.version, {}).items():
        assert types[name] == known
    known = database.version >= "7.3"
    for name, kind in (("da", "date"), ("d2", "datetime2"),
                       ("do", "datetimeoffset")):
        assert types[name] == (kind if known else "nvarchar")


def test_parameters_of_every_type_come_back(database):
    database.run("DELETE FROM kinds WHERE id >= 10")
    names = ("vc", "nv", "mx", "vb", "gu", "dt", "d2", "de", "bi", "da")
    values = ("Ärger €", "Žižek 🎉", "lang " * 3000, b"\0\xff",
              "6F9619FF-8B86-D011-B42D-00C04FC964FF",
              "2026-11-22 08:15:00.123", "2026-11-22 08:15:00.1234567",
              "-123.45", "9007199254740993", "2000-02-29")
    database.run(
        f"INSERT INTO kinds (id, {', '.join(names)}) VALUES (?"
        + ", ?" * len(names) + ")", 10, *values)
    database.run("INSERT INTO kinds (id, nv, si) VALUES (?, ?, ?)", 11, None,
                 -5)
    row, = database.run(f"SELECT {', '.join(names)} FROM kinds WHERE id = ?",
                        10)
    assert row == tuple("00ff" if value == b"\0\xff" else value
                        for value in values)
    assert database.run("SELECT nv, si FROM kinds WHERE id = ?", 11) == [
        (None, "-5")]


def test_counts_and_keys(database):
    db = database
    db.run("DELETE FROM people WHERE id > 2")
    assert db.run("UPDATE people SET department = ? WHERE id = ?", "IT",
                  1) == 1
    assert db.run("UPDATE people SET department = ? WHERE id = ?", "IT",
                  999) == 0
    assert db.many("UPDATE dbo.people SET department = ? WHERE [id] = ?",
                   [("HR", 1), ("IT", 777), ("IT", 1)]) == [1, 0, 1]
    (new, version), = db.run(
        "INSERT INTO people (name, mail) OUTPUT inserted.[id], inserted.rv"
        " VALUES (?, ?)", "Cleo", "cleo@x")
    assert int(new) > 2
    assert db.run("SELECT id FROM people WHERE rv = CONVERT(binary(8), ?, 2)",
                  version) == [(new,)]
    (last,), = db.run("SELECT MAX(id) FROM people")
    assert last == new
    assert db.run("DELETE FROM people WHERE id = ?", int(new)) == 1


def test_text_is_compared_as_there(database):
    assert database.run("SELECT id FROM people WHERE name = N'ANNA  '") == [
        ("1",)]
    assert database.run("SELECT TOP 1 [name] + N'/' + mail AS both FROM people"
                        " WHERE mail LIKE 'AN%' ORDER BY id") == [
                            ("Anna/anna@x",)]
    assert database.run("SELECT [a]]b], [c.d] FROM [hr].[hr].[odd name]") == [
        ("1", "x")]
    assert database.run("SELECT p.name FROM dbo.people AS p WITH (NOLOCK) JOIN"
                        " departments d ON d.code = p.department WHERE"
                        " p.id IN (SELECT TOP (1) id FROM staff)") == [
                            ("Anna",)]


@pytest.mark.parametrize("sql, number", [
    ("INSERT INTO people (name) VALUES (N'anna')", 2601),
    ("INSERT INTO people (name, mail) VALUES (N'A', 'ANNA@x')", 2627),
    ("INSERT INTO people (name, department) VALUES (N'A', 'XX')", 547),
    ("INSERT INTO people (name, age) VALUES (N'A', 5)", 547),
    ("DELETE FROM departments WHERE code = 'IT'", 547),
    ("INSERT INTO people (mail) VALUES ('x')", 515),
    ("INSERT INTO people (name) VALUES (N'12345678901')", 2628),
    ("INSERT INTO people (name, age) VALUES (N'A', 256)", 220),
    ("INSERT INTO people (name, age) VALUES (N'A', 'x')", 245),
    ("INSERT INTO people (name, changed) VALUES (N'A', 'x')", 241),
    ("INSERT INTO people (id, name) VALUES (77, N'A')", 544),
    ("SELECT CAST('x' AS int)", 245),
    ("SELECT * FROM nowhere", 208),
    ("SELECT nothing FROM people", 207),
    ("EXEC nothing", 2812),
    ("SELECT @a", 137),
    ("SELEC 1", 102),
])
def test_errors_have_their_numbers(database, sql, number):
    assert refused(database, sql) == number


def test_who_may_not(server):
    assert server.connect().run("SELECT 1") == [("1",)]
    with pytest.raises(odbc.Refused, match="18456|08S01|28000|42000"):
        server.connect(password="wrong")
    reader = server.connect(user="reader", password="reader")
    server.run("DENY SELECT, UPDATE ON dbo.people TO reader")
    assert refused(reader, "SELECT * FROM people") == 229
    assert refused(reader, "UPDATE people SET age = 11") == 229
    server.run("GRANT SELECT ON people TO reader")
    assert reader.run("SELECT count(*) FROM people") != []


def test_transactions(server, database):
    db = database
    db.autocommit(False)
    db.run("INSERT INTO departments VALUES ('TMP', N'x')")
    assert db.run("SELECT @@TRANCOUNT") == [("1",)]
    db.end(commit=False)
    assert db.run("SELECT * FROM departments WHERE code = 'TMP'") == []
    db.run("INSERT INTO departments VALUES ('TMP', N'x')")
    other = server.connect(database.version)
    other.run("SET LOCK_TIMEOUT 20")
    assert refused(other, "SELECT * FROM departments") == 1222
    assert refused(other, "UPDATE departments SET name = N'y'") == 1222
    db.end(commit=True)
    assert other.run("DELETE FROM departments WHERE code = 'TMP'") == 1
    db.autocommit(True)


def test_batches_and_procedures(database):
    db = database
    assert db.run("DECLARE @a int = 2, @b nvarchar(10); SET @b = N'Ben'"
                  " IF @a = 2 BEGIN SELECT @a, @b END ELSE SELECT 3") == [
                      ("2", "Ben")]
    db.run("SET NOCOUNT ON DELETE FROM people WHERE id > 2")
    (new,), = db.run("DECLARE @i int EXEC hire @name = N'Dora',"
                     " @mail = 'dora@x', @id = @i OUTPUT SELECT @i")
    assert db.run("SELECT name FROM people WHERE id = ?", int(new)) == [
        ("Dora",)]
    assert refused(db, "EXEC hire N'Dora', 'dora@x', NULL") == 50000


def test_catalogue(database):
    tables = database.catalogue("SQLTablesW", None, None, None, None)
    assert {row[1:4] for row in tables} == {
        ("dbo", "kinds", "TABLE"), ("dbo", "people", "TABLE"),
        ("dbo", "departments", "TABLE"), ("hr", "odd name", "TABLE"),
        ("dbo", "staff", "VIEW")}
    columns = database.catalogue("SQLColumnsW", None, "dbo", "people", None)
    assert [(row[3], row[5], row[6], row[10]) for row in columns] == [
        ("id", "int identity", "10", "0"), ("name", "nvarchar", "10", "0"),
        ("mail", "varchar", "40", "1"), ("department", "varchar", "8", "1"),
        ("age", "tinyint", "3", "1"), ("changed", "datetime2", "27", "0"),
        ("rv", "timestamp", "8", "0")]
    keys = database.catalogue("SQLPrimaryKeysW", None, None, "people")
    assert [row[3] for row in keys] == ["id"]
    foreign = database.catalogue("SQLForeignKeysW", None, None, None, None,
                                 None, "people")
    assert [(row[2], row[3], row[6], row[7]) for row in foreign] == [
        ("departments", "code", "people", "department")]
    assert database.run("SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS"
                        " WHERE TABLE_NAME = 'departments'") == [
                            ("code",), ("name",)]


def test_rowversion_is_safe_beside_a_writer(server):
    reader, writer = server.connect(), server.connect()
    (before,), = reader.run("SELECT @@DBTS")
    writer.autocommit(False)
    writer.run("UPDATE people SET mail = 'b@x' WHERE id = 2")
    (safe,), (last,) = (reader.run("SELECT MIN_ACTIVE_ROWVERSION()")[0],
                        reader.run("SELECT @@DBTS")[0])
    assert before < safe <= last
    writer.end()
    (after,), = reader.run("SELECT MIN_ACTIVE_ROWVERSION()")
    assert after > last
    assert reader.run(f"SELECT id FROM people WHERE rv >= 0x{safe}"
                      f" AND rv < 0x{after}") == [("2",)]
    writer.autocommit(True)


def test_change_tracking(server):
    db = server.connect()
    db.run("CREATE TABLE tracked (a int NOT NULL, b nvarchar(5) NOT NULL,"
           " c int, PRIMARY KEY (a, b))")
    db.run("INSERT INTO tracked VALUES (1, N'x', 1), (2, N'x', 1)")
    db.run("ALTER DATABASE hr SET CHANGE_TRACKING = ON"
           " (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)")
    db.run("ALTER TABLE tracked ENABLE CHANGE_TRACKING"
           " WITH (TRACK_COLUMNS_UPDATED = ON)")
    (start,), = db.run("SELECT CHANGE_TRACKING_CURRENT_VERSION()")
    writer = server.connect()
    writer.autocommit(False)
    writer.run("UPDATE tracked SET c = 2 WHERE a = 1")
    writer.run("DELETE FROM tracked WHERE a = 2")
    writer.run("INSERT INTO tracked VALUES (3, N'y', 1)")
    snapshot = server.connect()
    snapshot.run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    changes = ("SELECT ct.SYS_CHANGE_OPERATION, ct.a, ct.b, t.c"
               f" FROM CHANGETABLE(CHANGES tracked, {start}) AS ct"
               " LEFT JOIN tracked t ON t.a = ct.a AND t.b = ct.b"
               " ORDER BY ct.a")
    snapshot.autocommit(False)
    assert snapshot.run(changes) == []
    writer.end()
    assert snapshot.run(changes) == []
    snapshot.end()
    assert snapshot.run(changes) == [("U", "1", "x", "2"),
                                     ("D", "2", "x", None),
                                     ("I", "3", "y", "1")]
    (now,), = db.run("SELECT CHANGE_TRACKING_CURRENT_VERSION()")
    assert int(now) == int(start) + 1
    (valid,), = db.run(
        "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(N'dbo.tracked'))")
    assert valid == start
    writer.autocommit(True)
    snapshot.end()


def test_faults(server):
    db = server.connect()
    server.fault("deadlock", pattern="faulty")
    assert refused(db, "SELECT 1 AS faulty") == 1205
    assert db.run("SELECT 1 AS faulty") == [("1",)]
    server.fault("lock", 60, "faulty")
    db.run("SET LOCK_TIMEOUT 20")
    assert refused(db, "SELECT 1 AS faulty") == 1222
    server.fault("drop", 5, "FROM kinds")
    with pytest.raises(odbc.Refused):
        db.run("SELECT k.id FROM kinds k JOIN kinds a ON 1 = 1"
               " JOIN kinds b ON 1 = 1 JOIN kinds c ON 1 = 1")
    for kind, there in (("before-commit", []), ("after-commit", [("F",)])):
        db = server.connect()
        server.fault(kind)
        with pytest.raises(odbc.Refused):
            db.run("INSERT INTO departments VALUES ('F', N'x')")
        assert server.run("SELECT code FROM departments"
                          " WHERE code = 'F'") == there
    db = server.connect()
    server.fault("garbage", 1, "FROM kinds")
    with pytest.raises(odbc.Refused):
        db.run("SELECT id FROM kinds")
    server.fault("refuse", times=1, pattern="reader")
    with pytest.raises(odbc.Refused):
        server.connect(user="reader", password="reader")


def test_a_statement_is_cancelled(server):
    db = server.connect()
    stmt = db._handle(odbc.HANDLE_STMT, db.dbc)
    data, units = odbc.wide("WAITFOR DELAY '00:01:00'")
    begun = time.monotonic()
    timer = threading.Timer(0.1, odbc.LIBRARY.SQLCancel, [stmt])
    timer.start()
    odbc.LIBRARY.SQLExecDirectW(stmt, data, units)
    timer.join()
    assert time.monotonic() - begun < 20
    odbc.LIBRARY.SQLFreeHandle(odbc.HANDLE_STMT, stmt)
    assert db.run("SELECT 1") == [("1",)]


@pytest.mark.parametrize("version", tds.VERSIONS)
def test_tsql(server, version):
    """The other client of FreeTDS, over its own library."""
    done = subprocess.run(
        ["tsql", "-H", "127.0.0.1", "-p", str(server.port), "-U", tds.USER, "-P",
         tds.PASSWORD, "-o", "q"], text=True, capture_output=True, timeout=20,
        input="SELECT id, name FROM people WHERE id < 3\n"
              "SELECT @@VERSION\ngo\nexit\n",
        env={**os.environ, "TDSVER": version}, check=True)
    assert "1\tAnna\n" in done.stdout and "Microsoft SQL Server" in done.stdout


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    one = tds.Server(tmp_path_factory.mktemp("tls"))
    one.kill()
    one.options = [*one.with_tls(), "--tls-only"]
    one.start()
    yield one
    one.stop()


@pytest.mark.parametrize("version", tds.VERSIONS[1:])
def test_tls(secure, version):
    db = secure.connect(version, extra="Encryption=require;")
    big, = db.run("SELECT CONVERT(nvarchar(4000), ?)", "x" * 4000)[0]
    assert big == "x" * 4000
