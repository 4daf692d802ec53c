"""Active Directory: two real domains (Samba), each a forest of its own.

They are made once for this file, in some seconds; each test works in an
organizational unit of its own.

SPDX-License-Identifier: Apache-2.0
"""
import itertools
import os
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest

from conftest import wait_until
from helpers import ROOT, Folder, conforms, counted

PASSWORD = "Passw0rd!x"
NUMBERS = itertools.count(1)  # account names are unique in a domain

MAIN = """\
conjoin: 1
agents: [AGENTS]
guards:
  import: { deletions: 100% }
  export: { deletions: 100% }
metaverse:
  person:
    attributes:
      id:       { type: string, index: true }
      name:     string
      sam:      { type: string, index: true }
      sid:      string
      guid:     binary
      expires:  datetime
      set:      integer
      flags:    integer
      bits:     integer
      notes:    [string]
      manager:  reference
      primary:  reference
      active:   boolean
  group:
    attributes:
      name:   { type: string, index: true }
      member: [reference]
  unit:
    attributes: { name: string }
"""

AGENT = """\
type: ad
connect:
  servers: %(servers)s
  bind_dn: %(bind)s
  password: file:password
  ca_file: %(ca)s
  timeout: 10
  %(more)s
  base: %(base)s
"""

READ = """\
objects:
  user:
    metaverse: person
    project: true
    attributes:
      objectSid: { type: string }
      accountExpires: { type: datetime }
    import:
      name: cn
      sam: sAMAccountName
      sid: objectSid
      guid: objectGUID
      expires: accountExpires
      set: pwdLastSet
      flags: userAccountControl
      notes: description
      manager: manager
      primary: primaryGroup
  group:
    metaverse: group
    project: true
    import: { name: cn, member: member }
"""


@pytest.fixture(scope="module")
def corp(make_samba):
    domain = make_samba("CORP.TEST", "127.0.0.31")
    # one that is deleted: who sees none may not be allowed to see any
    domain.add(f"dn: OU=Gone,{domain.base}\nobjectClass: organizationalUnit\n"
               f"\ndn: OU=Gone,{domain.base}\nchangetype: delete\n")
    return domain


@pytest.fixture(scope="module")
def rome(make_samba):
    return make_samba("ROMA.TEST", "127.0.0.32")


@pytest.fixture
def unit(corp, request):
    """An organizational unit of corp for one test."""
    return unit_in(corp, request)


def unit_in(domain, request):
    name = re.sub(r"[^A-Za-z]", "", request.node.name)[:40]
    dn = f"OU={name},{domain.base}"
    domain.add(f"dn: {dn}\nobjectClass: organizationalUnit\n")
    return dn


def user(dn, **values):
    """An entry of LDIF."""
    name = re.match(r"CN=([^,]*),", dn).group(1)
    values.setdefault("sAMAccountName", f"{name[:10]}{next(NUMBERS)}")
    lines = [f"dn: {dn}", "objectClass: user"]
    lines += [f"{key}: {value}" for key, value in values.items()]
    return "\n".join(lines) + "\n\n"


def agent(domain, base, objects, more="", **other):
    """An agent's file."""
    values = {"servers": domain.tls_url, "bind": domain.bind_dn,
              "ca": domain.ca_file, "base": base, "more": more, **other}
    return AGENT % values + objects


def folder_with(path, main="ad", **agents):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml",
                 MAIN.replace("AGENTS", ", ".join(agents)))
    for name, text in agents.items():
        folder.write(f"agents/{name}.yaml", text)
    folder.write("password", PASSWORD + "\n")
    (folder.path / "password").chmod(0o600)
    folder.ok("check")
    return folder


def run(folder, profile, name="ad", status=0):
    """The counters of all steps of a run."""
    found = {}
    for step in folder.json("run", name, profile, status=status)["steps"]:
        found.update(counted(step))
    return found


def unchanged(folder, name="ad"):
    """A full import finds nothing that the deltas did not tell."""
    found = run(folder, "full-import", name)
    assert set(found) <= {"stage-no-change"}, found


def names_of(folder, kind="user"):
    found = folder.json("search", "cs", "ad", "--type", kind)["objects"]
    return sorted(re.match(r"CN=([^,]*),", one["dn"]).group(1)
                  for one in found)


def members(folder, name):
    """Who is in a group of the metaverse, by name."""
    people = {f"mv {one['id']}": one["attributes"]["name"][0]
              for one in folder.json("search", "mv", "person")["objects"]}
    for group in folder.json("search", "mv", "group")["objects"]:
        if group["attributes"]["name"] == [name]:
            return sorted(people.get(value, value) for value
                          in group["attributes"].get("member", []))
    return None


def person(folder, name):
    for one in folder.json("search", "mv", "person")["objects"]:
        if one["attributes"]["name"] == [name]:
            return one["attributes"]
    return None


