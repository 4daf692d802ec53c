"""An NT 4 domain: a Samba domain controller in that style, made once for this
file; each test works with names of its own.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import subprocess

import pytest

from helpers import ROOT, Folder, counted

MAIN = """\
conjoin: 1
agents: [%s]
guards: { import: { deletions: 100%% }, export: { deletions: 100%% } }
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      account: { type: string, index: true }
      name: string
      note: string
      home: string
      sid: string
      active: boolean
  group:
    attributes:
      name: { type: string, index: true }
      member: [reference]
      others: [string]
"""

AGENT = """\
type: nt4
connect:
  server: %(server)s
  domain: %(domain)s
  user: %(user)s
  password: file:password
"""

READ = """\
objects:
  user:
    metaverse: person
    project: true
    import:
      account: accountName
      name: fullName
      note: description
      home: homeDirectory
      sid: sid
      active: 'Not([disabled])'
  group:
    metaverse: group
    project: true
    import: { name: accountName, member: member }
"""


class Domain:
    """A private domain controller, see tools/nt4.sh."""

    def __init__(self, folder, address):
        self.folder = pathlib.Path(folder)
        self.address = address

    def tool(self, verb, *options):
        done = subprocess.run([ROOT / "tools/nt4.sh", verb, self.folder,
                               *options], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def start(self):
        env = self.tool("start", self.address)
        self.server, self.domain = env["NT4_SERVER"], env["NT4_DOMAIN"]
        self.user, self.password = env["NT4_USER"], env["NT4_PASSWORD"]
        return self

    def rpc(self, *commands):
        """What rpcclient prints."""
        done = subprocess.run(
            ["rpcclient", self.server, "-A", self.folder / "sign-in"],
            input="\n".join(commands) + "\n", capture_output=True, text=True,
            check=False)
        assert "NT_STATUS" not in done.stdout + done.stderr, done
        return done.stdout

    def net(self, *words):
        done = subprocess.run(
            ["net", "rpc", *words, "-S", self.server, "-A",
             self.folder / "sign-in"], capture_output=True, text=True,
            check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def within(self, *command):
        """A command on the controller's own files."""
        files = self.folder / "unix"
        done = subprocess.run(
            [*command, "-s", self.folder / "smb.conf"], capture_output=True,
            text=True, check=False, env={
                **os.environ, "LD_PRELOAD": "libnss_wrapper.so",
                "NSS_WRAPPER_PASSWD": str(files / "passwd"),
                "NSS_WRAPPER_GROUP": str(files / "group")})
        assert done.returncode == 0, done.stdout + done.stderr

    def account(self, name):
        """Fields of an account."""
        found = {}
        for line in self.rpc(f'queryuser "{name}"').splitlines():
            label, colon, value = line.strip().partition(":")
            if colon:
                found[label.strip()] = value.strip()
        return found

    def members(self, group):
        return sorted(line.split("\\")[1] for line
                      in self.net("group", "members", group).splitlines())

    def can_sign_in(self, name, password):
        path = self.folder / "trial"
        path.write_text(f"username = {name}\npassword = {password}\n"
                        f"domain = {self.domain}\n")
        return subprocess.run(
            ["rpcclient", self.server, "-A", path, "-c", "lsaquery"],
            capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    server = Domain(tmp_path_factory.mktemp("nt4"), "127.0.0.56").start()
    yield server
    server.tool("stop")


def folder_for(path, domain, objects=READ, agents="nt"):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN % agents)
    folder.write("agents/nt.yaml", AGENT % vars(domain) + objects)
    folder.write("password", domain.password)
    (folder.path / "password").chmod(0o600)
    return folder


def run(folder, profile):
    found = {}
    for step in folder.json("run", "nt", profile)["steps"]:
        found.update(counted(step))
    return found


def person(folder, account):
    for one in folder.json("search", "mv", "person")["objects"]:
        if one["attributes"]["account"] == [account]:
            return one["attributes"]
    return None


def members(folder, name):
    people = {f"mv {one['id']}": one["attributes"]["account"][0]
              for one in folder.json("search", "mv", "person")["objects"]}
    for one in folder.json("search", "mv", "group")["objects"]:
        if one["attributes"]["name"] == [name]:
            return sorted(people.get(value, value)
                          for value in one["attributes"].get("member", []))
    return None


