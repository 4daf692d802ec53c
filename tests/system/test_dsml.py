"""Directories in DSML: the samples of the documents, deltas, what others read.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from helpers import ROOT, Folder

SAMPLE = re.compile(r"^`([\w./-]+)`:\n\n```\w*\n(.*?)^```$", re.M | re.S)
ONE = "{http://www.dsml.org/DSML}"
TWO = "{urn:oasis:names:tc:DSML:2:0:core}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

MAIN = """conjoin: 1
agents: [hr]
metaverse:
  person:
    attributes:
      uid: { type: string, index: true }
      givenName: string
      sn: string
      phone: { type: string, multi: true }
    delete: { when: [hr] }
"""

RULES = """
objects:
  person:
    metaverse: person
    project: true
    import:
      uid: uid
      givenName: givenName
      sn: sn
      phone: telephoneNumber
"""

TRICKY = [("1", "a <&> \"'b", "]]>"), ("2", " blanks ", "two\nlines\ttab"),
          ("3", "\N{GRINNING FACE}", "\x01 control"), ("4", "O, k=+", "#;\\")]


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def people(folder):
    return {obj["attributes"]["uid"][0]: (
        obj["attributes"]["givenName"][0], obj["attributes"]["sn"][0],
        sorted(obj["attributes"].get("phone", [])))
        for obj in folder.json("search", "mv", "person")["objects"]}


def test_samples_of_the_document(tmp_path):
    folder = Folder(tmp_path)
    text = (ROOT / "docs/reference/connectors/dsml.md").read_text()
    files = dict(SAMPLE.findall(text))
    changes = files.pop("data/changes.xml")
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", files.pop("agents/hr.yaml") + RULES)
    folder.write("data/people.xml", files.pop("data/people.xml"))
    assert not files
    folder.ok("check")
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "full-sync")
    assert people(folder) == {"1": ("Ada", "Larkin", ["11", "12"])}
    folder.write("data/changes.xml", changes)
    folder.ok("run", "hr", "delta-import")
    folder.ok("run", "hr", "delta-sync")
    after = {"1": ("Ada Maria", "Larkin", ["11"]), "2": ("Ben", "Osei", [])}
    assert people(folder) == after
    step = folder.step("hr", "full-import")
    assert not step["counters"].get("stage-update"), step
    schema = folder.ok("agent", "schema", "hr", "--type", "person").out
    assert "telephoneNumber" in schema
    made = folder.ok("agent", "new", "dsml", "old", "--set",
                     "path=data/people.xml", "--set", "anchor=uid", "--yes")
    assert "old" in made.out
    assert "telephoneNumber" in folder.read("agents/old.yaml")


def value_of(element):
    """A value as those read it who know what it says of itself."""
    text = element.text or ""
    kind = element.get(TYPE)
    if kind or element.get("encoding"):
        assert kind in (None, "xsd:base64Binary")
        return base64.b64decode(text).decode()
    return text


def read_by_others(path, version):
    root = ElementTree.parse(path).getroot()
    space, entry = {
        "version: 1": (ONE, f"{ONE}directory-entries/{ONE}entry"),
        "version: 2": (TWO, f"{TWO}searchResponse/{TWO}searchResultEntry"),
        "document: requests": (TWO, f"{TWO}addRequest"),
    }[version]
    found = {}
    for element in root.findall(entry):
        values = {attr.get("name"): [value_of(value) for value in
                                     attr.findall(f"{space}value")]
                  for attr in element.findall(f"{space}attr")}
        classes = values.get("objectClass") or [
            value.text for value in
            element.findall(f"{space}objectclass/{space}oc-value")]
        assert classes[-1] == "inetOrgPerson"
        found[element.get("dn")] = (values["cn"][0], values["sn"][0])
    return found


@pytest.mark.parametrize("version", ["version: 1", "version: 2",
                                     "document: requests"])
def test_round_trip(version, tmp_path):
    """What was exported is what others read, and what is imported again."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN.replace("[hr]\nmeta",
                                              "[hr, out]\nmeta"))
    folder.write("agents/hr.yaml", "type: csv\nconnect: { path: data/hr.csv, "
                 "anchor: uid }\n" + RULES.replace(
                     "      phone: telephoneNumber\n", ""))
    folder.write("data/hr.csv", "uid,givenName,sn\n" + "".join(
        f"{key},{quoted(first)},{quoted(last)}\n"
        for key, first, last in TRICKY))
    changes = "" if version == "version: 1" else ", changes: out/c.xml"
    folder.write("agents/out.yaml", f"""type: dsml
connect: {{ path: out/d.xml, {version}{changes} }}
objects:
  inetOrgPerson:
    metaverse: person
    join: [ {{ uid: uid }} ]
    provision: {{ dn: 'EscapeDNComponent("cn=" & [givenName]) & ",o=<x>"' }}
    export: {{ uid: uid, cn: givenName, sn: sn }}
""")
    folder.ok("cycle")
    found = read_by_others(tmp_path / "out/d.xml", version)
    assert sorted(found.values()) == sorted(
        (first, last) for _, first, last in TRICKY)
    assert all(dn.endswith(",o=<x>") for dn in found)
    step = folder.step("out", "full-import")
    assert not step["counters"].get("stage-update"), step
    folder.replace("data/hr.csv", "two\nlines\ttab", "one line")
    folder.ok("cycle")
    if changes:
        requests = ElementTree.parse(tmp_path / "out/c.xml").getroot()
        assert [element.tag for element in requests] == [f"{TWO}modifyRequest"]
    else:
        found = read_by_others(tmp_path / "out/d.xml", version)
        assert (" blanks ", "one line") in found.values()
    step = folder.step("out", "full-import")
    assert not step["counters"].get("stage-update"), step