def test_document(tmp_path, corp):
    """What the reference shows is right, and reads a domain."""
    text = (ROOT / "docs/reference/connectors/ad.md").read_text()
    shown, kerberos, provision = re.findall(r"^```yaml\n(.*?)^```$", text,
                                            re.M | re.S)
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", """\
conjoin: 1
agents: [ad]
metaverse:
  person:
    attributes: { displayName: string, endDate: datetime, sid: string }
  group:
    attributes: { displayName: string, member: [reference] }
""")
    folder.write("agents/ad.yaml", shown.replace(
        "    import: { displayName: displayName", provision
        + "    import: { displayName: displayName"))
    folder.ok("check")
    folder.write("agents/ad.yaml", re.sub(
        r"connect:.*?(?=  partitions)", lambda _: kerberos, shown,
        flags=re.S))
    folder.ok("check")
    found = folder.ok("help", "connector", "ad").out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## Values")[0],
                              re.M):
        assert setting in found
    folder.write("agents/ad.yaml", re.sub(
        r"(?<=servers: ).*", corp.tls_url, shown)
        .replace("secret:ad", f"file:password\n  ca_file: {corp.ca_file}")
        .replace("CN=conjoin,CN=Users,DC=corp,DC=test", corp.bind_dn)
        .replace(", include: ['OU=Staff', 'OU=Groups']", ""))
    folder.write("password", PASSWORD)
    (folder.path / "password").chmod(0o600)
    folder.ok("run", "ad", "full-import-full-sync")


# --- the connector contract ---


def test_conformance(corp):
    conforms("ad", corp)


# --- what is read ---


def test_values(tmp_path, corp, unit):
    corp.add(user(f"CN=Boss,{unit}")
             + user(f"CN=Ann,{unit}", manager=f"CN=Boss,{unit}",
                    accountExpires="133000000000000000")
             + f"dn: CN=Staff,{unit}\nobjectClass: group\n"
             f"member: CN=Ann,{unit}\nmember: CN=Boss,{unit}\n")
    folder = folder_with(tmp_path, ad=agent(corp, unit, READ))
    assert run(folder, "full-import-full-sync")["stage-add"] == 3
    ann = person(folder, "Ann")
    entry = corp.search("(cn=Ann)", "objectGUID", "objectSid", base=unit)[
        f"CN=Ann,{unit}"]
    assert ann["sam"][0].startswith("Ann")
    assert ann["flags"] == ["546"]
    assert ann["set"] == ["0"]
    assert ann["expires"] == ["2022-06-18T04:26:40Z"]
    assert re.fullmatch(r"S-1-5-21(-\d+){4}", ann["sid"][0])
    assert "expires" not in person(folder, "Boss")
    assert members(folder, "Staff") == ["Ann", "Boss"]
    found = folder.json("search", "cs", "ad", "--type", "user")["objects"]
    anchors = [one["anchor"] for one in found]
    guid = entry["objectGUID"][0]
    if isinstance(guid, bytes):
        text = guid[3::-1].hex() + guid[5:3:-1].hex() + guid[7:5:-1].hex()
        assert text + guid[8:].hex() in [
            anchor.replace("-", "") for anchor in anchors]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                            anchor) for anchor in anchors)


def test_whole_domain(tmp_path, corp):
    """Well-known containers and system objects are containers; what the agent
    has no rules for does not count; deleted objects are not read."""
    folder = folder_with(tmp_path, ad=agent(corp, corp.base, READ))
    found = run(folder, "full-import")
    people = corp.search("(&(objectClass=user)(!(objectClass=computer)))",
                         "cn")
    groups = corp.search("(objectClass=group)", "cn")
    assert found == {"stage-add": len(people) + len(groups)}
    assert "Administrator" in names_of(folder)
    assert not any("DEL:" in name for name in names_of(folder))
    unchanged(folder)
    folder.ok("run", "ad", "full-sync")
    for group in folder.json("search", "mv", "group")["objects"]:
        if group["attributes"]["name"] == ["Domain Users"]:
            number = f"mv {group['id']}"
    assert person(folder, "Administrator")["primary"] == [number]
    assert person(folder, "Guest")["primary"] != [number]


def test_values_in_parts(tmp_path, corp, unit):
    """As a server gives them that limits values: 10 at once of 64."""
    count = 64
    corp.add("".join(user(f"CN=P{i:03},{unit}") for i in range(count))
             + f"dn: CN=Large,{unit}\nobjectClass: group\n"
             + "".join(f"member: CN=P{i:03},{unit}\n" for i in range(count)))
    folder = folder_with(
        tmp_path, ad=agent(corp, unit, READ, more="range_size: 10"))
    run(folder, "full-import-full-sync")
    assert members(folder, "Large") == [f"P{i:03}" for i in range(count)]
    folder.replace("agents/ad.yaml", "range_size: 10", "page_size: 7")
    unchanged(folder)


# --- changes only ---


@pytest.mark.parametrize("way", ["dirsync", "usn"])
def test_delta(tmp_path, corp, unit, way):
    folder = folder_with(
        tmp_path, ad=agent(corp, unit, READ, more=f"delta: {way}"))
    corp.add(f"dn: CN=G,{unit}\nobjectClass: group\n")
    run(folder, "full-import-full-sync")
    assert run(folder, "delta-import") == {}

    corp.add(user(f"CN=Boss,{unit}")
             + user(f"CN=Ann,{unit}", manager=f"CN=Boss,{unit}")
             + user(f"CN=Bob,{unit}")
             + f"dn: CN=G,{unit}\nchangetype: modify\nadd: member\n"
             f"member: CN=Ann,{unit}\n")
    assert run(folder, "delta-import-delta-sync")["stage-add"] == 3
    assert members(folder, "G") == ["Ann"]
    unchanged(folder)

    corp.add(f"dn: CN=G,{unit}\nchangetype: modify\nadd: member\n"
             f"member: CN=Bob,{unit}\n-\ndelete: member\n"
             f"member: CN=Ann,{unit}\n\n"
             f"dn: CN=Ann,{unit}\nchangetype: modify\nreplace: manager\n"
             f"manager: CN=Bob,{unit}\n-\nreplace: accountExpires\n"
             "accountExpires: 133000000000000000\n\n"
             f"dn: CN=Bob,{unit}\nchangetype: modrdn\nnewrdn: CN=Rob\n"
             "deleteoldrdn: 1\n")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-update"] == 2 and found["stage-rename"] == 1
    assert members(folder, "G") == ["Rob"]
    unchanged(folder)

    corp.add(f"dn: CN=Ann,{unit}\nchangetype: modify\ndelete: manager\n\n"
             f"dn: CN=Boss,{unit}\nchangetype: delete\n")
    assert run(folder, "delta-import-delta-sync")["stage-delete"] == 1
    assert names_of(folder) == ["Ann", "Rob"]
    assert "manager" not in person(folder, "Ann")
    unchanged(folder)
    assert run(folder, "delta-import") == {}


@pytest.mark.parametrize("way", ["dirsync", "usn"])
def test_moves_of_units(tmp_path, corp, unit, way):
    """A unit is renamed, leaves the agent's part with all that is in it, and
    comes back: no change tells of what lies below."""
    corp.add(f"dn: OU=In,{unit}\nobjectClass: organizationalUnit\n\n"
             f"dn: OU=Out,{unit}\nobjectClass: organizationalUnit\n\n"
             f"dn: OU=Team,OU=In,{unit}\nobjectClass: organizationalUnit\n\n"
             f"dn: OU=Sub,OU=Team,OU=In,{unit}\n"
             "objectClass: organizationalUnit\n\n"
             + user(f"CN=A,OU=Team,OU=In,{unit}", sAMAccountName=f"a{way}")
             + user(f"CN=B,OU=Sub,OU=Team,OU=In,{unit}",
                    sAMAccountName=f"b{way}")
             + user(f"CN=C,OU=In,{unit}", sAMAccountName=f"c{way}"))
    text = agent(corp, unit, READ, more=f"delta: {way}").replace(
        f"base: {unit}",
        f"partitions: [ {{ base: '{unit}', include: ['OU=In'] }} ]")
    folder = folder_with(tmp_path, ad=text)
    assert run(folder, "full-import")["stage-add"] == 3

    def move(old, rdn, parent):
        corp.add(f"dn: {old},{unit}\nchangetype: modrdn\nnewrdn: {rdn}\n"
                 f"deleteoldrdn: 1\nnewsuperior: {parent},{unit}\n")

    move("OU=Team,OU=In", "OU=Crew", "OU=In")
    assert run(folder, "delta-import") == {"stage-rename": 2}
    unchanged(folder)
    move("OU=Crew,OU=In", "OU=Crew", "OU=Out")
    found = run(folder, "delta-import")
    assert found["stage-delete"] == 2 and names_of(folder) == ["C"]
    unchanged(folder)
    move("OU=Crew,OU=Out", "OU=Crew", "OU=In")
    assert run(folder, "delta-import")["stage-add"] == 2
    assert names_of(folder) == ["A", "B", "C"]
    unchanged(folder)
    move("CN=C,OU=In", "CN=C", "OU=Out")
    assert run(folder, "delta-import")["stage-delete"] == 1
    unchanged(folder)


def test_filter(tmp_path, corp, unit):
    """What the filter lets through no more is gone, and comes back."""
    corp.add(user(f"CN=One,{unit}", description="x")
             + user(f"CN=Two,{unit}", description="x"))
    folder = folder_with(tmp_path, ad=agent(
        corp, unit, READ, more="filter: '(description=x)'"))
    assert run(folder, "full-import")["stage-add"] == 2
    corp.add(f"dn: CN=One,{unit}\nchangetype: modify\n"
             "replace: description\ndescription: y\n")
    run(folder, "delta-import")
    assert names_of(folder) == ["Two"]
    unchanged(folder)
    corp.add(f"dn: CN=One,{unit}\nchangetype: modify\n"
             "replace: description\ndescription: x\n")
    run(folder, "delta-import")
    assert names_of(folder) == ["One", "Two"]


def test_target_of_a_reference_is_deleted(tmp_path, corp, unit):
    """The server takes it out of the group and tells nobody. Another one who
    gets the name is not a member."""
    corp.add(user(f"CN=Ann,{unit}") + user(f"CN=Bob,{unit}")
             + f"dn: CN=G,{unit}\nobjectClass: group\n"
             f"member: CN=Ann,{unit}\nmember: CN=Bob,{unit}\n")
    folder = folder_with(tmp_path, ad=agent(corp, unit, READ))
    run(folder, "full-import-full-sync")
    assert members(folder, "G") == ["Ann", "Bob"]
    corp.add(f"dn: CN=Ann,{unit}\nchangetype: delete\n")
    run(folder, "delta-import-delta-sync")
    assert members(folder, "G") == ["Bob"]
    corp.add(user(f"CN=Ann,{unit}"))
    run(folder, "delta-import-delta-sync")
    assert members(folder, "G") == ["Bob"]
    unchanged(folder)


CLEAN = """objects:
  user:
    metaverse: person
    project: true
    import: { name: cn, sam: sAMAccountName }
    attributes: { displayName: string, givenName: string, mail: string,
                  userPrincipalName: string,
                  proxyAddresses: { type: string, multi: true } }