# --- what is read ---

def test_read(tmp_path, domain):
    domain.rpc("createdomuser anna", 'createdomuser "bob b"',
               "createdomgroup Readers")
    domain.net("group", "addmem", "Readers", "anna")
    domain.net("group", "addmem", "Readers", "bob b")
    folder = folder_for(tmp_path, domain)
    assert run(folder, "full-import-full-sync")["stage-add"] >= 5
    anna = person(folder, "anna")
    assert re.fullmatch(r"S-1-5-21(-\d+){4}", anna["sid"][0])
    assert anna["active"] == ["false"]
    assert anna["home"] == ["\\\\PDC\\anna"]
    assert "name" not in anna
    assert members(folder, "Readers") == ["anna", "bob b"]
    assert members(folder, "Domain Admins") == ["Administrator"]
    assert set(run(folder, "full-import")) == {"stage-no-change"}
    # a rename is one, and what is gone is gone
    domain.net("user", "rename", "anna", "ann")
    domain.rpc('deletedomuser "bob b"')
    found = run(folder, "full-import-delta-sync")
    assert found["stage-rename"] == 1 and found["stage-delete"] == 1
    assert members(folder, "Readers") == ["ann"]
    domain.rpc("deletedomuser ann", "deletedomgroup Readers")


def test_aliases(tmp_path, domain):
    """Members of a local group: of the domain, and of others."""
    group = domain.folder / "unix/group"
    group.write_text(group.read_text() + "locals:x:20900:\n")
    domain.within("net", "groupmap", "add", "ntgroup=Locals", "type=l",
                  "unixgroup=locals")
    domain.net("group", "addmem", "Locals", "Administrator")
    domain.net("group", "addmem", "Locals", "S-1-1-0")
    folder = folder_for(tmp_path, domain, READ + """\
  alias:
    metaverse: group
    project: true
    import: { name: accountName, member: member, others: foreignMember }
""")
    run(folder, "full-import-full-sync")
    assert members(folder, "Locals") == ["Administrator"]
    (found,) = folder.json("search", "cs", "nt", "--type", "alias")["objects"]
    assert found["dn"] == "CN=Locals,DC=NT4DOM"
    others = [one["attributes"].get("others") for one
              in folder.json("search", "mv", "group")["objects"]]
    assert ["S-1-1-0"] in others


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
    attributes: { active: { type: boolean } }
    import: { id: id, account: account, name: name, note: note, active: active }
  group:
    metaverse: group
    project: true
    attributes:
      member: { type: reference, to: person, multi: true, separator: ';' }
    import: { name: id, member: member }
"""

WRITE = r"""objects:
  user:
    metaverse: person
    join: [ { account: accountName } ]
    provision:
      when: '[active]'
      dn: '"CN=" & EscapeDNComponent([account]) & ",DC=NT4DOM"'
      rename: true
      initial: { userPassword: '"Pass-wörd-;1" & [id]' }
    export:
      fullName: name
      description: note
      homeDirectory: '"\\\\files\\" & [account] & "\\"'
    deprovision: { after: 30 days, then: delete, meanwhile: disable }
  group:
    metaverse: group
    join: [ { name: accountName } ]
    provision:
      when: 'IsPresent([member])'
      dn: '"CN=" & [name] & ",DC=NT4DOM"'
    export: { member: member }
    deprovision: delete