def test_a_cut_document_deletes_nobody(tmp_path):
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", "type: dsml\nconnect: { path: d.xml }\n" +
                 RULES)
    entry = ("<searchResultEntry dn='cn={0}'><attr name='objectClass'><value>"
             "person</value></attr><attr name='uid'><value>{0}</value></attr>"
             "<attr name='givenName'><value>x</value></attr><attr name='sn'>"
             "<value>x</value></attr></searchResultEntry>")
    folder.write("d.xml", "<searchResponse>" + "".join(
        entry.format(i) for i in range(5)) + "</searchResponse>")
    folder.ok("run", "hr", "full-import")
    folder.write("d.xml", "<searchResponse>" + entry.format(1) +
                 "<searchResultDone><resultCode code='3' "
                 "descr='timeLimitExceeded'/></searchResultDone>"
                 "</searchResponse>")
    told = folder.conjoin("run", "hr", "full-import")
    assert told.status != 0
    assert "not all is told" in told.err
    folder.write("d.xml", "<searchResponse>" + entry.format(1))
    assert folder.conjoin("run", "hr", "full-import").status != 0
    assert len(folder.json("search", "cs", "hr")["objects"]) == 5


PERL = r"""
use Net::LDAP::DSML;
use Net::LDAP::Entry;
open(my $file, '>', $ARGV[0]) or die;
my $dsml = Net::LDAP::DSML->new(output => $file, pretty_print => 1) or die;
$dsml->start_dsml();
$dsml->write_entry(Net::LDAP::Entry->new(@$_)) for (
    ['uid=1,ou=people,dc=corp,dc=test', objectClass => ['top', 'person'],
     uid => '1', givenName => 'Ada & <b>', sn => "O'Neill \"Z\"",
     telephoneNumber => ['11', '12'], jpegPhoto => "\x01\xff"],
    ['uid=2,ou=people,dc=corp,dc=test', objectClass => ['top', 'person'],
     uid => '2', givenName => "Zo\xc3\xab", sn => ' Osei ']);
$dsml->end_dsml();
"""


def test_written_by_others(tmp_path):
    """A document that Perl's Net::LDAP::DSML wrote."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/hr.yaml", "type: dsml\nconnect: { path: d.xml, "
                 "anchor: uid }\n" + RULES)
    subprocess.run(["perl", "-e", PERL, str(tmp_path / "d.xml")], check=True)
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "full-sync")
    assert people(folder) == {"1": ("Ada & <b>", "O'Neill \"Z\"",
                                    ["11", "12"]),
                              "2": ("Zo\u00eb", " Osei ", [])}