"""


def test_cleanup(tmp_path, corp, unit):
    """Values are written, read back by a delta, and taken back."""
    corp.add(user(f"CN=Ann,{unit}", displayName="Ann",
                  userPrincipalName="an n@corp.com", mail="ann@corp.com",
                  proxyAddresses="SMTP:ann@corp.com\n"
                  "proxyAddresses: smtp:a(nn)@corp.com")
             + user(f"CN=Bob,{unit}", displayName="Bob",
                    userPrincipalName="bob@corp.com",
                    proxyAddresses="smtp:ANN@corp.com\n"
                    "proxyAddresses: SMTP:bob@corp.com"))
    folder = folder_with(tmp_path, ad=agent(corp, unit, CLEAN))
    run(folder, "full-import-full-sync")
    folder.ok("cleanup", "ad", "--checks", "m365", "--review",
              folder.path / "r.csv")
    folder.replace("r.csv", "Duplicate,ann@corp.com,,EDIT",
                   "Duplicate,ann@corp.com,,COMPLETE")
    folder.replace("r.csv", "SMTP:ann@corp.com,,REMOVE",
                   "SMTP:ann@corp.com,,COMPLETE")
    words = ["cleanup", "ad", "--from", folder.path / "r.csv", "--out",
             folder.path / "a.plan"]
    assert folder.json(*words)["count"] == 2
    found = folder.json("apply", folder.path / "a.plan")["rows"]
    assert [row["result"] for row in found] == ["COMPLETE"] * 3
    found = corp.search("(objectClass=user)", "userPrincipalName",
                        "proxyAddresses", base=unit)
    ann = found[f"CN=Ann,{unit}"]
    assert ann["userPrincipalName"] == ["ann@corp.com"]
    assert ann["proxyAddresses"] == ["SMTP:ann@corp.com"]
    assert found[f"CN=Bob,{unit}"]["proxyAddresses"] == ["SMTP:bob@corp.com"]
    run(folder, "delta-import-delta-sync")
    assert not folder.json("pending", "ad")["exports"]
    unchanged(folder)
    exported = max(one["run"] for one in folder.json("runs")["runs"]
                   if one["profile"] == "export")
    folder.ok("undo", exported, "--out", folder.path / "an.undo")
    folder.ok("apply", folder.path / "an.undo")
    found = corp.search("(cn=Bob)", "proxyAddresses", base=unit)
    assert len(found[f"CN=Bob,{unit}"]["proxyAddresses"]) == 2


def test_no_right_for_dirsync(tmp_path, corp, unit):
    """An account without any right beyond reading."""
    corp.add(user(f"CN=Reader,{unit}"))
    set_password(corp, f"CN=Reader,{unit}", "Rea.der1", enable=True)
    corp.add(user(f"CN=Ann,{unit}"))
    text = agent(corp, unit, READ, bind=f"CN=Reader,{unit}")
    folder = folder_with(tmp_path, ad=text)
    folder.write("password", "Rea.der1\n")
    run(folder, "full-import")
    corp.add(f"dn: CN=Ann,{unit}\nchangetype: modify\nreplace: pwdLastSet\n"
             "pwdLastSet: -1\n")
    corp.add(user(f"CN=Bob,{unit}"))
    done = folder.ok("run", "ad", "delta-import", status=4)
    assert "full-import" in done.err


def watermark(folder, change):
    """Changes the watermark in the store."""
    path = next((folder.path / "state").glob("*.db"))
    with sqlite3.connect(path) as store:
        (value,) = store.execute("SELECT value FROM meta WHERE key = "
                                 "'watermark.ad'").fetchone()
        raw = value if isinstance(value, bytes) else value.encode()
        store.execute("UPDATE meta SET value = ? WHERE key = 'watermark.ad'",
                      (change(raw),))


@pytest.mark.parametrize("what", ["rubbish", "another scope", "another DC"])
def test_watermark_of_no_use(tmp_path, corp, unit, what):
    way = "usn" if what == "another DC" else "dirsync"
    folder = folder_with(
        tmp_path, ad=agent(corp, unit, READ, more=f"delta: {way}"))
    run(folder, "full-import")
    if what == "rubbish":
        watermark(folder, lambda raw: re.sub(
            rb"(dirsync\n-?\d+ \S+ )\S+", rb"\1cnViYmlzaA==", raw))
    elif what == "another DC":
        watermark(folder, lambda raw: re.sub(
            rb"usn\n\S+", b"usn\n00000000-0000-0000-0000-000000000000", raw))
    else:
        folder.replace("agents/ad.yaml", f"base: {unit}",
                       f"base: {corp.base}")
    step = folder.json("run", "ad", "delta-import", status=4)["steps"][-1]
    assert step["result"] == "no-start-full-import-required"
    run(folder, "full-import")
    assert run(folder, "delta-import") == {}


# --- connections ---


def set_password(domain, dn, password, enable=False):
    quoted = f'"{password}"'.encode("utf-16-le")
    import base64
    text = (f"dn: {dn}\nchangetype: modify\nreplace: unicodePwd\n"
            f"unicodePwd:: {base64.b64encode(quoted).decode()}\n")
    if enable:
        text += "-\nreplace: userAccountControl\nuserAccountControl: 512\n"
    domain.add(text)


def test_wrong_password(tmp_path, corp, unit):
    folder = folder_with(tmp_path, ad=agent(corp, unit, READ))
    folder.write("password", "wrong\n")
    step = folder.json("run", "ad", "full-import", status=4)["steps"][-1]
    assert step["result"] == "no-start-credentials"


def test_expired_certificate(tmp_path, rome, request):
    """The domain's own authority signed it, for a time that is over."""
    base = unit_in(rome, request)
    tls = rome.folder / "tls"
    good = (tls / "server.pem").read_bytes()
    command = (
        "touch index; echo 01 >serial; printf '[ca]\\ndefault_ca=x\\n[x]\\n"
        "new_certs_dir=.\\ndatabase=index\\nserial=serial\\ndefault_md=sha256"
        "\\npolicy=p\\nx509_extensions=e\\n[p]\\ncommonName=supplied\\n[e]\\n"
        "subjectAltName=IP:127.0.0.32\\n' >ca.conf; openssl ca -batch -config "
        "ca.conf -cert ca.pem -keyfile ca.key -in server.csr -out old.pem "
        "-startdate 20200101000000Z -enddate 20210101000000Z")
    subprocess.run(command, shell=True, cwd=tls, check=True,
                   capture_output=True)
    rome.stop()
    (tls / "server.pem").write_bytes((tls / "old.pem").read_bytes())
    try:
        rome.start()
        folder = folder_with(tmp_path, ad=agent(rome, base, READ))
        done = folder.json("run", "ad", "full-import", status=4)
        step = done["steps"][-1]
        assert step["result"] == "no-start-connection"
        assert "certificate" in str(done)
    finally:
        rome.stop()
        (tls / "server.pem").write_bytes(good)
        rome.start()
    run(folder, "full-import")


