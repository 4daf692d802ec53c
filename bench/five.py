"""The company of sync-five-targets: people who are given accounts in five
directories, by 100 export flows each.

SPDX-License-Identifier: Apache-2.0
"""
import random

import people

PEOPLE = 20000      # at most: an account of 100 values is large
TARGETS = 5
FLOWS = 100
EXPRESSIONS = ['"{n}-" & [{a}]', 'UCase([{a}])', 'Left([{a}], {n})',
               'Trim([{a}]) & "/" & [employeeID]']


def attributes():
    """The metaverse attributes that are text, in order."""
    lines = people.HR.split("import:\n")[1].splitlines()
    names = [line.split(":")[0].strip() for line in lines]
    return [name for name in names
            if name not in ("hired", "active", "manager")]


def target(number):
    """An agent: every fifth of its flows is an expression."""
    names = attributes()
    lines = []
    for flow in range(FLOWS):
        name = names[flow % len(names)]
        rule = name
        if flow % 5 == 0:
            how = EXPRESSIONS[flow // 5 % len(EXPRESSIONS)]
            rule = "'" + how.format(a=name, n=flow + 1) + "'"
        lines.append(f"      a{flow + 1}: {rule}\n")
    return f"""\
type: ldif
connect: {{ path: out/t{number}.ldif, anchor: dn }}
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision:
      dn: '"uid=" & EscapeDNComponent([uid]) & ",o=t{number}"'
    export:
{"".join(lines)}    deprovision: delete
"""


def write_company(folder, size):
    names = [f"t{number + 1}" for number in range(TARGETS)]
    files = {
        "conjoin.yaml": people.GENERAL
        .replace("hr, groups, directory", ", ".join(["hr", *names]))
        .split("  group:\n")[0],
        "agents/hr.yaml": people.HR.replace(
            "  delta: { path: data/hr-delta.csv, change: change }\n", ""),
    }
    for number, name in enumerate(names):
        files[f"agents/{name}.yaml"] = target(number + 1)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "data").mkdir()
    people.write(folder / "data/hr.csv", people.FIELDS,
                 people.People(random.Random(1), size))


class FiveSteps:
    """Of class Bench: sync-five-targets."""

    def sync_five_targets(self):
        size = min(self.size, PEOPLE)
        folder = self.five_folder
        if folder.exists():
            self.take_kept_store(folder, "company_five")
        else:
            write_company(folder, size)
            self.place_store(folder, "company_five")
            self.conjoin("hr", "full-import", folder, stage_add=size)
            self.keep_store(folder, "company_five")
        return self.conjoin("hr", "full-sync", folder,
                            disconnector_projected_flow=size)

    def sync_five_targets_limit(self):
        return self.limit("write", self.five_folder / "kept/conjoin.db",
                          self.five_folder / "state/conjoin.db",
                          self.fresh() / "new.db", self.five_batch)
