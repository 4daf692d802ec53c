"""The templates whose people come from a personnel database.

SPDX-License-Identifier: Apache-2.0
"""
import sys

import pytest

import tds
from forests import counts, made_from, unit, units
from helpers import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import pgserver  # noqa: E402

PEOPLE = """\
CREATE TABLE people (id int NOT NULL PRIMARY KEY, first %(text)s(40),
  last %(text)s(40), department %(text)s(40), title %(text)s(40), phone varchar(30),
  manager_id int REFERENCES people (id), end_date date, status varchar(10))
"""
ROWS = [
    "1001, 'Maria', 'Rossi', 'Management', 'Managing Director', '+49 30 100', NULL, NULL, 'active'",
    "1002, 'James', 'Okafor', 'Sales', 'Head of Sales', NULL, 1001, NULL, 'active'",
    "1004, 'Ann', 'Lee', 'Sales', 'Account Manager', NULL, 1002, '2099-12-31', 'active'",
    "1006, 'Peter', 'Novak', 'Sales', 'Account Manager', NULL, 1002, '2020-03-31', 'active'",
    "1007, 'Ida', 'Berg', 'Sales', 'Account Manager', NULL, 1002, NULL, 'left'",
    "1009, 'Alma', 'Lee', 'Sales', 'Clerk', NULL, 1002, NULL, 'active'",
]


class PostgreSQL:
    def __init__(self, server):
        self.server, self.name = server, server.database()
        self.settings = f"""\
hr_server: 127.0.0.1
hr_port: {server.port}
database: {self.name}
hr_user: {pgserver.USER}
hr_password: env:PGPASSWORD
hr_security: none
"""
        self.run(PEOPLE % {"text": "varchar"})

    def run(self, sql):
        self.server.sql(sql, self.name)


class SqlServer:
    def __init__(self, server):
        self.server = server
        self.settings = f"""\
driver: FreeTDS
hr_server: {server.listen}
hr_port: {server.port}
database: hr
hr_user: {tds.USER}
hr_password: env:TDS_PASSWORD
hr_security: none
"""
        self.run("DROP TABLE IF EXISTS people")
        self.run(PEOPLE % {"text": "nvarchar"})

    def run(self, sql):
        self.server.run(sql)


@pytest.fixture(scope="module")
def postgresql():
    with pgserver.Server(["fsync = off"]) as running:
        yield running


@pytest.fixture(scope="module")
def sqlserver(tmp_path_factory):
    server = tds.Server(tmp_path_factory.mktemp("tds"), listen="127.0.0.79")
    yield server
    server.stop()


@pytest.fixture(params=["postgresql", "sqlserver"])
def source(request, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", pgserver.PASSWORD)
    monkeypatch.setenv("TDS_PASSWORD", tds.PASSWORD)
    kind = PostgreSQL if request.param == "postgresql" else SqlServer
    made = kind(request.getfixturevalue(request.param))
    for row in ROWS:
        made.run(f"INSERT INTO people VALUES ({row})")
    return made


def test_sql_hr_to_ldap(tmp_path, source, make_slapd, monkeypatch):
    server = make_slapd(suffix="dc=corp,dc=test")
    monkeypatch.setenv("DIR_PASSWORD", server.password)
    server.add(units(server.base, "ou=people"))
    folder = made_from(tmp_path, "sql-hr-to-ldap", source.settings + f"""\
servers: {server.url}
security: none
base: {server.base}
bind_dn: {server.bind_dn}
password: env:DIR_PASSWORD
container: ou=people
mail_domain: corp.test
""")
    folder.ok("cycle")
    people = f"ou=people,{server.base}"

    def entries():
        return {values["uid"][0]: values for values
                in server.search("(uid=*)", base=people).values()}

    found = entries()
    assert sorted(found) == ["alee", "alee2", "jokafor", "mrossi"]
    assert sorted(one["employeeNumber"][0] for name, one in found.items()
                  if name.startswith("alee")) == ["1004", "1009"]
    assert found["jokafor"]["manager"] == [f"uid=mrossi,{people}"]
    assert found["jokafor"]["mail"] == ["jokafor@corp.test"]
    source.run("UPDATE people SET title = 'Director' WHERE id = 1002")
    source.run("UPDATE people SET status = 'left' WHERE id = 1001")
    folder.ok("cycle")
    found = entries()
    assert found["jokafor"]["title"] == ["Director"]
    assert "mrossi" in found
    due = folder.json("pending", "--due")["due"]
    assert [one["what"] for one in due].count("deprovision") == 1


@pytest.fixture(scope="module")
def domain(make_samba):
    return make_samba("CORP.TEST", "127.0.0.77")


def test_sql_hr_to_ad(tmp_path, source, domain, request):
    base = f"OU=HR{len(request.node.name)},{domain.base}"
    domain.add(unit(base) + units(base, "OU=People"))
    folder = made_from(tmp_path, "sql-hr-to-ad", source.settings + f"""\
servers: {domain.tls_url}
base: {base}
bind_dn: {domain.bind_dn}
password: file:password
ca_file: {domain.ca_file}
container: OU=People
upn_suffix: corp.test
mail_domain: corp.test
""")
    assert counts(folder, "ad", "full-import") == {}
    assert counts(folder, "hr", "full-import") == {"stage-add": 6}
    assert counts(folder, "hr", "delta-sync") == {
        "disconnector-projected-flow": 6, "ad.provisioned-add-flow": 4}
    assert counts(folder, "ad", "export") == {"export-add": 4}
    found = {values["sAMAccountName"][0]: dn for dn, values in domain.search(
        "(&(objectClass=user)(!(objectClass=computer)))",
        base=base).items()}
    assert found["mrossi"] == (
        f"CN=Maria Rossi,OU=Management,OU=People,{base}")
    assert sorted(found) == ["alee", "alee2", "jokafor", "mrossi"]
    source.run("UPDATE people SET status = 'left' WHERE id = 1004")
    folder.ok("cycle")
    values = domain.search("(employeeID=1004)", base=base)
    assert [one["userAccountControl"] for one in values.values()] == [["514"]]
    domain.client("ldapdelete", "-r", base)
