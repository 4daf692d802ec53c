"""Links that the join rules would make differently now.

SPDX-License-Identifier: Apache-2.0
"""
import pytest

from helpers import Folder

FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [hr, phone, dir]
guards: { import: { empty: allow } }
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: { type: string, index: true }
      phone: string
    delete: { when: [hr] }
""",
    "agents/hr.yaml": """type: csv
connect: { path: hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    project: true
    import: { id: id, name: name }
""",
    "agents/phone.yaml": """type: csv
connect: { path: phone.csv, anchor: line }
objects:
  line:
    metaverse: person
    join:
      - { id: owner }
      - name: name
    import: { phone: line }
""",
    "agents/dir.yaml": """type: ldif
connect: { path: dir.ldif, anchor: dn }
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { name: cn } ]
    provision: { dn: '"cn=" & [id] & ",dc=x"' }
    export: { sn: id }
""",
    "hr.csv": "id,name\n1,Ann\n2,Bob\n3,Cleo\n4,Dora\n5,Eve\n",
    "phone.csv": "line,owner,name\n101,1,Ann\n102,,Bob\n103,3,Cleo\n"
                 "104,4,Dora\n105,,Nobody\n",
}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    for name, text in FILES.items():
        made.write(name, text)
    made.ok("cycle")
    return made


def review(folder, *words, **options):
    found = folder.json("candidates", "--review", *words, **options)
    assert found["count"] == len(found["links"])
    return {link["anchor"] or link["dn"]: link for link in found["links"]}


def test_all_is_as_the_rules_say(folder):
    assert review(folder) == {}
    done = folder.ok("candidates", "--review")
    assert done.out == ("the join rules would link everything as it is "
                        "linked\n")


def test_what_has_become_of_the_links(folder):
    """103 belongs to Dora now, 102 to nobody of its name, 104 to one of two,
    101 is as it was."""
    folder.replace("phone.csv", "103,3", "103,4")
    folder.replace("phone.csv", "102,,Bob", "102,,Rob")
    folder.replace("phone.csv", "104,4,Dora", "104,,Eve")
    folder.replace("hr.csv", "3,Cleo", "3,Eve")
    folder.ok("run", "hr", "full-import-delta-sync")
    folder.ok("run", "phone", "full-import-delta-sync")
    found = review(folder)
    assert sorted(found) == ["102", "103", "104"]
    assert found["102"]["finding"] == "none"
    assert found["102"]["candidates"] == []
    assert found["102"]["rule"] is None
    assert found["102"]["how"] == "joined"
    assert found["102"]["linked"]["title"] == "Bob"
    assert found["103"]["finding"] == "other"
    assert found["103"]["rule"] == "agents/phone.yaml:7"
    assert [c["title"] for c in found["103"]["candidates"]] == ["Dora"]
    assert found["103"]["linked"]["title"] == "Eve"
    assert found["104"]["finding"] == "ambiguous"
    assert found["104"]["rule"] == "agents/phone.yaml:8"
    assert [c["title"] for c in found["104"]["candidates"]] == ["Eve", "Eve"]
    assert review(folder, "hr") == {}
    assert sorted(review(folder, "phone")) == ["102", "103", "104"]
    done = folder.ok("candidates", "--review", "--limit", "1")
    assert "phone 102  joined with mv 2 Bob" in done.out
    assert "its rules find no metaverse object" in done.out
    assert "... and 2 more" in done.out


def test_nothing_is_changed(folder):
    folder.replace("phone.csv", "103,3", "103,4")
    folder.ok("run", "phone", "full-import")
    assert review(folder) == {}, "what is staged does not count yet"
    folder.ok("run", "phone", "delta-sync")
    before = folder.json("search", "cs", "phone")
    assert review(folder)["103"]["finding"] == "other"
    assert folder.json("search", "cs", "phone") == before


def test_rules_that_changed(folder):
    """Projected and provisioned objects are told of when their rules would
    join them with somebody else, not when they find nobody."""
    folder.replace("agents/hr.yaml", "{ id: id }", "{ id: other }")
    folder.replace("hr.csv", "id,name\n", "id,name,other\n")
    for line in ("1,Ann", "2,Bob", "3,Cleo", "4,Dora", "5,Eve"):
        folder.replace("hr.csv", line + "\n",
                       line + (",1\n" if line[0] == "2" else ",\n"))
    folder.ok("run", "hr", "full-import-full-sync")
    found = review(folder)
    assert {name: link["finding"] for name, link in found.items()} == \
        {"2": "other"}
    assert found["2"]["how"] == "projected"


def test_rules_that_fail(folder):
    folder.replace("agents/phone.yaml", "{ id: owner }",
                   "{ id: 'IIF([owner] = \"3\", Error(\"no\"), [owner])' }")
    found = review(folder)
    assert {name: link["finding"] for name, link in found.items()} == \
        {"103": "error"}
    assert "no" in found["103"]["message"]


def test_wrong_use(folder):
    folder.ok("candidates", status=2)
    done = folder.ok("candidates", "--review", "phon", status=2)
    assert "did you mean 'phone'?" in done.err