@pytest.mark.parametrize("how", ["password", "keytab", "ticket_cache",
                                 "over TLS"])
def test_kerberos(tmp_path, corp, unit, how):
    """Signed and encrypted by the ticket's key, or by TLS."""
    environment = {"KRB5_CONFIG": corp.env["KRB5_CONFIG"]}
    account = f"k{how[:3].strip()}"
    dn = f"CN={account},{unit}"
    corp.add(user(dn, userPrincipalName=f"{account}@corp.test"))
    set_password(corp, dn, PASSWORD, enable=True)
    more = f"principal: {account}@CORP.TEST\n  security: sign-and-encrypt"
    text = agent(corp, unit, READ, servers=corp.url, more=more)
    if how == "over TLS":
        text = text.replace("security: sign-and-encrypt", "security: starttls")
        text = re.sub(r"  bind_dn.*\n", "", text)
    else:
        text = re.sub(r"  (bind_dn|ca_file).*\n", "", text)
    if how == "keytab":
        subprocess.run(
            ["samba-tool", "domain", "exportkeytab", tmp_path / "keytab",
             f"--principal={account}", "-s", corp.folder / "smb.conf"],
            check=True, capture_output=True)
        text = text.replace("password: file:password",
                            f"keytab: {tmp_path / 'keytab'}")
    elif how == "ticket_cache":
        subprocess.run(
            ["kinit", "-c", tmp_path / "cache", f"{account}@CORP.TEST"],
            input=PASSWORD, text=True, check=True, capture_output=True,
            env={**os.environ, **environment})
        text = text.replace("password: file:password",
                            f"ticket_cache: {tmp_path / 'cache'}")
    folder = folder_with(tmp_path, ad=text)
    done = folder.ok("run", "ad", "full-import", "--json",
                     env={**os.environ, **environment})
    assert counted(done.json["steps"][-1]) == {"stage-add": 1}
    if how == "password":
        folder.write("password", "wrong\n")
        done = folder.ok("run", "ad", "full-import", status=4,
                         env={**os.environ, **environment})
        assert "ticket" in done.err


