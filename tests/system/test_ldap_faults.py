"""What is wrong with a directory, its server or its data: each has a message
that says what, where and what to do.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import os
import re
import socket
import subprocess
import threading

import pytest

from helpers import Folder, counted

MAIN = """\
conjoin: 1
agents: [dir]
metaverse:
  person:
    attributes: { id: string, name: string, photo: string }
"""

AGENT = """\
type: %(kind)s
connect:
  servers: %(url)s
  %(sign_in)s
  security: %(security)s
  reconnect: 0
  %(more)s
  base: %(base)s
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import: { name: %(attr)s }
"""


def folder_for(path, url, base, kind="ldap", sign_in="", more="", attr="cn",
               security="none"):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN)
    folder.write("password", "secret")
    (folder.path / "password").chmod(0o600)
    folder.write("agents/dir.yaml", AGENT % {
        "kind": kind, "url": url, "base": base, "more": more, "attr": attr,
        "sign_in": sign_in, "security": security})
    folder.ok("check")
    return folder


def admin(server):
    return f"bind_dn: {server.bind_dn}\n  password: file:password"


def failing(folder, result, profile="full-import"):
    """The message of an import that fails."""
    step = folder.json("run", "dir", profile, status=4)["steps"][-1]
    assert step["result"] == result, step
    return step["message"]


def people(server, count):
    server.add("".join(
        f"dn: cn=p{i},{server.base}\nobjectClass: inetOrgPerson\nsn: x\n\n"
        for i in range(count)))


class Answers:
    """A server that takes every sign-in, has an empty root, and answers every
    other search with one result code."""

    def __init__(self, code, text=""):
        self.code = code
        self.text = text
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ldap://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        data = b""
        while more := client.recv(65536):
            data += more
            while len(data) > 1:
                size, start = length(data)
                if len(data) < start + size:
                    break
                self.answer(client, data[start:start + size])
                data = data[start + size:]

    def answer(self, client, request):
        number = request[2:2 + request[1]]
        operation = request[2 + request[1]]
        body = request[3 + request[1]:]
        if operation == 0x60:
            client.sendall(result(number, 0x61, 0, ""))
        elif operation == 0x63:
            skip = 2 if body[0] & 0x80 and body[0] == 0x81 else 1
            root = body[skip:skip + 2] == b"\x04\x00"
            client.sendall(result(number, 0x65, 0 if root else self.code,
                                  "" if root else self.text))


def length(data):
    """Of a BER element: the length of what it holds, and where that begins."""
    if data[1] < 0x80:
        return data[1], 2
    count = data[1] & 0x7f
    return int.from_bytes(data[2:2 + count], "big"), 2 + count


def result(number, operation, code, text):
    raw = text.encode()
    body = b"\x0a\x01" + bytes([code]) + b"\x04\x00\x04" + bytes(
        [len(raw)]) + raw
    message = b"\x02" + bytes([len(number)]) + number + bytes(
        [operation, len(body)]) + body
    return b"\x30" + bytes([len(message)]) + message


# --- limits ---


@pytest.mark.parametrize("code, name, remedy", [
    (3, "timeLimitExceeded", "give it indexes for the filter"),
    (4, "sizeLimitExceeded", "set page_size"),
    (11, "adminLimitExceeded", "have the limit raised"),
    (53, "unwillingToPerform", "not now"),
])
def test_result_codes(tmp_path, code, name, remedy):
    with Answers(code, "not now") as server:
        folder = folder_for(tmp_path, server.url, "dc=example,dc=com")
        message = failing(folder, "no-start-connection" if code < 50 else
                          "no-start-bad-ma-configuration")
        assert server.url in message and "dc=example,dc=com" in message
        assert f"result code {code} {name}" in message
        assert remedy in message


def test_more_entries_than_are_given(tmp_path, make_slapd):
    server = make_slapd(conf="limits users size.soft=5 size.hard=5 "
                        "size.prtotal=unlimited\n")
    people(server, 20)
    server.add(f"dn: cn=reader,{server.base}\nobjectClass: inetOrgPerson\n"
               "sn: x\nuserPassword: secret\n")
    folder = folder_for(
        tmp_path, server.url, server.base, more="page_size: 0",
        sign_in=f"bind_dn: cn=reader,{server.base}\n  "
                "password: file:password")
    message = failing(folder, "no-start-connection")
    assert "sizeLimitExceeded" in message and "set page_size" in message
    folder.replace("agents/dir.yaml", "page_size: 0", "page_size: 3")
    assert counted(folder.step("dir", "full-import")) == {"stage-add": 21}


def test_more_entries_than_may_ever_be_given(tmp_path, make_slapd):
    """Nobody is taken for gone."""
    server = make_slapd()
    people(server, 20)
    folder = folder_for(tmp_path, server.url, server.base,
                        sign_in=admin(server))
    assert counted(folder.step("dir", "full-import")) == {"stage-add": 20}
    server.add(f"dn: cn=reader,{server.base}\nobjectClass: inetOrgPerson\n"
               "sn: x\nuserPassword: secret\n")
    server.stop()
    conf = server.folder / "slapd.conf"
    conf.write_text(conf.read_text()
                    + "limits users size.prtotal=10 size.hard=10\n")
    server.start()
    folder.replace("agents/dir.yaml", server.bind_dn,
                   f"cn=reader,{server.base}")
    folder.replace("agents/dir.yaml", "reconnect: 0",
                   "reconnect: 0\n  page_size: 4")
    step = folder.json("run", "dir", "full-import", status=4)["steps"][-1]
    assert step["result"] == "stopped-import-read"
    assert re.search(r"result code (4|11) \w+LimitExceeded", step["message"])
    assert "have the limit raised" in step["message"]
    assert len(folder.json("pending", "dir", "--imports")["imports"]) == 20


# --- referrals ---


def test_base_is_elsewhere(tmp_path, make_slapd):
    server = make_slapd()
    server.add(f"dn: ou=away,{server.base}\nobjectClass: referral\n"
               "objectClass: extensibleObject\n"
               f"ref: ldap://ldap2.corp.test/ou=away,{server.base}\n")
    folder = folder_for(tmp_path, server.url, f"ou=away,{server.base}",
                        sign_in=admin(server))
    message = failing(folder, "no-start-bad-ma-configuration")
    assert "ldap://ldap2.corp.test/ou=away" in message
    assert "10 referral" in message and "name that one in servers" in message


def test_part_is_elsewhere(tmp_path, make_slapd):
    """What a search refers to is not this agent's."""
    server = make_slapd()
    people(server, 3)
    server.add(f"dn: ou=away,{server.base}\nobjectClass: referral\n"
               "objectClass: extensibleObject\n"
               f"ref: ldap://ldap2.corp.test/ou=away,{server.base}\n")
    folder = folder_for(tmp_path, server.url, server.base,
                        sign_in=admin(server))
    assert counted(folder.step("dir", "full-import")) == {"stage-add": 3}


