#!/usr/bin/env python3
"""Makes the company that `./dev bench` works on.

    bench/people.py --size N [--seed S] FOLDER

Writes a configuration folder: N people with 21 attributes in data/hr.csv, a
delta of their changes in data/hr-delta.csv, groups in data/groups.csv, an LDIF
directory to export to. The same N and seed give the same files, always.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import csv
import pathlib
import random

FIRST = """Anna Ben Clara David Emma Felix Greta Hannes Ida Jakob Klara Leon
Marie Nils Olga Paul Rosa Samuel Tilda Viktor Wanda Yusuf Zoe Jürgen André
Chloé Søren Aylin Mehmet Priya Arjun Hiroshi Fatima Omar Ingrid Björn Noémie
José Lucía Giulia Matteo Katarzyna Piotr Svetlana Sean Grace Oliver""".split()
LAST = """Schmidt Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch
Richter Klein Wolf Schröder Neumann Schwarz Braun Hofmann Zimmermann Krüger
Hartmann Lange Werner Krause Lehmann Köhler Maier Vogel Roth Böhm Jansen
O'Brien Murphy Rossi Bianchi Nowak Kowalska García Moreno Dubois Lefèvre
Demir Patel Sharma Tanaka Haddad Larsen Nielsen Walsh Byrne""".split()
CITIES = [("Berlin", "10115"), ("Hamburg", "20095"), ("München", "80331"),
          ("Köln", "50667"), ("Wien", "1010"), ("Zürich", "8001"),
          ("Praha", "110 00"), ("Warszawa", "00-001"), ("Malmö", "211 18")]
STREETS = ["Hauptstraße", "Bahnhofstraße", "Am Markt", "Schulweg", "Ringstraße"]
JOBS = ["Engineer", "Account Manager", "Analyst", "Machinist", "Accountant",
        "Dispatcher", "Developer", "Recruiter", "Scientist", "Clerk"]
GRADES = ["Junior", "Senior", "Lead", "Associate", "Principal"]
FIELDS = ["id", "login", "first", "last", "initials", "title", "department",
          "company", "division", "cost_center", "office", "street", "city",
          "postal_code", "country", "phone", "mobile", "employee_type",
          "hired", "status", "manager_id"]
PER_DEPARTMENT = 500
PER_TEAM = 50

GENERAL = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr, groups, directory]
parameters:
  People: ou=people,dc=contoso,dc=test
  Groups: ou=groups,dc=contoso,dc=test
metaverse:
  person:
    attributes:
      employeeID:      { type: string, index: true }
      uid:             { type: string, index: true }
      givenName:       string
      sn:              string
      displayName:     string
      initials:        string
      title:           string
      department:      string
      company:         string
      division:        string
      costCenter:      string
      office:          string
      street:          string
      city:            string
      postalCode:      string
      country:         string
      telephoneNumber: string
      mobile:          string
      employeeType:    string
      mail:            { type: string, index: true }
      hired:           datetime
      active:          boolean
      manager:         reference
    delete: { when: [hr] }
  group:
    attributes:
      name:            { type: string, index: true }
      description:     string
      member:          [reference]
    delete: { when: [groups] }
"""
HR = """\
type: csv
connect:
  path: data/hr.csv
  anchor: id
  delta: { path: data/hr-delta.csv, change: change }
objects:
  person:
    attributes:
      manager_id: { type: reference, to: person }
    metaverse: person
    join:
      - employeeID: id
    project: true
    import:
      employeeID:      id
      uid:             login
      givenName:       'Trim([first])'
      sn:              'Trim([last])'
      displayName:     'Trim([first]) & " " & Trim([last])'
      initials:        initials
      title:           title
      department:      department
      company:         company
      division:        division
      costCenter:      cost_center
      office:          office
      street:          street
      city:            city
      postalCode:      postal_code
      country:         country
      telephoneNumber: phone
      mobile:          mobile
      employeeType:    employee_type
      mail:            'LCase([login]) & "@contoso.test"'
      hired:           hired
      active:          '[status] = "A"'
      manager:         manager_id
"""
GROUPS = """\
type: csv
connect: { path: data/groups.csv, anchor: name }
objects:
  team:
    attributes:
      members: { type: string, multi: true, separator: ';' }
    metaverse: group
    join:
      - name: name
    project: true
    import:
      name:        name
      description: purpose
      member:      { lookup: employeeID, of: person, from: '[members]' }
"""
DIRECTORY = """\
type: ldif
connect: { path: out/directory.ldif, changes: out/changes.ldif, anchor: dn }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    join:
      - employeeID: employeeNumber
    provision:
      when: '[active]'
      require: [uid, sn, displayName]
      dn: '"uid=" & EscapeDNComponent([uid]) & "," & %People%'
      rename: true
    export:
      employeeNumber:   employeeID
      givenName:        givenName
      sn:               sn
      cn:               displayName
      displayName:      displayName
      initials:         initials
      title:            title
      departmentNumber: '[department] & "-" & [costCenter]'
      o:                company
      ou:               division
      physicalDeliveryOfficeName: office
      street:           street
      l:                city
      postalCode:       postalCode
      st:               country
      telephoneNumber:  telephoneNumber
      mobile:           mobile
      employeeType:     employeeType
      mail:             mail
      manager:          manager
    deprovision: delete
  group:
    type: groupOfNames
    metaverse: group
    provision:
      require: [name, member]
      dn: '"cn=" & EscapeDNComponent([name]) & "," & %Groups%'
    export:
      description: description
      member:      member
    deprovision: delete
"""