def test_server_goes_away_in_an_import(tmp_path, corp, unit):
    count = 300
    corp.add("".join(user(f"CN=U{i:04},{unit}") for i in range(count)))
    folder = folder_with(tmp_path, ad=agent(
        corp, unit, READ, more="page_size: 10\n  reconnect: 0").replace("timeout: 10",
                                                         "timeout: 2"))
    process = folder.start("run", "ad", "full-import")
    os.kill(corp.pid, signal.SIGSTOP)
    try:
        assert process.wait(60) == 4
    finally:
        corp.resume()
    assert folder.json("runs")["runs"][0]["result"].startswith(
        ("stopped-", "no-start-"))
    run(folder, "full-import")
    assert len(names_of(folder)) == count
    corp.stop()
    try:
        step = folder.json("run", "ad", "delta-import", status=4)["steps"][-1]
        assert step["result"] == "no-start-connection"
    finally:
        corp.start()
    assert run(folder, "delta-import") == {}


# --- what is written ---

HR = """\
type: csv
connect:
  types:
    person: { path: data/people.csv, anchor: id }
    group: { path: data/groups.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    attributes: { manager: { type: reference, to: person } }
    import: { id: id, name: name, manager: manager, active: '[active] = "1"' }
  group:
    metaverse: group
    project: true
    attributes:
      member: { type: reference, to: person, multi: true, separator: ';' }
    import: { name: id, member: member }
"""

