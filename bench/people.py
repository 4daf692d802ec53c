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


def identifier(number):
    return f"{number:07d}"


def make_person(rng, number):
    first, last = rng.choice(FIRST), rng.choice(LAST)
    city, code = rng.choice(CITIES)
    department = number // PER_DEPARTMENT
    return {
        "id": identifier(number),
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


class People:
    """The people of a company of this size, one behind another: of ten
    million no list is kept. Every tenth leads some others; the first leads
    the company."""

    def __init__(self, rng, size):
        self.rng = rng
        self.size = size
        self.leaders = rng.sample(range(1, size + 1), max(size // 10, 1))

    def __iter__(self):
        for number in range(1, self.size + 1):
            someone = make_person(self.rng, number)
            leader = self.rng.choice(self.leaders)
            if number > 1 and leader != number:
                someone["manager_id"] = identifier(leader)
            yield someone


def make_groups(rng, size):
    """A group for each department, teams, and one with a twentieth of all."""
    everybody = range(1, size + 1)

    def group(name, numbers):
        return {"name": name, "purpose": f"Members of {name}",
                "members": ";".join(map(identifier, numbers))}

    for department in range(size // PER_DEPARTMENT + 1):
        first = department * PER_DEPARTMENT
        yield group(f"Department {department}",
                    range(max(first, 1),
                          min(first + PER_DEPARTMENT, size + 1)))
    for number in range(max(size // PER_TEAM, 1)):
        yield group(f"Team {number + 1}",
                    rng.sample(everybody, min(PER_TEAM, size)))
    yield group("Everyone in house A",
                rng.sample(everybody, max(size // 20, 1)))


class Delta:
    """What happens to them: 90 in 100 rows change someone, 5 add, 5 delete.
    Whom, is drawn before; take() is shown each of them as he is."""

    def __init__(self, rng, size, changes):
        self.rng = rng
        self.size = size
        self.few = max(changes // 20, 1)
        picked = rng.sample(range(1, size + 1), changes - self.few)
        self.gone = {identifier(number) for number in picked[:self.few]}
        self.changed = {identifier(number) for number in picked[self.few:]}
        self.rows = []

    def take(self, someone):
        if someone["id"] in self.gone:
            self.rows.append({"id": someone["id"], "change": "delete"})
        elif someone["id"] in self.changed:
            self.rows.append(self.change(someone))

    def change(self, someone):
        rng = self.rng
        row = dict(someone, change="modify",
                   title=f"{rng.choice(GRADES)} {rng.choice(JOBS)} (new)",
                   phone=f"+49 30 {rng.randrange(10**6, 10**7)}")
        if len(self.rows) % 50 == 0:
            row["last"] += "-" + rng.choice(LAST)
            row["login"] = "x" + row["login"]
        return row

    def all_rows(self):
        for number in range(self.few):
            row = make_person(self.rng, self.size + number + 1)
            self.rows.append(dict(row, change="add",
                                  manager_id=identifier(1)))
        self.rng.shuffle(self.rows)
        return self.rows


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


def write_workload(folder, size):
    """hr-next.csv beside hr.csv: of every 100 people one is gone, one is new
    and five have changed. Gives how many of each."""
    few = max(size // 100, 1)
    rng = random.Random(size)
    picked = rng.sample(range(1, size + 1), 6 * few)
    gone = {identifier(number) for number in picked[:few]}
    changed = {identifier(number) for number in picked[few:]}

    def rows():
        with open(folder / "hr.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["id"] in gone:
                    continue
                if row["id"] in changed:
                    row["title"] += " (next)"
                    row["office"] = f"G{rng.randrange(1, 600)}"
                yield row
        for number in range(few):
            yield make_person(rng, size + 10**6 + number)

    write(folder / "hr-next.csv", FIELDS, rows())
    return {"gone": few, "new": few, "changed": len(changed)}


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
    people = People(rng, args.size)
    delta = Delta(random.Random(args.seed + 1), args.size,
                  changes_of(args.size))

    def watched():
        for someone in people:
            delta.take(someone)
            yield someone

    write(data / "hr.csv", FIELDS, watched())
    write(data / "groups.csv", ["name", "purpose", "members"],
          make_groups(rng, args.size))
    write(data / "hr-delta.csv", ["change"] + FIELDS, delta.all_rows())


if __name__ == "__main__":
    main()
