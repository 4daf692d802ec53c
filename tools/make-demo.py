#!/usr/bin/env python3
"""Makes the sample company's files: data/ and changes/ of examples/demo.

    tools/make-demo.py [--people N] FOLDER

The same N gives the same files, always.  A few people are written by hand,
because the demo tells their story; the others are drawn from lists of names.
`changes/` holds the files as the source systems would deliver them after four
events: a promotion, a marriage, a leaver and a new hire.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import copy
import csv
import pathlib
import random

FIRST = """Anna Ben Clara David Emma Felix Greta Hannes Ida Jakob Klara Leon
Marie Nils Olga Paul Rosa Samuel Tilda Viktor Wanda Yusuf Zoe Jürgen André
Chloé Søren Łukasz Aylin Mehmet Priya Arjun Mei Hiroshi Fatima Omar Ingrid
Björn Noémie José Lucía Giulia Matteo Katarzyna Piotr Svetlana Dmitri Aoife
Sean Grace Oliver Amelia Jack Isla Harry Freya""".split()
LAST = """Schmidt Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch
Richter Klein Wolf Schröder Neumann Schwarz Braun Hofmann Zimmermann Krüger
Hartmann Lange Werner Krause Lehmann Köhler Maier Vogel Roth Böhm Jansen
O'Brien Murphy Rossi Bianchi Nowak Kowalska García Moreno Dubois Lefèvre
Yılmaz Demir Patel Sharma Chen Tanaka Haddad Larsen Nielsen Walsh Byrne
Fitzgerald Ivanova Petrov Østergaard""".split()
JOBS = {
    "Sales": ["Sales Representative", "Account Manager", "Sales Engineer"],
    "Research": ["Scientist", "Laboratory Technician", "Data Analyst"],
    "Production": ["Machinist", "Shift Leader", "Quality Inspector"],
    "Information Technology": ["System Administrator", "Developer",
                               "Service Desk Agent"],
    "Finance": ["Accountant", "Controller", "Payroll Clerk"],
    "Human Resources": ["Recruiter", "HR Officer", "Trainer"],
    "Logistics": ["Dispatcher", "Warehouse Clerk", "Driver"],
}
TEAMS = """Albatross Badger Cormorant Dolphin Eagle Falcon Gazelle Heron Ibis
Jaguar Kestrel Lynx Marten Narwhal Otter Puffin Quail Raven Stork Tern Urchin
Viper Walrus Yak Zebra""".split()
PURPOSES = ["Fire safety", "Summer party", "New customer portal",
            "Energy saving", "Works council", "Product launch",
            "Trade fair", "Moving house", "Quality circle", "Canteen"]
HR = ["id", "first", "last", "Department Name", "title", "telephone",
      "manager_id", "status"]
PROMOTED, MARRIED, LEAVER = 1011, 1012, 1013


def person(number, first, last, department, title, manager, status="A"):
    return {"id": number, "first": first, "last": last,
            "Department Name": department, "title": title, "telephone": "",
            "manager_id": manager, "status": status}


def make_people(count, rng):
    people = [person(1001, "Henrike", "Sander", "Management",
                     "Managing Director", "")]
    heads = {}
    for number, department in enumerate(JOBS, 1002):
        heads[department] = number
        people.append(person(number, rng.choice(FIRST), rng.choice(LAST),
                             department, "Head of " + department, 1001))
    # Two colleagues of one name, and the three whom the demo tells of.
    people += [
        person(1009, "Anna", "Schmidt", "Finance", "Accountant",
               heads["Finance"]),
        person(1010, "Anna", "Schmidt", "Logistics", "Dispatcher",
               heads["Logistics"]),
        person(PROMOTED, "Clara", "Neumann", "Sales", "Sales Representative",
               heads["Sales"]),
        person(MARRIED, "Maria", "Keller", "Research", "Scientist",
               heads["Research"]),
        person(LEAVER, "Jonas", "Brandt", "Production", "Machinist",
               heads["Production"]),
    ]
    departments = list(JOBS)
    while len(people) < count:
        department = rng.choice(departments)
        people.append(person(
            1001 + len(people), rng.choice(FIRST), rng.choice(LAST),
            department, rng.choice(JOBS[department]), heads[department],
            "T" if rng.random() < 0.02 else "A"))
    for row in people:
        if rng.random() < 0.3:
            row["telephone"] = f"+49 170 {rng.randrange(10**6, 10**7)}"
    return people


def make_lines(people, rng):
    lines = [{"extension": 100 + i, "employee": "", "place": place}
             for i, place in enumerate(["Reception", "Canteen", "Gate"])]
    extension = 200
    for row in people:
        if row["id"] in (PROMOTED, MARRIED, LEAVER) or rng.random() < 0.8:
            lines.append({"extension": extension, "employee": row["id"],
                          "place": f"Room {rng.randrange(100, 500)}"})
        extension += 1
    return lines


def make_teams(people, rng):
    ids = [row["id"] for row in people if row["status"] == "A"]
    teams = []
    for i in range(max(len(TEAMS), len(people) // 40)):
        name = TEAMS[i % len(TEAMS)]
        name += f" {i // len(TEAMS) + 1}" if i >= len(TEAMS) else ""
        members = rng.sample(ids, min(len(ids), rng.randrange(4, 13)))
        if name == "Falcon":
            members = list(dict.fromkeys([MARRIED, LEAVER] + members))
        teams.append({"team": name, "purpose": rng.choice(PURPOSES),
                      "members": ";".join(str(m) for m in sorted(members))})
    return teams


def make_changes(people):
    """The whole file after the four events, and the rows that differ."""
    after = copy.deepcopy(people)
    by_id = {row["id"]: row for row in after}
    by_id[PROMOTED]["title"] = "Sales Manager"
    by_id[MARRIED]["last"] = "Sommer"
    by_id[LEAVER]["status"] = "T"
    hired = person(1001 + len(people), "Nora", "Winter",
                   "Information Technology", "Developer", 1005)
    after.append(hired)
    delta = [dict(by_id[number], change="Modify")
             for number in (PROMOTED, MARRIED, LEAVER)]
    delta.append(dict(hired, change="Add"))
    return after, delta


def write(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make(folder, count):
    rng = random.Random(count)
    people = make_people(count, rng)
    after, delta = make_changes(people)
    delta_columns = HR + ["change"]
    write(folder / "data/hr.csv", HR, people)
    write(folder / "data/hr-delta.csv", delta_columns, [])
    write(folder / "data/phone.csv", ["extension", "employee", "place"],
          make_lines(people, rng))
    write(folder / "data/teams.csv", ["team", "purpose", "members"],
          make_teams(people, rng))
    write(folder / "changes/hr.csv", HR, after)
    write(folder / "changes/hr-delta.csv", delta_columns, delta)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=300, metavar="N")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    if options.people < 20:
        parser.error("the story needs 20 people at least")
    make(options.folder, options.people)


if __name__ == "__main__":
    main()