def referring(server, url, base=None):
    server.add(f"dn: ou=away,{server.base}\nobjectClass: referral\n"
               "objectClass: extensibleObject\n"
               f"ref: {url}/{base or 'ou=away,' + server.base}\n")


@pytest.mark.parametrize("base", ["dc=example,dc=com",
                                  "ou=away,dc=example,dc=com"])
def test_followed(tmp_path, make_slapd, base):
    """What lies there is read as well; and refers back, which ends."""
    server = make_slapd()
    other = make_slapd(suffix=f"ou=away,{server.base}")
    people(server, 3)
    people(other, 40)
    referring(server, other.url)
    for name, back in (("back", other.base), ("round", base)):
        other.add(f"dn: ou={name},{other.base}\nobjectClass: referral\n"
                  "objectClass: extensibleObject\n"
                  f"ref: {server.url}/{back}??sub\n")
    folder = folder_for(tmp_path, server.url, base,
                        more="referrals: follow\n  page_size: 10")
    here = 3 if base == server.base else 0
    for expected in ("stage-add", "stage-no-change"):
        assert counted(folder.step("dir", "full-import")) == {
            expected: 40 + here}
    folder.replace("agents/dir.yaml", "base:",
                   "filter: (cn=p1*)\n  base:")
    found = counted(folder.step("dir", "full-import", status=3))
    assert found == {} or "stage-delete" not in found
    # nobody is gone because a server is away
    folder.replace("agents/dir.yaml", "filter: (cn=p1*)\n  ", "")
    other.stop()
    step = folder.json("run", "dir", "full-import", status=4)["steps"][-1]
    assert "cannot follow the referral to " + other.url in step["message"]
    other.start()
    assert counted(folder.step("dir", "full-import")) == {
        "stage-no-change": 40 + here}


def test_not_followed_without_encryption(tmp_path, make_slapd):
    server = make_slapd(tls=True)
    referring(server, "ldap://ldap2.corp.test")
    folder = folder_for(tmp_path, server.tls_url, server.base,
                        security="tls",
                        more=f"referrals: follow\n  ca_file: {server.ca_file}")
    message = failing(folder, "no-start-bad-ma-configuration")
    assert "ldap://ldap2.corp.test" in message
    assert "'security: tls'" in message


def test_too_many_referrals(tmp_path, make_slapd):
    """A server that refers to one name after another of its own."""
    server = make_slapd()
    for i in range(8):
        server.add(f"dn: ou=r{i},{server.base}\nobjectClass: referral\n"
                   "objectClass: extensibleObject\n"
                   f"ref: {server.url}/ou=r{i + 1},{server.base}\n")
    folder = folder_for(tmp_path, server.url, f"ou=r0,{server.base}",
                        more="referrals: follow")
    step = folder.json("run", "dir", "full-import", status=4)["steps"][-1]
    assert "more than 5 servers refer" in step["message"]