def plain(text):
    """What a login name is spelt with."""
    return "".join(c for c in text.lower() if "a" <= c <= "z")


def make_person(rng, number):
    first, last = rng.choice(FIRST), rng.choice(LAST)
    city, code = rng.choice(CITIES)
    department = number // PER_DEPARTMENT
    return {
        "id": f"{number:07d}",
        "login": f"{plain(first)[:1]}{plain(last)}{number}",
        "first": first, "last": last, "initials": first[0] + last[0],
        "title": f"{rng.choice(GRADES)} {rng.choice(JOBS)}",
        "department": f"Department {department}",
        "company": "Contoso", "division": f"Division {department // 10}",
        "cost_center": f"CC{department:05d}",
        "office": f"{rng.choice('ABCDEF')}{rng.randrange(1, 600)}",
        "street": f"{rng.choice(STREETS)} {rng.randrange(1, 200)}",
        "city": city, "postal_code": code, "country": "DE",
        "phone": f"+49 30 {rng.randrange(10**6, 10**7)}",
        "mobile": f"+49 170 {rng.randrange(10**6, 10**7)}",
        "employee_type": rng.choice(["staff", "staff", "staff", "contractor"]),
        "hired": f"{rng.randrange(1995, 2025)}-{rng.randrange(1, 13):02d}-15",
        "status": "A", "manager_id": "",
    }