"""


def writing(path, domain, people, groups=""):
    folder = folder_for(path, domain, WRITE, "hr, nt")
    folder.write("agents/hr.yaml", HR)
    write(folder, people, groups)
    folder.ok("check")
    return folder


def write(folder, people, groups=""):
    folder.write("data/people.csv", "id,account,name,note,active\n" + people)
    folder.write("data/groups.csv", "id,member\n" + groups)


def settled(folder):
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []
    assert set(run(folder, "full-import")) == {"stage-no-change"}


def test_accounts(tmp_path, domain):
    """Made, with a password; changed, renamed, disabled."""
    folder = writing(
        tmp_path, domain, '1,cid,"Cid ""C"" Öz",a \\ b\'s $HOME `x`,1\n'
        "2,dot d,Dot,,1\n", "crew,1;2\n")
    folder.ok("cycle")
    cid = domain.account("cid")
    assert cid["Full Name"] == 'Cid "C" Öz'
    assert cid["Description"] == "a \\ b's $HOME `x`"
    assert cid["Home Drive"] == "\\\\files\\cid\\"
    assert domain.can_sign_in("cid", "Pass-wörd-;11")
    assert not domain.can_sign_in("cid", "Pass-wörd-;12")
    assert domain.members("crew") == ["cid", "dot d"]
    settled(folder)
    write(folder, "1,cyd,Cyd,,1\n2,dot d,Dot,x,0\n", "crew,1\n")
    folder.ok("cycle")
    cyd = domain.account("cyd")
    assert cyd["Full Name"] == "Cyd" and cyd["Description"].strip() == ""
    assert domain.can_sign_in("cyd", "Pass-wörd-;11")
    assert int(domain.account("dot d")["acb_info"], 16) & 1
    assert domain.members("crew") == ["cyd"]
    settled(folder)
    # all members at once: no value is left as it was
    write(folder, "1,cyd,Cyd,,1\n2,dot d,Dot,x,1\n", "crew,2\n")
    folder.ok("cycle")
    assert domain.members("crew") == ["dot d"]
    write(folder, "1,cyd,Cyd,,1\n2,dot d,Dot,x,1\n", "crew,\n")
    folder.ok("cycle")
    assert "group:[crew]" not in domain.rpc("enumdomgroups")
    settled(folder)


def test_refusals(tmp_path, domain):
    """In the server's words; what was half made is taken away."""
    domain.rpc("createdomgroup taken")
    folder = writing(tmp_path, domain, "7,taken,Who,,1\n")
    folder.ok("cycle", status=1)
    (error,) = folder.json("errors")["errors"]
    assert error["code"] in ("cd-existing-object", "object-already-exists")
    write(folder, "8,weak,Weak,,1\n")
    folder.replace("agents/nt.yaml", '"Pass-wörd-;1" & [id]', '"say ""no"""')
    folder.ok("cycle", status=1)
    (error,) = [one for one in folder.json("errors")["errors"]
                if one["code"] == "invalid-attribute-value"]
    assert "double quote" in str(error) and "say" not in str(error)
    assert "[weak]" not in domain.rpc("enumdomusers")


@pytest.mark.parametrize("change,told", [
    (("file:password", "file:wrong"), "check user, domain and password"),
    (("server: 127.0.0.56", "server: 127.0.0.57"), "cannot be asked"),
    (("domain: NT4DOM", "domain: OTHER"), "is not of the domain 'OTHER'"),
    (("type: nt4\nconnect:", "type: nt4\nconnect:\n  tools: nowhere"),
     "cannot start"),
])
def test_no_way_in(tmp_path, domain, change, told):
    folder = folder_for(tmp_path, domain)
    folder.write("wrong", "wrong")
    (folder.path / "wrong").chmod(0o600)
    folder.replace("agents/nt.yaml", *change)
    done = folder.conjoin("run", "nt", "full-import")
    assert done.status == 4 and told in done.out + done.err, done


def test_nobody_sees_the_password(tmp_path, domain):
    """It is in no argument and no environment of the programs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("rpcclient", "net"):
        (tools / name).write_text(
            f"#!/bin/sh\n{{ echo \"$@\"; env; }} >>{tmp_path}/seen\n"
            f"exec /usr/bin/{name} \"$@\"\n")
        (tools / name).chmod(0o755)
    folder = writing(tmp_path, domain, "9,eve,Eve,,1\n")
    folder.replace("agents/nt.yaml", "connect:", f"connect:\n  tools: {tools}")
    folder.ok("cycle")
    seen = (tmp_path / "seen").read_text()
    assert "-A /dev/fd/3" in seen
    assert domain.password not in seen and "Pass-w" not in seen
    assert domain.can_sign_in("eve", "Pass-wörd-;19")
    domain.rpc("deletedomuser eve")


def test_document(tmp_path, domain):
    """What the reference shows is right."""
    text = (ROOT / "docs/reference/connectors/nt4.md").read_text()
    shown, more = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN % "nt")
    folder.write("agents/nt.yaml", shown + more)
    folder.ok("check")
    found = folder.ok("help", "connector", "nt4").out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## Values")[0],
                              re.M):
        assert setting in found
