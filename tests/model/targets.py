"""Accounts that are made, renamed and written.

SPDX-License-Identifier: Apache-2.0
"""
from links import resolves
from objects import Failure, bump
from rules import View, same


class Targets:
    def provision(self, mv):
        for agent in self.config.agents:
            for rs in agent.rulesets:
                if rs.provision and rs.metaverse == mv.kind and mv.alive:
                    self.provision_one(mv, agent, rs)

    def provision_one(self, mv, agent, rs):
        p = rs.provision
        view = View(mv.attrs)
        wanted = not p.when or p.when.true(view)
        have = [o for o in self.objs[agent.name]
                if o.mv is mv and o.rs == rs.name]
        if have:
            obj = have[0]
            if not wanted and obj.wanted:
                self.deprovision(obj)
                if not self.connectors(mv) and \
                        self.config.types[mv.kind].delete != "never":
                    self.delete(mv)
                return
            if wanted:
                self.stay(obj)
                obj.wanted = True
            if wanted and p.rename and p.dn:
                self.rename(mv, obj, rs, view)
            return
        if not wanted or any(not mv.attrs.get(a) for a in p.require):
            return
        obj = self.again(mv, agent, rs) or self.reverse_join(mv, agent, rs)
        if obj == "blocked":
            self.blocked = True
            return
        if obj:
            self.relink(obj, rs, mv)
            return
        obj = self.make(mv, agent, rs, view)
        if obj.image is not None:       # adopted
            self.relink(obj, rs, mv)
        else:
            self.link(obj, rs, mv)
            obj.wanted = True
            self.strongest(obj, "provisioned-add-no-flow")

    def relink(self, obj, rs, mv):
        self.link(obj, rs, mv)
        obj.wanted = True
        obj.export = None
        obj.retry = True
        self.strongest(obj, "connector-no-flow")
        p = rs.provision
        if p.rename and p.dn:
            self.rename(mv, obj, rs, View(mv.attrs))

    def again(self, mv, agent, rs):
        """What deprovisioning disconnected is linked again."""
        for obj in self.objs[agent.name]:
            if (obj.last_mv is mv and obj.mv is None and obj.pend != "delete"
                    and not (obj.awaiting and obj.awaiting["op"] == "delete")
                    and self.fits(obj) is rs):
                return obj
        return None

    def reverse_join(self, mv, agent, rs):
        for line, when in rs.join:
            found = []
            for obj in self.objs[agent.name]:
                if (obj.mv is not None or obj.image is None or obj.going
                        or obj.pend == "delete" or self.fits(obj) is not rs):
                    continue
                view = self.view(obj)
                if when and not when.true(view):
                    continue
                if mv in self.candidates(rs, line, view) and (
                        not rs.resolve or resolves(rs, view, mv)):
                    found.append(obj)
            if len(found) == 1 and found[0].state == "disconnector":
                return found[0]
            if found:
                self.errors.append("ambiguous" if len(found) > 1
                                   else "existing-disconnector")
                return "blocked"
        return None

    @staticmethod
    def candidates_of_name(p, view):
        """Those of which no part is empty or missing."""
        for e in [p.dn] + p.unique:
            if any(not view(name) for name in e.reads):
                continue
            numbers = range(2, 40) if hasattr(e, "numbered") else [None]
            for n in numbers:
                dn = e.fn(view) if n is None else e.numbered(view, n)
                if dn and not dn.split(",")[0].endswith("="):
                    yield dn

    def choose_name(self, p, agent, view, own=None):
        """(DN, None), or (None, the disconnector to adopt)."""
        taken = waits = False
        for dn in self.candidates_of_name(p, view):
            other = self.taken(agent, dn, own)
            if own and other in self.leaving.values():
                self.takers.append((own, other))
                other = None
            if not other:
                if waits:
                    break
                return dn, None
            if other.mv or p.existing == "unique":
                taken = True
                waits = waits or self.comes_later(other)
            elif other.state == "disconnector" and not own \
                    and p.existing == "adopt":
                return None, other
            else:
                raise Failure("object-already-exists")
        raise Failure("object-already-exists" if taken
                      else "missing-provisioning-attribute")

    def comes_later(self, bearer):
        """Who has the name is still to be synchronized in this step."""
        return not self.last_try and bearer.mv and any(
            o in self.coming for o in self.connectors(bearer.mv))

    def taken(self, agent, dn, but):
        for obj in self.objs[agent]:
            if obj is not but and not obj.placeholder and not obj.going \
                    and obj.pend != "delete" \
                    and obj.future_dn and same(obj.future_dn, dn):
                return obj
        return None

    def make(self, mv, agent, rs, view):
        p = rs.provision
        dn = anchor = None
        if p.dn:
            dn, other = self.choose_name(p, agent.name, view)
            if other:
                return other
        initial = {}
        for name, e in p.initial.items():
            values = e.values(view)
            if isinstance(values, list):
                initial[name] = values
        obj = None
        if not p.dn:
            anchor = initial[agent.connect["anchor"]][0]
            there = [o for o in self.objs[agent.name] if o.kind == rs.type
                     and o.anchor is not None and same(o.anchor, anchor)
                     and not o.going and o.pend != "delete"]
            if any(not o.placeholder for o in there):
                raise Failure("object-already-exists")
            obj = there[0] if there else None
        obj = obj or self.new(agent.name, rs.type)
        obj.anchor = anchor
        obj.initial = initial
        obj.export = {"op": "add", "attrs": dict(initial), "dn": dn}
        return obj

    def rename(self, mv, obj, rs, view):
        """It keeps its name as long as that is one of the candidates."""
        p = rs.provision
        if any(not view(name) for name in p.dn.reads) or any(
                same(dn, obj.future_dn)
                for dn in self.candidates_of_name(p, view)):
            return
        self.wants_other = obj
        dn, _ = self.choose_name(p, obj.agent, view, obj)
        self.wants_other = None
        layer = obj.export or {"op": "update", "attrs": {}, "dn": None}
        layer["dn"] = dn if dn != obj.base_dn else None
        obj.export = layer
        if layer["op"] == "update" and not layer["attrs"] and \
                not layer["dn"]:
            obj.export = None
        self.strongest(obj, "provisioned-rename-no-flow")

    @staticmethod
    def give_back(obj, other):
        """Who kept a name after all keeps it."""
        layer = obj.export
        if not (layer and layer["dn"] and other.future_dn
                and same(obj.future_dn, other.future_dn)):
            return
        layer["dn"] = None
        if layer["op"] == "update" and not layer["attrs"]:
            obj.export = None

    # ---- export

    def run_export(self, agent, target):
        """target: a Directory or Table of the world, which is changed."""
        counters = {}
        errors = []
        # What an import did not find gets nothing: who has its name now is
        # another one.
        pending = [o for o in self.objs[agent]
                   if o.export and o.pend != "delete"]
        limit = self.agent(agent).guards.get("export")
        if limit is not None and not self.allowed and limit < sum(
                o.export["op"] == "delete" for o in pending):
            self.stopped = agent
            return counters, errors
        for obj in self.order(pending):
            layer = obj.export
            name = layer["op"]
            if name == "update" and layer["dn"]:
                name = "rename"
            error = target.put(obj, layer)
            if error:
                bump(counters, "export-failure")
                errors.append(error)
                continue
            bump(counters, f"export-{name}")
            obj.export = None
            if layer["op"] == "delete" or not obj.awaiting:
                obj.awaiting = layer
            else:
                obj.awaiting = {
                    "op": obj.awaiting["op"], "dn": layer["dn"]
                    or obj.awaiting["dn"],
                    "attrs": {**obj.awaiting["attrs"], **layer["attrs"]}}
        return counters, errors

    @staticmethod
    def order(pending):
        return ([o for o in pending if o.export["op"] == "delete"]
                + [o for o in pending if o.export["op"] == "update"
                   and o.export["dn"]]
                + [o for o in pending if o.export["op"] == "add"]
                + [o for o in pending if o.export["op"] == "update"
                   and not o.export["dn"]])