# --- the wrong server, the wrong names ---


@pytest.mark.parametrize("kind, other", [("ad", "Active Directory"),
                                         ("sun", "389 Directory Server")])
def test_another_kind_of_server(tmp_path, make_slapd, kind, other):
    server = make_slapd()
    folder = folder_for(tmp_path, server.url, server.base, kind=kind,
                        sign_in=admin(server))
    message = failing(folder, "no-start-bad-ma-configuration")
    assert f"is OpenLDAP, not {other}: write 'type: openldap'" in message


def test_openldap_at_389(tmp_path, dirsrv):
    folder = folder_for(tmp_path, dirsrv.url, dirsrv.base, kind="openldap",
                        sign_in=admin(dirsrv))
    folder.write("password", dirsrv.password)
    message = failing(folder, "no-start-bad-ma-configuration")
    assert "389 Directory Server" in message and "'type: sun'" in message


def test_attribute_that_is_not_in_the_schema(tmp_path, make_slapd):
    server = make_slapd()
    people(server, 1)
    folder = folder_for(tmp_path, server.url, server.base,
                        sign_in=admin(server), attr="employeNumber")
    message = failing(folder, "no-start-bad-ma-configuration")
    assert "has no attribute 'employeNumber' of inetOrgPerson" in message
    folder.replace("agents/dir.yaml", "employeNumber", "description;lang-de")
    assert counted(folder.step("dir", "full-import")) == {"stage-add": 1}


# --- data ---


def test_rubbish_in_a_string(tmp_path, make_slapd):
    """Bytes that are no text: an error of that entry, which stays as it was."""
    server = make_slapd()
    people(server, 3)
    folder = folder_for(tmp_path, server.url, server.base,
                        sign_in=admin(server))
    folder.replace("agents/dir.yaml", "    import: { name: cn }",
                   "    attributes: { jpegPhoto: { type: string } }\n"
                   "    import: { name: jpegPhoto }")
    folder.step("dir", "full-import")
    rubbish = base64.b64encode(bytes(range(128, 256))).decode()
    server.add(f"dn: cn=p1,{server.base}\nchangetype: modify\n"
               f"replace: jpegPhoto\njpegPhoto:: {rubbish}\n")
    step = folder.step("dir", "full-import", status=1)
    assert step["result"] == "completed-discovery-errors"
    (error,) = step["errors"]
    assert error["code"] == "invalid-attribute-value"
    assert error["where"] == f"cn=p1,{server.base}"
    assert "jpegPhoto" in error["message"]
    assert "stage-delete" not in counted(step)


# --- time ---

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#define LATE 3600
int gettimeofday(struct timeval *tv, void *zone)
{
	int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
	int ret = real(tv, zone);
	tv->tv_sec += LATE;
	return ret;
}
int clock_gettime(clockid_t id, struct timespec *ts)
{
	int (*real)(clockid_t, struct timespec *) =
		dlsym(RTLD_NEXT, "clock_gettime");
	int ret = real(id, ts);
	if (id == CLOCK_REALTIME)
		ts->tv_sec += LATE;
	return ret;
}
time_t time(time_t *out)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
"""


def test_clock_is_wrong(tmp_path, make_samba):
    """This machine is an hour ahead of the domain controller."""
    corp = make_samba("CORP.TEST", "127.0.0.43")
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/dir.yaml", f"""\
type: ad
connect:
  servers: {corp.url}
  security: sign-and-encrypt
  principal: Administrator@CORP.TEST
  password: file:password
  base: {corp.base}
objects:
  user: {{ metaverse: person, project: true, import: {{ name: cn }} }}
""")
    folder.write("password", corp.password)
    (folder.path / "password").chmod(0o600)
    conf = tmp_path / "krb5.conf"
    conf.write_text(re.sub(r"(?m)^\[libdefaults\]",
                           "[libdefaults]\n\tkdc_timesync = 0",
                           open(corp.env["KRB5_CONFIG"]).read()))
    source = tmp_path / "clock.c"
    source.write_text(CLOCK)
    library = tmp_path / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"],
                   check=True)
    good = {**os.environ, "KRB5_CONFIG": str(conf)}
    folder.ok("run", "dir", "full-import", env=good)
    done = folder.ok("run", "dir", "full-import", status=4,
                     env={**good, "LD_PRELOAD": str(library)})
    assert "cannot get a ticket for 'Administrator@CORP.TEST'" in done.err
    assert "Clock skew too great" in done.err
    assert "set this machine's clock" in done.err
