"""Who belongs to which metaverse object, and who no longer does.

SPDX-License-Identifier: Apache-2.0
"""
from config import After
from objects import Failure, equal, meets, named
from rules import Clock, View, later, same


class Links:
    # ---- join

    def join(self, obj, rs, view):
        """(metaverse object, None), (None, None) or (None, "ambiguous")."""
        for line, when in rs.join:
            if when and not when.true(view):
                continue
            found = self.candidates(rs, line, view)
            if rs.resolve and found:
                found = [mv for mv in found if resolves(rs, view, mv)]
                if rs.resolve.lua:      # it answers with one
                    found = found[:1]
            if len(found) == 1:
                return found[0], None
            if len(found) > 1 and rs.ambiguous == "error":
                raise Failure("ambiguous")
            if len(found) > 1 and rs.ambiguous != "next":
                return None, "ambiguous"
        return None, None

    def candidates(self, rs, line, view):
        wanted = {name: e.values(view) for name, e in line.items()}
        if any(not isinstance(values, list) for values in wanted.values()):
            return []
        return [mv for mv in self.mvs if mv.kind == rs.metaverse
                and all(meets(values, mv.attrs.get(name, []))
                        for name, values in wanted.items())]

    # ---- links

    def link(self, obj, rs, mv):
        self.stay(obj)
        obj.mv = mv
        obj.rs = rs.name
        obj.state = "connector"
        obj.wanted = False
        obj.last_mv = None
        self.relinked.add(mv)

    def disconnect(self, obj, state):
        obj.last_rs = obj.rs
        self.relinked.add(obj.mv)
        obj.mv = None
        obj.rs = None
        obj.state = state
        obj.export = None
        obj.wanted = False

    def after_loss(self, mv, lost):
        """The object deletion rule, after a connector's own import took it
        away."""
        if self.must_go(mv, lost):
            self.delete(mv)
        else:
            self.evaluate(mv)

    def must_go(self, mv, lost):
        delete = self.config.types[mv.kind].delete
        left = self.connectors(mv)
        if delete == "never":
            return False
        if isinstance(delete, dict) and hasattr(delete.get("from"), "lost"):
            return not left or delete["from"].lost(lost, left)
        if isinstance(delete, dict) and "from" in delete:
            # asked when a connector goes, of what is left then
            return not left or delete["from"].true(View(self.compute(mv)))
        if not left:
            return True
        if delete == "projected":
            return mv.projected_by is lost
        if isinstance(delete, list):
            return (named(lost, delete, lost.last_rs)
                    and not any(named(o, delete, o.rs) for o in left))
        if isinstance(delete, dict):
            return any(named(lost, [name], lost.last_rs)
                       and not any(named(o, [name], o.rs) for o in left)
                       for name in delete["any"])
        return False

    def delete(self, mv):
        mv.alive = False
        for obj in self.connectors(mv):
            self.deprovision(obj)
        self.mvs.remove(mv)
        self.relinked.add(mv)

    def waits(self, obj, rs):
        """Its deprovisioning has to wait for its day."""
        return isinstance(rs.deprovision, After) and (
            not obj.leaving
            or later(obj.leaving, rs.deprovision.days) > Clock.now)

    def leave(self, obj, rs):
        """Until the day only what is said for meanwhile is written."""
        if obj.leaving:
            return
        obj.leaving = Clock.now
        obj.export = None
        attrs = {name: found for name, found in (
            (name, flow.e.values(None))
            for name, flow in rs.deprovision.meanwhile.items())
            if not equal(found, obj.settled().get(name, []))}
        if attrs:
            obj.export = {"op": "update", "attrs": attrs, "dn": None}
        if rs.deprovision.meanwhile:
            self.strongest(obj, "connector-flow" if attrs
                           else "connector-no-flow")

    def stay(self, obj):
        """It is wanted again, or linked anew."""
        if not obj.leaving:
            return
        obj.leaving = None
        if obj.export and obj.export["op"] == "update":
            obj.export = None
            self.strongest(obj, "connector-flow")

    def deprovision(self, obj):
        rs = self.ruleset(obj)
        mv = obj.mv
        if (obj.image is not None or obj.awaiting) and self.waits(obj, rs):
            self.leave(obj, rs)
            if not mv.alive:
                saved = obj.export
                self.disconnect(obj, "disconnector")
                obj.export = saved
                obj.left_rs = rs
            return
        obj.leaving = None
        how = rs.deprovision or "explicit-disconnect"
        if isinstance(how, After):
            how = how.then
        elif not isinstance(how, str):
            how = how.fn(View(mv.attrs))
        new = obj.image is None and not obj.awaiting
        state = ("disconnector" if how == "disconnect"
                 else "explicit-disconnector")
        self.disconnect(obj, state)
        obj.last_mv = mv if mv.alive else None
        self.strongest(obj, "provisioned-disconnect")
        if new:
            self.drop(obj)
        elif how == "delete":
            obj.export = {"op": "delete", "attrs": {}, "dn": None}


def resolves(rs, view, mv):
    """The condition that keeps a candidate: its own value is the other's."""
    own, name = rs.resolve.pair
    return view.one(own) is not None and any(
        same(view.one(own), x) for x in mv.attrs.get(name, []))