def make_people(rng, size):
    """Every tenth person leads some others; the first leads the company."""
    people = [make_person(rng, number + 1) for number in range(size)]
    leaders = rng.sample(range(size), max(size // 10, 1))
    for at, someone in enumerate(people):
        leader = rng.choice(leaders)
        if at and leader != at:
            someone["manager_id"] = people[leader]["id"]
    return people


def make_groups(rng, people):
    """A group for each department, teams, and one with a twentieth of all."""
    departments = {}
    for someone in people:
        departments.setdefault(someone["department"], []).append(someone["id"])
    ids = [someone["id"] for someone in people]
    groups = list(departments.items())
    groups += [(f"Team {number + 1}", rng.sample(ids, min(PER_TEAM, len(ids))))
               for number in range(max(len(ids) // PER_TEAM, 1))]
    groups.append(("Everyone in house A",
                   rng.sample(ids, max(len(ids) // 20, 1))))
    return [{"name": name, "purpose": f"Members of {name}",
             "members": ";".join(members)} for name, members in groups]


def make_delta(rng, people, changes):
    """90 in 100 rows change someone, 5 add, 5 delete."""
    few = max(changes // 20, 1)
    picked = rng.sample(people, changes - few)
    rows = []
    for at, someone in enumerate(picked[few:]):
        row = dict(someone, change="modify",
                   title=f"{rng.choice(GRADES)} {rng.choice(JOBS)} (new)",
                   phone=f"+49 30 {rng.randrange(10**6, 10**7)}")
        if at % 50 == 0:
            row["last"] += "-" + rng.choice(LAST)
            row["login"] = "x" + row["login"]
        rows.append(row)
    for number in range(few):
        row = make_person(rng, len(people) + number + 1)
        rows.append(dict(row, change="add", manager_id=people[0]["id"]))
    rows += [{"id": someone["id"], "change": "delete"}
             for someone in picked[:few]]
    rng.shuffle(rows)
    return rows


def write(path, fields, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


GROUP_FILES = {
    "conjoin.yaml": """\
conjoin: 1
agents: [source, target]
metaverse:
  person:
    attributes: { uid: { type: string, index: true }, name: string }
    delete: { when: projected }
  group:
    attributes: { name: string, member: [reference] }
    delete: { when: projected }
""",
    "agents/source.yaml": """\
type: ldif
connect: { path: data/source.ldif, changes: data/changes.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import: { uid: uid, name: displayName }
  group:
    type: groupOfNames
    metaverse: group
    project: true
    import: { name: cn, member: member }
""",
    "agents/target.yaml": """\
type: ldif
connect: { path: out/target.ldif, changes: out/changes.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision: { dn: '"uid=" & [uid] & ",o=target"' }
    export: { displayName: name }
    deprovision: delete
  group:
    type: groupOfNames
    metaverse: group
    provision: { dn: '"cn=" & [name] & ",o=target"' }
    export: { member: member }
    deprovision: delete
"""}


def write_group_company(folder, size, members):
    """One group with so many members in a directory of so many people."""
    for name, text in GROUP_FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("data", "out"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "data/changes.ldif").write_text("", encoding="utf-8")
    with open(folder / "data/source.ldif", "w", encoding="utf-8") as out:
        for i in range(size):
            out.write(f"dn: uid=u{i},o=x\nobjectClass: inetOrgPerson\n"
                      f"uid: u{i}\ndisplayName: Person {i}\n\n")
        out.write("dn: cn=all,o=x\nobjectClass: groupOfNames\ncn: all\n")
        for i in range(members):
            out.write(f"member: uid=u{i},o=x\n")


def write_member_change(folder, number):
    """A person more in the group, told by value."""
    with open(folder / "data/changes.ldif", "a", encoding="utf-8") as out:
        out.write("# type: groupOfNames\ndn: cn=all,o=x\n"
                  "changetype: modify\nadd: member\n"
                  f"member: uid=u{number},o=x\n-\n\n")


def changes_of(size):
    """How many rows the delta has."""
    return min(1000, max(size // 5, 20))


def group_count(size):
    """How many rows the file of groups has."""
    return size // PER_DEPARTMENT + 1 + max(size // PER_TEAM, 1) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, required=True, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    for name, text in [("conjoin.yaml", GENERAL), ("agents/hr.yaml", HR),
                       ("agents/groups.yaml", GROUPS),
                       ("agents/directory.yaml", DIRECTORY)]:
        (args.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (args.folder / name).write_text(text, encoding="utf-8")
    data = args.folder / "data"
    data.mkdir(exist_ok=True)
    people = make_people(rng, args.size)
    write(data / "hr.csv", FIELDS, people)
    write(data / "groups.csv", ["name", "purpose", "members"],
          make_groups(rng, people))
    write(data / "hr-delta.csv", ["change"] + FIELDS,
          make_delta(rng, people, changes_of(args.size)))


if __name__ == "__main__":
    main()
