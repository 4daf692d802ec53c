"""doctor: what is or may go wrong, each with what to do.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess

import pytest

from helpers import Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, dir]
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: { type: string, index: true }
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: hr.csv, anchor: line }
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    project: true
    import: { id: id, name: name }
""",
    "agents/dir.yaml": """type: ldif
connect: { path: dir.ldif, anchor: dn }
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { name: sn } ]
    provision: { dn: '"cn=" & [id] & ",dc=x"' }
    export: { sn: name }
""",
    "hr.csv": "line,id,name\nA,1,Ann\nB,2,Bob\n",
}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    for name, text in FILES.items():
        made.write(name, text)
    return made


def findings(folder, *words, status=0, **options):
    found = folder.json("doctor", *words, status=status, **options)
    for one in found["findings"]:
        assert (one["fix"] is None) == (one["level"] == "ok"), one
    for level in ("error", "warning"):
        assert found[level + "s"] == len(
            [one for one in found["findings"] if one["level"] == level])
    return [(one["area"], one["agent"], one["text"])
            for one in found["findings"] if one["level"] != "ok"]


def test_all_is_well(folder):
    folder.ok("cycle")
    assert findings(folder) == []
    out = folder.ok("doctor").out
    assert "ok       system hr: reached and read" in out
    assert "ok       store: read through: it is whole" in out
    assert out.endswith("0 errors, 0 warnings\n")


def test_before_the_first_run(folder):
    found = findings(folder)
    assert [one[:2] for one in found] == [("store", None)]


def test_wrong_configuration(folder):
    folder.replace("agents/hr.yaml", "project: true", "projekt: true")
    found, = findings(folder, status=2)
    assert found[0] == "configuration" and "1 error keeps" in found[2]


def test_system_is_not_there(folder):
    folder.ok("cycle")
    os.rename(folder.path / "hr.csv", folder.path / "hr.off")
    found = findings(folder)
    assert [one[:2] for one in found] == [("system", "hr")]
    assert "hr.csv" in found[0][2]


def test_runs_that_failed_or_are_late(folder):
    folder.ok("cycle")
    folder.write("hr.csv", "line,id,name\n")
    folder.ok("cycle", status=3)
    found = findings(folder, status=4)
    assert [one[:2] for one in found] == [("run", "hr")]
    assert "stopped-" in found[0][2]
    folder.write("hr.csv", FILES["hr.csv"])
    folder.ok("cycle")
    later = dict(os.environ, CONJOIN_FAKE_TIME="2099-02-01T00:00:00Z")
    found = findings(folder, env=later)
    assert {one[0] for one in found} == {"run"}
    assert not findings(folder, "--max-age", "36500", env=later)


def test_runs_with_errors(folder):
    folder.ok("cycle")
    folder.write("hr.csv", FILES["hr.csv"] + '"C,3,Cut\n')
    folder.ok("run", "hr", "full-import", status=1)
    found, = findings(folder)
    assert found[:2] == ("run", "hr")
    assert "completed-discovery-errors" in found[2]


def test_clock_went_back(folder):
    later = dict(os.environ, CONJOIN_FAKE_TIME="2099-02-01T00:00:00Z")
    folder.ok("cycle", env=later)
    found = findings(folder, status=4)
    assert ("clock", None) in [one[:2] for one in found]


def test_errors_and_links(folder):
    folder.ok("cycle")
    folder.ok("disconnect", "dir", "cn=1,dc=x", status=1)
    folder.ok("join", "dir", "cn=1,dc=x", "id=1")
    folder.replace("agents/dir.yaml", "name: sn", "id: sn")
    found = findings(folder, "--quick")
    assert "links" not in [one[0] for one in found]
    text = "1 link that the join rules would make differently now"
    assert ("links", "dir", text) in findings(folder)
    folder.write("hr.csv", "line,id,name\nA,3,Bob\nB,4,Ann\n")
    folder.ok("run", "hr", "full-import")
    folder.replace("agents/hr.yaml", "id: id, name: name",
                   "id: id, name: 'Error(\"no\")'")
    folder.ok("run", "hr", "full-sync", status=1)
    found = findings(folder)
    assert ("objects", "hr", "2 in error, 0 of them in quarantine") in found


def test_damaged_store(folder):
    folder.ok("cycle")
    path = folder.path / "state/conjoin.db"
    folder.ok("backup", str(folder.path / "good.db"))
    data = bytearray(path.read_bytes())
    size = len(data) // 8192
    for page in range(2, size):
        data[page * 8192:page * 8192 + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))
    for suffix in ("-wal", "-shm"):
        side = folder.path / ("state/conjoin.db" + suffix)
        if side.exists():
            side.unlink()
    done = folder.conjoin("doctor", "--json")
    assert done.status == 4
    assert [one for one in done.json["findings"]
            if one["area"] == "store" and one["level"] == "error"]


