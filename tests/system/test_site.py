"""Domain controllers by DNS: those of the agent's site first.

A real domain with a name server of its own; the program asks it in a mount
namespace with a resolv.conf of ours.

SPDX-License-Identifier: Apache-2.0
"""
import subprocess

import pytest

from helpers import Folder

MAIN = """\
conjoin: 1
agents: [dir]
metaverse:
  person:
    attributes: { name: string }
"""

AGENT = """\
type: ad
connect:
  domain: %(domain)s
  site: %(site)s
  bind_dn: %(bind)s
  password: file:password
  ca_file: %(ca)s
  base: %(base)s
objects:
  user: { metaverse: person, project: true, import: { name: cn } }
"""


@pytest.fixture(scope="module")
def corp(make_samba):
    return make_samba("CORP.TEST", "127.0.0.44", "dns")


def folder_for(path, corp, **other):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN)
    folder.write("password", corp.password)
    (folder.path / "password").chmod(0o600)
    folder.write("agents/dir.yaml", AGENT % {
        "domain": "corp.test", "site": "Default-First-Site-Name",
        "bind": corp.bind_dn, "ca": corp.ca_file, "base": corp.base, **other})
    folder.ok("check")
    return folder


def run(folder, path, *words):
    """The program, where names are asked of the domain's server."""
    conf = path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.44\noptions timeout:2 attempts:2\n")
    return subprocess.run(
        ["unshare", "-m", "sh", "-c",
         'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf '
         '&& exec "$@"', conf, *folder.command(*words)],
        capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("site", ["Default-First-Site-Name", "nowhere"])
def test_servers_by_dns(tmp_path, corp, site):
    folder = folder_for(tmp_path, corp, site=site)
    done = run(folder, tmp_path, "run", "dir", "full-import")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stage-add" in done.stdout
    folder.write("password", "wrong")
    done = run(folder, tmp_path, "run", "dir", "full-import")
    assert "ldaps://dc.corp.test: the server refuses" in done.stderr


def test_no_such_domain(tmp_path, corp):
    folder = folder_for(tmp_path, corp, domain="nowhere.test")
    done = run(folder, tmp_path, "run", "dir", "full-import")
    assert done.returncode == 4
    assert "no domain controller of 'nowhere.test' is found" in done.stderr
    assert "_ldap._tcp.dc._msdcs.nowhere.test" in done.stderr


def test_settings(tmp_path, corp):
    folder = folder_for(tmp_path, corp)
    folder.replace("agents/dir.yaml", "  domain: corp.test\n", "")
    assert "'domain' is missing" in folder.ok("check", status=2).out
    folder.replace("agents/dir.yaml", "  site: Default-First-Site-Name\n", "")
    assert "'servers' is missing" in folder.ok("check", status=2).out
    folder.replace("agents/dir.yaml", "connect:",
                   "connect:\n  domain: a.test\n  servers: ldaps://a.test")
    assert "not both" in folder.ok("check", status=2).out
