"""What a step takes in memory does not grow with what it reads or writes.

Steps run with a limit to their heap that what is known of each object in
passing, or a handful of batches of large objects, would not fit into.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import random
import resource

import pytest

from helpers import Folder, counted

MB = 1 << 20
PEOPLE = 60_000
PHOTOS = 2_000
PHOTO = 60_000

GENERAL = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [{agents}]
metaverse:
  person:
    attributes:
      uid:   {{ type: string, index: true }}
      name:  string
      photo: binary
"""
HR = """\
type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    join:
      - uid: id
    project: true
    import:
      uid:  id
      name: name
"""
LDIF = """\
type: ldif
connect: { path: out.ldif, anchor: dn }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision:
      dn: '"uid=" & [uid] & ",ou=people,dc=example,dc=org"'
    export:
      cn: name
      sn: name
"""
CSV = """\
type: csv
connect: { path: out.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { uid: id } ]
    provision: { initial: { id: uid } }
    export:
      name: name
"""
PHOTO_BOOK = """\
type: ldif
connect: { path: photos.ldif, anchor: dn }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import:
      uid:   uid
      photo: jpegPhoto
"""


def heap(size):
    """In the program: its data may take so many bytes."""
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    return limit


def pending_people(tmp_path, target, name):
    """A folder in which all people wait to be exported to `target`."""
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", GENERAL.format(agents="hr, out"))
    folder.write("agents/hr.yaml", HR)
    folder.write("agents/out.yaml", target)
    rows = (f"p{i:07},{name} {i}" for i in range(PEOPLE))
    folder.write("hr.csv", "id,name\n" + "\n".join(rows) + "\n")
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "full-sync")
    return folder


def test_an_export_to_ldif(tmp_path):
    folder = pending_people(tmp_path, LDIF, "Ann Example")
    folder.ok("run", "out", "export", preexec_fn=heap(60 * MB))
    assert folder.read("out.ldif").count("\ndn: uid=") == PEOPLE


def test_a_plan(tmp_path):
    """Made, shown and compared: of an object its name is kept, no more."""
    folder = pending_people(tmp_path, LDIF, "Ann Example " + 800 * "x")
    file = tmp_path / "a.plan"
    folder.ok("plan", "--out", file, "--html", tmp_path / "a.html",
              "--limit", "1", preexec_fn=heap(105 * MB))
    assert file.stat().st_size > 110 * MB
    folder.ok("plan", "show", file, "--offset", "59000",
              "--ldif", tmp_path / "plan.ldif", preexec_fn=heap(30 * MB))
    folder.ok("plan", "approve", file, "--by", "Ada")
    folder.ok("apply", file, preexec_fn=heap(130 * MB))
    assert folder.read("out.ldif").count("\ndn: uid=") == PEOPLE


def test_a_full_import_of_large_objects(tmp_path):
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", GENERAL.format(agents="book"))
    folder.write("agents/book.yaml", PHOTO_BOOK)
    photo = base64.b64encode(random.Random(1).randbytes(PHOTO)).decode()
    with open(tmp_path / "photos.ldif", "w", encoding="ascii") as out:
        for i in range(PHOTOS):
            out.write(f"dn: uid=p{i},dc=example,dc=org\n"
                      "objectClass: inetOrgPerson\n"
                      f"uid: p{i}\njpegPhoto:: {photo}\n\n")
    done = folder.json("run", "book", "full-import",
                       preexec_fn=heap(170 * MB))
    assert counted(done["steps"][-1]) == {"stage-add": PHOTOS}


WIDE = 100_000
WIDE_ROWS = 900
FILLER = ("0123456789abcdef" * (WIDE // 16)).encode()
WIDE_FILES = {
    "csv": ("path: data, anchor: id", b"id,title,rest\n", b"%s,chief,%s\n"),
    "jsonl": ("path: data, anchor: id", b"",
              b'{"id": "%s", "title": "chief", "rest": "%s"}\n'),
    "json": ("path: data, anchor: id", b"[",
             b'{"id": "%s", "title": "chief", "rest": "%s"},\n'),
    "avp": ("path: data, anchor: id", b"",
            b"id: %s\ntitle: chief\nrest: %s\n\n"),
    "xml": ("path: data, anchor: id", b"<all>",
            b"<a><id>%s</id><title>chief</title><rest>%s</rest></a>\n"),
    "fixed": ("path: data, anchor: id, columns: [{ name: id, width: 6 }, "
              "{ name: title, width: 5 }, { name: rest, width: 100000 }]",
              b"", b"%schief%s\n"),
    "ldif": ("path: data", b"",
             b"dn: uid=%s,o=x\nobjectClass: person\ntitle: chief\n"
             b"description: %s\n\n"),
}
ENDS = {"json": b"{\"id\": \"last\", \"title\": \"chief\"}]", "xml": b"</all>"}
WIDE_AGENT = """\
type: %s
connect: { %s }
objects:
  person:
    metaverse: person
    project: true
    attributes: { title: string }
    import: { name: title }
"""


@pytest.mark.parametrize("kind", WIDE_FILES)
def test_a_full_import_of_a_file_that_is_larger(kind, tmp_path):
    """Of what is new, and of what is unchanged."""
    connect, head, row = WIDE_FILES[kind]
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", GENERAL.format(agents="wide"))
    folder.write("agents/wide.yaml", WIDE_AGENT % (kind, connect))
    with open(tmp_path / "data", "wb") as out:
        out.write(head)
        for i in range(WIDE_ROWS):
            out.write(row % (b"p%05d" % i, FILLER))
        out.write(ENDS.get(kind, b""))
    count = WIDE_ROWS + (kind == "json")
    for counter in ("stage-add", "stage-no-change"):
        done = folder.ok("run", "wide", "full-import", "--json",
                         preexec_fn=heap(75 * MB))
        assert counted(done.json["steps"][0]) == {counter: count}
    (tmp_path / "data").unlink()
