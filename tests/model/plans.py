"""What a plan says, laid beside what the systems hold when it was applied.

SPDX-License-Identifier: Apache-2.0
"""
from world import Directory


def folded(values):
    return sorted(value.casefold() for value in values)


class Beside:
    """One target: its objects before and after, and what was planned."""

    def __init__(self, world, before, after, planned):
        self.world = world
        self.tree = isinstance(world, Directory)
        self.before = {name.casefold(): values
                       for name, values in before.items()}
        self.after = {name.casefold(): values
                      for name, values in after.items()}
        self.planned = [item for item in planned
                        if item["type"] != "container"]
        # a value that refers to who is renamed follows
        self.renamed = {item["dn"].casefold(): item["new_dn"].casefold()
                        for item in self.planned if item["new_dn"]}

    @staticmethod
    def name(item):
        return (item["dn"] or item["anchor"]).casefold()

    def new_name(self, item):
        return (item["new_dn"] or self.name(item)).casefold()

    def differences(self):
        """Sentences."""
        kept = {self.new_name(item) for item in self.planned
                if item["operation"] != "delete"}
        touched = kept | {self.name(item) for item in self.planned}
        for item in self.planned:
            if item["operation"] == "delete":
                if self.name(item) not in kept and \
                        self.name(item) in self.after:
                    yield f"{self.name(item)} is there after its deletion"
            elif self.new_name(item) not in self.after:
                yield f"{self.new_name(item)} is not there: {item}"
            else:
                yield from self.values(item)
        for name in set(self.after) - set(self.before) - touched:
            yield f"{name} was made and is not in the plan"
        for name in set(self.before) - set(self.after) - touched:
            yield f"{name} is gone and is not in the plan"
        for name in set(self.before) & set(self.after) - touched:
            yield from self.untouched(name)

    def values(self, item):
        found = self.after[self.new_name(item)]
        for attr, change in item["attributes"].items():
            new = change["new"]
            if new == ["(secret)"] or (self.tree and
                                       attr not in self.world.names()):
                continue
            if self.tree:
                new = [self.renamed.get(value.casefold(), value)
                       for value in new]
            is_there = self.split(item, attr, found.get(attr))
            if folded(new) != folded(is_there):
                yield (f"{self.new_name(item)}: {attr} is {is_there}, "
                       f"planned was {new}")

    def split(self, item, attr, values):
        if self.tree:
            return values or []
        separator = self.world.agent.separator(item["type"], attr) or ";"
        return [value for value in (values or "").split(separator) if value]

    def untouched(self, name):
        before, after = self.before[name], self.after[name]
        for attr in set(before) | set(after):
            if self.tree and self.world.is_reference(attr):
                continue
            if (before.get(attr) or "") != (after.get(attr) or ""):
                yield (f"{name}: {attr} was {before.get(attr)} and is "
                       f"{after.get(attr)}, which is not in the plan")
