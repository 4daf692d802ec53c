"""The private slapd itself does what the other system tests rely on.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess

import pytest

PERSON = """\
dn: uid=ann,{base}
objectClass: inetOrgPerson
cn: Ann
sn: Müller
"""


def test_entries_come_back(slapd):
    slapd.add(PERSON.format(base=slapd.base))
    found = slapd.search("(uid=ann)", "sn", "cn")
    assert found == {f"uid=ann,{slapd.base}": {"cn": ["Ann"], "sn": ["Müller"]}}


def test_data_survive_a_stop(slapd):
    url = slapd.url
    slapd.add(PERSON.format(base=slapd.base))
    slapd.stop()
    with pytest.raises(RuntimeError):
        slapd.search()
    slapd.start()
    assert slapd.url == url
    assert f"uid=ann,{slapd.base}" in slapd.search()


def test_started_again_after_a_kill(slapd):
    pid = slapd.pid
    slapd.kill()
    slapd.start()
    assert slapd.pid != pid
    assert slapd.search()


def test_two_servers_side_by_side(make_slapd):
    one = make_slapd(suffix="dc=one,dc=test")
    two = make_slapd(suffix="o=two")
    assert list(one.search()) == ["dc=one,dc=test"]
    assert list(two.search()) == ["o=two"]


def test_certificate_is_signed_by_its_own_authority(slapd):
    def search(**environment):
        return subprocess.run(
            ["ldapsearch", "-x", "-H", slapd.tls_url, "-s", "base", "-b", ""],
            capture_output=True,
            env={**os.environ, "LDAPTLS_REQCERT": "demand", **environment},
        ).returncode

    assert search(LDAPTLS_CACERT=slapd.ca_file) == 0
    assert search() != 0
