"""What values a metaverse object has, and what each account is to have.

SPDX-License-Identifier: Apache-2.0
"""
from objects import (Failure, Mv, differ, equal, equal_layers, meets, snapshot,
                     unique)
from rules import IGNORE, STOP, Clock, View, fold, later, same


# What happens to an object of a target, the strongest first.
STRENGTH = ["provisioned-add-flow", "provisioned-add-no-flow",
            "provisioned-delete-add-flow", "provisioned-delete-add-no-flow",
            "provisioned-disconnect", "provisioned-rename-flow",
            "provisioned-rename-no-flow", "connector-flow",
            "connector-no-flow"]


class Flows:
    def by_time(self, mv):
        """What is decided by the time; asked again when it changes."""
        view = View(mv.attrs)
        return [later(o.leaving, self.ruleset(o).deprovision.days)
                <= Clock.now for o in self.connectors(mv) if o.leaving] + [
            rs.provision.when.true(view) for agent in self.config.agents
                for rs in agent.rulesets
                if rs.provision and rs.provision.when
                and rs.metaverse == mv.kind
                and "Now()" in (rs.provision.when.text or "")]

    def evaluate(self, mv):
        self.evaluate_rounds(mv)
        mv.timed = self.by_time(mv)

    def evaluate_rounds(self, mv):
        for _ in range(10):
            if not mv.alive:
                return
            before = (snapshot(mv.attrs),
                      [(o.number, o.rs) for o in self.connectors(mv)],
                      [repr(o.export) for o in self.connectors(mv)])
            self.flow_in(mv)
            if self.config.provisioning:
                self.provision(mv)
            if not mv.alive:
                return
            self.flow_out(mv)
            if before == (snapshot(mv.attrs),
                          [(o.number, o.rs) for o in self.connectors(mv)],
                          [repr(o.export) for o in self.connectors(mv)]):
                return
        raise AssertionError("rules that chase each other")

    def flow_in(self, mv):
        self.one_each(mv)
        new = self.compute(mv)
        if not differ(new, mv.attrs):
            return
        old, mv.attrs = mv.attrs, new
        self.flowed.add(mv)
        self.wake(mv, old)

    def wake(self, mv, old):
        """Disconnectors whose join values appeared are tried again."""
        fresh = {(name, fold(v)) for name, values in mv.attrs.items()
                 for v in values
                 if not any(same(v, x) for x in old.get(name, []))}
        for obj in self.all_objects():
            if obj.state != "disconnector" or obj.mv or obj.image is None:
                continue
            rs = self.fits(obj)
            if rs is None or rs.metaverse != mv.kind or any(
                    o.agent == obj.agent and o.rs == rs.name
                    for o in self.connectors(mv)):
                continue
            view = self.view(obj)
            for line, when in rs.join:
                if when and not when.true(view):
                    continue
                for name, e in line.items():
                    values = e.values(view)
                    if isinstance(values, list) and any(
                            (name, fold(v)) in fresh for v in values):
                        obj.retry = True

    def all_objects(self):
        return [o for agent in self.config.agents
                for o in self.objs[agent.name]]

    def compute(self, mv):
        kind = self.config.types[mv.kind]
        out = {}
        for name, about in kind.attributes.items():
            values = self.compute_one(mv, kind, name, about)
            if values:
                out[name] = values
        return out

    def one_each(self, mv):
        """At most one connector per rule set."""
        have = [(o.agent, o.rs) for o in self.connectors(mv)]
        if len(set(have)) < len(have):
            raise Failure("ambiguous-import-flow-from-multiple-connectors")

    def contributors(self, mv, kind, name):
        """Rank: those that precedence names, then the order of agents."""
        order = kind.precedence.get(name, [])
        equal = order == "equal"
        if equal:
            order = []
        out = []
        for place, obj in enumerate(self.connectors(mv)):
            rs = self.ruleset(obj)
            if name not in rs.imports:
                continue
            rank = [i for i, who in enumerate(order)
                    if who in (obj.agent, f"{obj.agent}.{obj.rs}")]
            out.append((rank[0] if rank else len(order), place, obj, rs))
        if equal:
            last = mv.writer.get(name)
            out = [(0 if o is last else 1, place, o, rs)
                   for _, place, o, rs in out]
        return [(obj, rs) for _, _, obj, rs in sorted(
            out, key=lambda item: item[:2])]

    def gives(self, obj):
        """What its own rules say for attributes whose last writer wins."""
        out = {}
        rs = self.ruleset(obj)
        if obj.mv is None or (obj.synced is None and obj.image is not None):
            return out
        view = View(obj.expected(), obj.future_dn)
        kind = self.config.types[obj.mv.kind]
        for name, order in kind.precedence.items():
            if order == "equal" and name in rs.imports:
                found = rs.imports[name][0].e.values(view)
                if isinstance(found, list):
                    out[name] = found
        return out

    def written(self, obj, mv, before):
        for name, values in self.gives(obj).items():
            if not equal(before.get(name, []), values):
                mv.writer = {**mv.writer, name: obj}

    def compute_one(self, mv, kind, name, about):
        kept = False
        merged = []
        merging = None
        for obj, rs in self.contributors(mv, kind, name):
            if obj.synced is None and obj.image is not None:
                continue
            view = View(obj.expected(), obj.future_dn)
            for flow in rs.imports[name]:
                if flow.when and not flow.when.true(view):
                    continue
                found = flow.e.values(view)
                if found is STOP:
                    return merged if merging else []
                if found is IGNORE:
                    kept = True
                    continue
                if isinstance(found, list):
                    found = self.convert(mv, name, flow, about, found)
                if found:
                    if flow.merge:
                        merging = flow.merge
                        merged += found
                        break
                    return unique(found)
                if flow.when_null == "contribute":
                    return []
                if flow.when_null == "ignore":
                    kept = True
        if merging:
            return unique(merged)
        if kept:
            return mv.attrs.get(name, [])
        return []

    def convert(self, mv, name, flow, about, values):
        """References and look-ups become metaverse objects; those that
        wait are left out."""
        if flow.lookup:
            found = []
            for v in values:
                those = [m for m in self.mvs if m.kind == flow.of
                         and meets([v], m.attrs.get(flow.lookup, []))]
                if len(those) == 1:     # of two neither is meant
                    found += those
            return unique(found)
        if about["type"] == "reference":
            return unique([o.mv for o in values if o.mv is not None
                           and o.mv.alive])
        return values

    # ---- export flow

    def flow_out(self, mv):
        for obj in self.connectors(mv):
            rs = self.ruleset(obj)
            if obj.leaving:
                self.strongest(obj, "connector-no-flow")
            elif (rs.exports or rs.provision) and obj.pend != "delete":
                self.flow_out_one(mv, obj, rs)

    def flow_out_one(self, mv, obj, rs):
        before = obj.export
        new = obj.image is None and not obj.awaiting
        base = obj.settled()
        view = View(mv.attrs)
        old = before["attrs"] if before else {}
        attrs = {name: values for name, values in old.items()
                 if name not in rs.exports
                 and (new or not equal(values, base.get(name, [])))}
        for name, flow in rs.exports.items():
            found = IGNORE
            if not flow.when or flow.when.true(view):
                found = flow.e.values(view)
            if found is IGNORE:     # what is pending stays
                if name in old:
                    attrs[name] = old[name]
                continue
            if isinstance(found, list):
                found = unique(self.to_target(obj.agent, found))
            if flow.merge:
                found = self.merge(obj, name, base,
                                   found if isinstance(found, list) else [])
                if found or not new:
                    if new or not equal(found, base.get(name, [])):
                        attrs[name] = found
                continue
            if found is None or found is STOP or not found:
                if new and name in obj.initial:
                    attrs[name] = old[name]
                    continue
                if flow.when_null == "keep" and found is None:
                    continue
                found = []
            if new:
                if found:
                    attrs[name] = found
            elif not equal(found, base.get(name, [])):
                attrs[name] = found
        dn = before["dn"] if before else None
        if new:
            obj.export = {"op": "add", "attrs": attrs, "dn": dn}
        elif attrs or dn:
            obj.export = {"op": "update", "attrs": attrs, "dn": dn}
        else:
            obj.export = None
        changed = not equal_layers(before, obj.export)
        if new and self.outbound.get(obj, "").startswith("provisioned-add"):
            if attrs:
                self.strongest(obj, "provisioned-add-flow")
        elif changed and self.outbound.get(obj, "").startswith(
                "provisioned-rename"):
            self.strongest(obj, "provisioned-rename-flow")
        else:
            self.strongest(obj, "connector-flow" if changed
                           else "connector-no-flow")

    @staticmethod
    def merge(obj, name, base, found):
        """Its values are added, what it added before and gives no more is
        taken back, all others are left alone."""
        there = base.get(name, [])
        before = obj.merged.get(name, [])
        out = [v for v in there if not meets([v], before)
               or meets([v], found)]
        out += [v for v in found if not meets([v], out)]
        obj.merged = {**obj.merged, name: [
            v for v in found if not meets([v], there) or meets([v], before)
        ] + [v for v in before if meets([v], there)
             and not meets([v], found)]}
        return out

    def to_target(self, agent, values):
        """References become the connectors in the target's agent."""
        out = []
        for value in values:
            if isinstance(value, Mv):
                there = [o for o in self.connectors(value)
                         if o.agent == agent]
                if there:
                    out.append(there[0])
            else:
                out.append(value)
        return out

    def strongest(self, obj, name):
        old = self.outbound.get(obj)
        if old is None or STRENGTH.index(name) < STRENGTH.index(old):
            self.outbound[obj] = name
