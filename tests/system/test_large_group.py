"""Fifty thousand members in one group of a directory.

SPDX-License-Identifier: Apache-2.0
"""
from helpers import Folder

COUNT = 50000

CONJOIN = """conjoin: 1
agents: [hr, groups, dir]
provisioning: on
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
  group:
    attributes:
      cn:     { type: string, index: true }
      member: { type: reference, multi: true }
"""

HR = """type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person: { metaverse: person, project: true, import: { employeeID: id } }
"""

GROUPS = """type: csv
connect: { path: data/groups.csv, anchor: id }
objects:
  group:
    metaverse: group
    project: true
    import: { cn: id, member: { lookup: employeeID, of: person,
                                from: 'Split([member], ";")' } }
"""

DIR = """type: openldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: file:password,
           security: none, base: 'BASE' }
objects:
  person:
    type: account
    metaverse: person
    join: [ { employeeID: uid } ]
    provision: { dn: '"uid=" & [employeeID] & ",BASE"' }
    export: { uid: employeeID }
  group:
    type: groupOfNames
    metaverse: group
    join: [ { cn: cn } ]
    provision: { dn: '"cn=" & [cn] & ",BASE"' }
    export: { cn: cn, member: member }
"""

SYNC = "overlay syncprov\nsyncprov-sessionlog 100000\n"


def write_group(folder, members):
    folder.write("data/groups.csv",
                 f"id,member\nall,{';'.join(map(str, members))}\n")


def members_in(slapd):
    (found,) = slapd.search("(cn=all)", "member").values()
    return set(found["member"])


def counters_of(folder, *words):
    (step,) = folder.json("run", *words)["steps"]
    return {name: count for name, count in step["counters"].items() if count}


def test_fifty_thousand_members(tmp_path, make_slapd):
    base = "o=large"
    slapd = make_slapd(suffix=base, conf=SYNC)
    path = tmp_path / "conf"
    for name, text in {
            "conjoin.yaml": CONJOIN, "agents/hr.yaml": HR,
            "agents/groups.yaml": GROUPS,
            "agents/dir.yaml": DIR.replace("URL", slapd.url)
            .replace("BIND", slapd.bind_dn).replace("BASE", base),
            "password": slapd.password + "\n",
            "data/hr.csv": "id\n" + "".join(
                f"{i}\n" for i in range(COUNT + 1)),
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    (path / "password").chmod(0o600)
    folder = Folder(path)
    write_group(folder, range(COUNT))
    folder.ok("cycle")
    assert len(members_in(slapd)) == COUNT

    # one less, one more: two values are told, sent, and come back
    write_group(folder, range(1, COUNT + 1))
    folder.ok("run", "groups", "full-import-delta-sync")
    told = str(folder.ok("pending", "dir", "--exports"))
    assert len(told) < 1000
    assert counters_of(folder, "dir", "export") == {"export-update": 1}
    assert members_in(slapd) == {
        f"uid={i},{base}" for i in range(1, COUNT + 1)}
    assert counters_of(folder, "dir", "delta-import") == {"stage-update": 1}

    # what somebody else takes out is put back
    slapd.add(f"dn: cn=all,{base}\nchangetype: modify\ndelete: member\n"
              f"member: uid=7,{base}\nmember: uid=8,{base}\n")
    folder.ok("cycle")
    assert len(members_in(slapd)) == COUNT
    assert not folder.json("pending", "dir")["exports"]
