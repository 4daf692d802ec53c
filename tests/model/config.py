"""A configuration: what a folder's YAML files say, as Python objects.

SPDX-License-Identifier: Apache-2.0
"""
import yaml

from rules import LUA

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class RuleSet:
    def __init__(self, name, metaverse, **more):
        self.name = name
        self.type = more.pop("type", name)
        self.metaverse = metaverse
        self.scope = more.pop("scope", None)
        self.filter = more.pop("filter", [])
        # [({metaverse attribute: E}, when or None)]
        self.join = more.pop("join", [])
        self.ambiguous = more.pop("ambiguous", None)
        self.resolve = more.pop("resolve", None)
        self.project = more.pop("project", False)  # or an E
        self.imports = more.pop("imports", {})     # name: [Flow]
        self.exports = more.pop("exports", {})     # name: Flow
        self.provision = more.pop("provision", None)
        self.deprovision = more.pop("deprovision", None)
        self.declared = more.pop("declared", {})   # name: yaml
        assert not more, more

    def yaml(self):
        out = {"type": self.type, "metaverse": self.metaverse}
        if self.declared:
            out["attributes"] = self.declared
        if self.scope:
            out["scope"] = self.scope.yaml()
        if self.filter:
            out["filter"] = [e.yaml() for e in self.filter]
        if self.join:
            out["join"] = [
                {**{name: source(e) for name, e in line.items()},
                 **({"when": when.yaml()} if when else {})}
                for line, when in self.join]
        if self.ambiguous:
            out["ambiguous"] = self.ambiguous
        if self.resolve:
            out["resolve"] = self.resolve.yaml()
        if self.project:
            out["project"] = ("true" if self.project is True
                              else self.project.yaml())
        if self.imports:
            out["import"] = {
                name: flows[0].yaml() if len(flows) == 1
                else [flow.yaml() for flow in flows]
                for name, flows in self.imports.items()}
        if self.provision:
            out["provision"] = self.provision.yaml()
        if self.exports:
            out["export"] = {name: flow.yaml()
                             for name, flow in self.exports.items()}
        if self.deprovision:
            out["deprovision"] = (
                self.deprovision if isinstance(self.deprovision, str)
                else self.deprovision.words())
        return out

    def reads(self):
        """Attributes of the agent that its rules read or write."""
        out = set(self.declared)
        for e in self.filter + [self.scope, self.resolve]:
            out |= e.reads if e else set()
        for line, when in self.join:
            for e in line.values():
                out |= e.reads
            out |= when.reads if when else set()
        if self.project not in (True, False):
            out |= self.project.reads
        for flows in self.imports.values():
            for flow in flows:
                out |= flow.reads
        out |= set(self.exports)
        if isinstance(self.deprovision, After):
            out |= set(self.deprovision.meanwhile)
        if self.provision:
            out |= set(self.provision.initial)
        return out - {"dn"}


def source(e):
    return {"value": e.text} if getattr(e, "constant", False) else e.yaml()


class Provision:
    def __init__(self, when=None, require=(), dn=None, rename=False,
                 existing=None, initial=None, unique=()):
        self.when = when
        self.require = list(require)
        self.dn = dn                    # E
        self.rename = rename
        self.existing = existing
        self.unique = list(unique)      # [E]: further names
        self.initial = initial or {}

    def yaml(self):
        out = {}
        if self.when:
            out["when"] = self.when.yaml()
        if self.require:
            out["require"] = self.require
        if self.dn:
            out["dn"] = self.dn.text
        if self.unique:
            out["unique"] = {"dn": [e.text for e in self.unique]}
        if self.rename:
            out["rename"] = "true"
        if self.existing:
            out["existing"] = self.existing
        if self.initial:
            out["initial"] = {name: source(e)
                              for name, e in self.initial.items()}
        return out or "true"


class After:
    """Deprovisioning that waits."""

    def __init__(self, days, then, meanwhile):
        self.days = days
        self.then = then
        self.meanwhile = meanwhile      # name: Flow of a constant

    def words(self):
        out = {"after": f"{self.days} days", "then": self.then}
        if self.meanwhile:
            out["meanwhile"] = {name: flow.yaml() for name, flow
                                in self.meanwhile.items()}
        return out


class Agent:
    def __init__(self, name, kind, connect, rulesets, guards=None):
        self.name = name
        self.kind = kind            # csv or ldif
        self.connect = connect
        self.rulesets = rulesets
        self.by_name = {rs.name: rs for rs in rulesets}
        self.guards = guards or {}  # {"import": 2, "export": 1}: deletions

    @property
    def delta(self):
        return "delta" in self.connect or "changes" in self.connect

    @property
    def is_target(self):
        return any(rs.provision or rs.exports for rs in self.rulesets)

    def reads(self, kind):
        """The attributes of a type: declarations hold for all its rule
        sets, and an attribute has one spelling."""
        return set().union(*(rs.reads() for rs in self.rulesets
                             if rs.type == kind))

    def reference(self, kind, name):
        """The type that a reference points to by anchor, or None."""
        for rs in self.rulesets:
            if rs.type == kind and "to" in rs.declared.get(name, {}):
                return rs.declared[name]["to"]
        return None

    def separator(self, kind, name):
        for rs in self.rulesets:
            if rs.type == kind:
                found = rs.declared.get(name, {}).get("separator")
                if found:
                    return found
        return None

    def yaml(self):
        out = {"type": self.kind, "connect": self.connect,
               "objects": {rs.name: rs.yaml() for rs in self.rulesets}}
        if self.guards:
            out["guards"] = {step: {"deletions": str(count)}
                             for step, count in self.guards.items()}
        return out


class MvType:
    def __init__(self, attributes, precedence=None, delete=None):
        self.attributes = attributes    # name: {type, multi, index}
        self.precedence = precedence or {}
        self.delete = delete            # as in YAML, or {"from": E}

    def yaml(self):
        out = {"attributes": self.attributes}
        if self.precedence:
            out["precedence"] = self.precedence
        if self.delete is not None:
            when = self.delete
            if isinstance(when, dict) and "from" in when:
                when = when["from"].words()
            out["delete"] = {"when": when}
        return out


class Config:
    def __init__(self, types, agents, provisioning=True, guards=None):
        self.types = types
        self.agents = agents            # in rank order
        self.by_name = {agent.name: agent for agent in agents}
        self.provisioning = provisioning
        self.guards = guards or {
            "import": {"deletions": "off", "empty": "allow"},
            "export": {"deletions": "off"}}

    def write(self, folder):
        (folder / "agents").mkdir(parents=True, exist_ok=True)
        for name in ("data", "out", "rules"):
            (folder / name).mkdir(exist_ok=True)
        root = {"conjoin": "1", "agents": [a.name for a in self.agents],
                "guards": self.guards,
                "provisioning": "on" if self.provisioning else "off",
                "metaverse": {name: kind.yaml()
                              for name, kind in self.types.items()}}
        (folder / "rules/rules.lua").write_text(LUA, encoding="utf-8")
        dump(folder / "conjoin.yaml", root)
        for agent in self.agents:
            dump(folder / "agents" / f"{agent.name}.yaml", agent.yaml())


def dump(path, tree):
    path.write_text(yaml.dump(tree, Dumper=DUMPER, sort_keys=False,
                                   default_flow_style=None, width=1000),
                    encoding="utf-8")