WRITE = """\
objects:
  user:
    metaverse: person
    join: [ { id: employeeID } ]
    provision:
      when: '[active]'
      dn: '"CN=" & EscapeDNComponent([name]) & ",BASE"'
      rename: true
      initial:
        unicodePwd: PASSWORD
        userAccountControl: 512
        sAMAccountName: '"s" & [id]'
    export: { employeeID: id, displayName: name, manager: manager }
    deprovision: DEPROVISION
  group:
    metaverse: group
    join: [ { name: cn } ]
    provision:
      dn: '"CN=" & [name] & ",BASE"'
      initial: { groupType: -2147483646, sAMAccountName: '"g" & [name]' }
    export: { member: member }
"""


def writing(path, domain, base, password="'\"Aa1!\" & RandomPassword(16)'",
            people="id,name,manager,active\n", groups="id,member\n",
            deprovision="delete", objects=WRITE, **other):
    objects = objects.replace("BASE", base).replace("PASSWORD", password)
    objects = objects.replace("DEPROVISION", deprovision)
    folder = Folder(path / "conf")
    folder.write("data/people.csv", people)
    folder.write("data/groups.csv", groups)
    return folder_with(path, hr=HR, ad=agent(domain, base, objects, **other))


def can_sign_in(domain, dn, password):
    return subprocess.run(
        ["ldapsearch", "-x", "-H", domain.tls_url,
         "-D", dn, "-w", password, "-s", "base", "-b", "", "1.1"],
        capture_output=True,
        env={**os.environ, "LDAPTLS_CACERT": domain.ca_file}).returncode == 0


def test_accounts(tmp_path, corp, unit):
    """Made with a password, in a circle of managers, renamed, disabled while
    they wait, deleted."""
    folder = writing(
        tmp_path, corp, unit, password="'\"Pass-\" & [id] & \"-wörd\"'",
        people="id,name,manager,active\n1,Ann,2,1\n2,\"Bob, Jr\",1,1\n",
        deprovision="{ after: 30 days, then: delete, meanwhile: disable }")
    folder.ok("cycle")
    found = corp.search("(objectClass=user)", "manager",
                        "userAccountControl", base=unit)
    ann = f"CN=Ann,{unit}"
    bob = f"CN=Bob\\, Jr,{unit}"
    assert found[ann] == {"manager": [bob], "userAccountControl": ["512"]}
    assert found[bob] == {"manager": [ann], "userAccountControl": ["512"]}
    assert can_sign_in(corp, ann, "Pass-1-wörd")
    assert not can_sign_in(corp, ann, "Pass-2-wörd")
    folder.write("data/people.csv",
                 "id,name,manager,active\n1,Anna,2,1\n2,\"Bob, Jr\",1,0\n")
    folder.ok("cycle")
    found = corp.search("(objectClass=user)", "userAccountControl",
                        "employeeID", base=unit)
    assert found[f"CN=Anna,{unit}"]["employeeID"] == ["1"]
    assert found[bob]["userAccountControl"] == ["514"]
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []


def test_password_needs_encryption(tmp_path, corp, unit):
    folder = writing(tmp_path, corp, unit, servers=corp.url,
                     more="security: none",
                     people="id,name,manager,active\n21,Eve,,1\n")
    folder.ok("cycle", status=1)
    errors = folder.json("errors")["errors"]
    assert [one["code"] for one in errors] == ["encryption-not-enabled"]
    assert corp.search("(cn=Eve)", base=unit) == {}