def certificate(path, days):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", "/dev/null", "-out", str(path), "-days",
                    str(days), "-subj", "/CN=ca"], check=True,
                   stderr=subprocess.DEVNULL)


def test_certificates(folder):
    folder.write("conjoin.yaml", FILES["conjoin.yaml"].replace(
        "[hr, dir]", "[hr, ad]"))
    (folder.path / "agents/dir.yaml").unlink()
    folder.write("agents/ad.yaml", """type: ldap
connect:
  servers: [ 'ldaps://127.0.0.1:1' ]
  bind_dn: cn=x
  password: env:PW
  ca_file: ca.pem
  base: dc=x
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { name: sn } ]
""")
    certificate(folder.path / "ca.pem", 10)
    env = dict(os.environ, PW="x")
    checked = folder.conjoin("check", env=env)
    assert checked.status == 0, checked
    found = findings(folder, status=4, env=env)
    assert ("system", "ad") in [one[:2] for one in found]
    cert, = [one for one in found if one[0] == "certificate"]
    assert "ca.pem' ends on 20" in cert[2]
    found = findings(folder, "--certificates", "5", status=4, env=env)
    assert "certificate" not in [one[0] for one in found]


LDAP = """type: ldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: file:password,
           security: SECURITY, ca_file: CA, base: 'BASE' }
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { id: employeeNumber } ]
    provision: { dn: '"cn=" & [id] & ",BASE"' }
    export: { sn: name, employeeNumber: id }
"""
# What Active Directory says of an account's rights, as ordinary attributes.
RIGHTS = """attributetype ( 1.2.840.113556.1.4.912
  NAME 'allowedChildClassesEffective'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.2.840.113556.1.4.1669 NAME 'supportedCapabilities'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
rootDSE {0}
"""


def with_directory(folder, slapd, security="tls"):
    text = LDAP.replace("URL", slapd.url if security == "starttls"
                        else slapd.tls_url)
    folder.write("conjoin.yaml", FILES["conjoin.yaml"].replace(
        "[hr, dir]", "[hr, ad]"))
    (folder.path / "agents/dir.yaml").unlink(missing_ok=True)
    folder.write("agents/ad.yaml", text.replace("BIND", slapd.bind_dn)
                 .replace("BASE", slapd.base).replace("SECURITY", security)
                 .replace("CA", slapd.ca_file))
    folder.write("password", slapd.password + "\n")
    (folder.path / "password").chmod(0o600)


def of_agent(folder, agent, *words, status=0):
    found = folder.json("doctor", *words, status=status)["findings"]
    return {(one["area"], one["level"]): one["text"] for one in found
            if one["agent"] == agent}


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_what_a_server_sends(folder, slapd, security):
    with_directory(folder, slapd, security)
    found = of_agent(folder, "ad", "--certificates", "60")
    server = [text for (area, level), text in found.items()
              if (area, level) == ("certificate", "warning")]
    assert server
    found = folder.json("doctor", "--certificates", "20")["findings"]
    texts = [one["text"] for one in found
             if (one["area"], one["level"]) == ("certificate", "ok")]
    assert len(texts) == 2
    assert texts[0].startswith("the certificate of ldap")
    assert " ends on 20" in texts[0] and "ca.pem' ends on" in texts[1]


def test_writing_to_a_directory(folder, slapd, make_slapd, tmp_path):
    with_directory(folder, slapd)
    assert of_agent(folder, "ad")["writing", "ok"].startswith("not tried")
    root = tmp_path / "root.ldif"
    root.write_text("dn:\nsupportedCapabilities: 1.2.840.113556.1.4.800\n")
    other = make_slapd(suffix="o=rights", tls=True, conf=RIGHTS.format(root))
    with_directory(folder, other)
    assert of_agent(folder, "ad", status=4)["writing", "error"].endswith(
        "the account may make nothing below 'o=rights'")
    other.add("dn: o=rights\nchangetype: modify\nadd: objectClass\n"
              "objectClass: extensibleObject\n-\n"
              "add: allowedChildClassesEffective\n"
              "allowedChildClassesEffective: user\n")
    assert of_agent(folder, "ad")["writing", "ok"] == "may be written to"


def test_writing_to_files(folder):
    assert of_agent(folder, "dir")["writing", "ok"] == "may be written to"
    assert ("writing", "ok") not in of_agent(folder, "hr")
    folder.replace("agents/dir.yaml", "dir.ldif", "new/deep/dir.ldif")
    assert of_agent(folder, "dir")["writing", "ok"] == "may be written to"
    assert not (folder.path / "new").exists()
    folder.write("new", "a file")
    found = of_agent(folder, "dir", status=4)
    assert "cannot be written to: " in found["writing", "error"]
    (folder.path / "new").unlink()
    (folder.path / "new/deep/dir.ldif").mkdir(parents=True)
    found = of_agent(folder, "dir", status=4)
    assert found["writing", "error"].endswith("dir.ldif' is no file")