def test_refusals(tmp_path, corp, unit):
    """In the server's own words."""
    folder = writing(tmp_path, corp, unit, password="'\"short\"'",
                     people="id,name,manager,active\n31,Weak,,1\n")
    folder.ok("cycle", status=1)
    (error,) = folder.json("errors")["errors"]
    assert error["code"] == "password-policy-violation"
    assert "0000052D" in str(error)


def test_large_group(tmp_path, corp, unit):
    """More members than a server takes in one request, and than it may give
    in one answer; then one less and one more, value by value; half of the way
    the server is killed."""
    count = 5200
    base = unit
    contacts = "".join(
        f"dn: CN=M{i:04},{base}\nobjectClass: contact\n"
        f"employeeID: {i}\n\n" for i in range(count))
    corp.add(contacts)
    ids = ";".join(str(i) for i in range(count))
    objects = """\
objects:
  contact:
    metaverse: person
    join: [ { id: employeeID } ]
    export: { displayName: name }
""" + WRITE[WRITE.index("  group:"):]
    people = "id,name,manager,active\n" + "".join(
        f"{i},M{i:04},,1\n" for i in range(count))
    folder = writing(tmp_path, corp, base, objects=objects, people=people,
                     groups=f"id,member\nAll,{ids}\n",
                     more="range_size: 1500\n  reconnect: 0")
    folder.ok("run", "hr", "full-import-full-sync")
    folder.ok("run", "ad", "full-import-full-sync")
    process = folder.start("run", "ad", "export")
    wait_until(lambda: corp.search("(displayName=*)", "1.1", base=base), 60,
               "something was written")
    corp.kill()
    assert process.wait(120) == 4
    corp.start()
    folder.ok("cycle")
    group = corp.search("(cn=All)", "member", base=base)[f"CN=All,{base}"]
    assert len(group["member"]) == count
    assert len(corp.search("(displayName=*)", "1.1", base=base)) == count
    run(folder, "full-import")
    assert folder.json("errors")["errors"] == []

    shorter = ";".join(str(i) for i in range(1, count))
    folder.write("data/groups.csv", f"id,member\nAll,{shorter}\n")
    folder.ok("cycle")
    group = corp.search("(cn=All)", "member", base=base)[f"CN=All,{base}"]
    assert len(group["member"]) == count - 1
    assert folder.json("pending", "--exports")["exports"] == []
    # what others change comes back
    corp.add(f"dn: CN=All,{base}\nchangetype: modify\ndelete: member\n"
             f"member: CN=M0005,{base}\n")
    folder.ok("cycle")
    group = corp.search("(cn=All)", "member", base=base)[f"CN=All,{base}"]
    assert len(group["member"]) == count - 1


# --- two forests ---

CONTACTS = """\
objects:
  user:
    metaverse: person
    join: [ { sam: sAMAccountName } ]
    project: true
    import: { name: cn, sam: sAMAccountName, MARK }
  contact:
    metaverse: person
    join: [ { sam: employeeID } ]
    provision:
      when: 'Not(IsNullOrEmpty([THEIRS]))'
      dn: '"CN=" & EscapeDNComponent([name]) & ",BASE"'
      rename: true
    export: { employeeID: sam, displayName: name }
    deprovision: delete
"""


def test_two_forests(tmp_path, corp, rome, unit, request):
    """Who has an account in one is a contact in the other."""
    there = unit_in(rome, request)
    corp.add(user(f"CN=Carl,{unit}"))
    rome.add(user(f"CN=Rita,{there}"))
    folder = folder_with(
        tmp_path,
        corp=agent(corp, unit, CONTACTS.replace("BASE", unit)
                   .replace("MARK", "id: objectGUID")
                   .replace("id: objectGUID", "flags: userAccountControl")
                   .replace("THEIRS", "bits")),
        rome=agent(rome, there, CONTACTS.replace("BASE", there)
                   .replace("MARK", "bits: userAccountControl")
                   .replace("THEIRS", "flags")))
    folder.ok("cycle")
    assert f"CN=Rita,{unit}" in corp.search("(objectClass=contact)",
                                            base=unit)
    assert f"CN=Carl,{there}" in rome.search("(objectClass=contact)",
                                             base=there)
    folder.ok("cycle")
    assert folder.json("pending", "--exports")["exports"] == []
    corp.add(f"dn: CN=Carl,{unit}\nchangetype: delete\n")
    rome.add(f"dn: CN=Rita,{there}\nchangetype: modrdn\nnewrdn: CN=Rita B\n"
             "deleteoldrdn: 1\n")
    folder.ok("cycle")
    assert rome.search("(objectClass=contact)", base=there) == {}
    assert list(corp.search("(objectClass=contact)", base=unit)) == [
        f"CN=Rita B,{unit}"]


# --- the example of two forests whose address books are one ---

# of Exchange's attributes those that the example reads: syntax and OM syntax
EXCHANGE = {
    "mailNickname": ("2.5.5.12", 64),
    "targetAddress": ("2.5.5.12", 64),
    "msExchHomeServerName": ("2.5.5.12", 64),
    "msExchHideFromAddressLists": ("2.5.5.8", 1),
    "msExchRecipientTypeDetails": ("2.5.5.16", 65),
    "homeMDB": ("2.5.5.1", 127),
}


def extend_schema(domain):
    """The attributes, and a class that brings them to people and groups."""
    schema = f"CN=Schema,CN=Configuration,{domain.base}"
    now = ("dn:\nchangetype: modify\nreplace: schemaUpdateNow\n"
           "schemaUpdateNow: 1\n\n")
    text = ""
    for number, (name, (syntax, om)) in enumerate(EXCHANGE.items(), 1):
        text += (f"dn: CN=test-{name},{schema}\nobjectClass: attributeSchema\n"
                 f"attributeID: 1.3.6.1.4.1.4203.666.1.{number}\n"
                 f"lDAPDisplayName: {name}\nattributeSyntax: {syntax}\n"
                 f"oMSyntax: {om}\nisSingleValued: TRUE\n")
        if om == 127:
            text += "oMObjectClass:: KwwCh3McAIVK\n"
        text += "\n"
    domain.add(text + now)
    domain.add(f"dn: CN=test-recipient,{schema}\nobjectClass: classSchema\n"
               "governsID: 1.3.6.1.4.1.4203.666.2.1\n"
               "lDAPDisplayName: testRecipient\nobjectClassCategory: 3\n"
               "subClassOf: top\n"
               + "".join(f"mayContain: {name}\n" for name in EXCHANGE)
               + "\n" + now)
    domain.add("".join(
        f"dn: CN={kind},{schema}\nchangetype: modify\nadd: auxiliaryClass\n"
        "auxiliaryClass: testRecipient\n\n" for kind in ("User", "Contact",
                                                         "Group")) + now)


def mailbox(dn, nick, domain):
    return user(dn, mailNickname=nick, mail=f"{nick}@{domain}",
                displayName=nick.title(),
                msExchHomeServerName="/o=x/cn=server",
                proxyAddresses=f"SMTP:{nick}@{domain}",
                legacyExchangeDN=f"/o=x/cn=Recipients/cn={nick}",
                targetAddress=f"SMTP:{nick}@{domain}")


def test_example_of_two_forests(tmp_path, corp, rome):
    folder = Folder(tmp_path / "conf")
    shutil.copytree(ROOT / "tests/unit/config/two-forest-gal", folder.path)
    for name, old, domain in [("london", "nwtraders.msft", corp),
                              ("rome", "roma.italien", rome)]:
        file = f"agents/{name}.yaml"
        text = folder.read(file)
        text = text.replace("DC=" + old.replace(".", ",DC="), domain.base)
        text = re.sub(r"servers: .*", f"servers: '{domain.tls_url}'\n"
                      f"  ca_file: {domain.ca_file}", text)
        text = re.sub(r"bind_dn: .*", f"bind_dn: {domain.bind_dn}", text)
        folder.write(file, re.sub(r"password: .*", "password: file:password",
                                  text))
        extend_schema(domain)
    folder.write("password", PASSWORD)
    (folder.path / "password").chmod(0o600)
    folder.ok("check")
    units = {corp: ["Staff", "Contacts", "FromRome"],
             rome: ["Personale", "DaLondra"]}
    for domain, names in units.items():
        domain.add("".join(f"dn: OU={name},{domain.base}\n"
                           "objectClass: organizationalUnit\n\n"
                           for name in names))
    corp.add(mailbox(f"CN=Liz Hart,OU=Staff,{corp.base}", "liz",
                     "nwtraders.msft")
             + mailbox(f"CN=Tom Reed,OU=Staff,{corp.base}", "tom",
                       "nwtraders.msft"))
    rome.add(mailbox(f"CN=Gina Rossi,OU=Personale,{rome.base}", "gina",
                     "roma.italien"))

    def contacts(domain, unit):
        found = domain.search("(objectClass=contact)", "targetAddress",
                              "mailNickname", "proxyAddresses",
                              base=f"OU={unit},{domain.base}")
        return {dn.split(",")[0][3:]: entry for dn, entry in found.items()}

    folder.ok("cycle")
    there = contacts(rome, "DaLondra")
    assert sorted(there) == ["Liz Hart", "Tom Reed"]
    assert there["Liz Hart"]["targetAddress"] == ["SMTP:liz@nwtraders.msft"]
    assert "X500:/o=x/cn=Recipients/cn=liz" in \
        there["Liz Hart"]["proxyAddresses"]
    assert sorted(contacts(corp, "FromRome")) == ["Gina Rossi"]
    folder.ok("cycle")
    assert folder.json("pending", "--exports")["exports"] == []
    corp.add(f"dn: CN=Tom Reed,OU=Staff,{corp.base}\nchangetype: delete\n\n"
             f"dn: CN=Liz Hart,OU=Staff,{corp.base}\nchangetype: modrdn\n"
             "newrdn: CN=Liz Hart-Lane\ndeleteoldrdn: 1\n")
    folder.ok("cycle")
    assert sorted(contacts(rome, "DaLondra")) == ["Liz Hart-Lane"]
    assert folder.json("errors")["errors"] == []
