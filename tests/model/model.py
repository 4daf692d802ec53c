"""The engine as the contract tells it, small and slow.

Nothing is indexed, batched or stored.  A metaverse object is computed anew
from its connectors, pending exports anew from the metaverse object, and what
refers to what is found by looking at everything.  See docs/internals/model-test.md
for what it follows and what it leaves out.

SPDX-License-Identifier: Apache-2.0
"""
from flows import Flows
from imports import Imports
from links import Links
from objects import Failure, Mv, Obj, bump, differ
from rules import View, later
from targets import Targets


class Model(Imports, Links, Flows, Targets):
    def __init__(self, config):
        self.config = config
        self.objs = {agent.name: [] for agent in config.agents}
        self.mvs = []
        self.count = 0
        self.watermark = {}
        self.marks = {}         # agent: {DN: what its entry is known by}
        self.relinked = set()
        self.allowed = False    # a guard's token was given
        self.stopped = None     # the agent whose guard stopped the step

    # ---- finding

    def number(self):
        self.count += 1
        return self.count

    def agent(self, name):
        return self.config.by_name[name]

    def ruleset(self, obj):
        return self.agent(obj.agent).by_name[obj.rs] if obj.rs else None

    def connectors(self, mv):
        """In the order of agents and rule sets."""
        out = []
        for agent in self.config.agents:
            for rs in agent.rulesets:
                out += [o for o in self.objs[agent.name]
                        if o.mv is mv and o.rs == rs.name]
        return out

    def fits(self, obj):
        """The first rule set whose type and scope fit."""
        view = self.view(obj)
        for rs in self.agent(obj.agent).rulesets:
            if rs.type == obj.kind and (not rs.scope or rs.scope.true(view)):
                return rs
        return None

    @staticmethod
    def view(obj):
        return View(obj.reported(), obj.future_dn)

    def new(self, agent, kind):
        obj = Obj(agent, kind, self.number())
        self.objs[agent].append(obj)
        return obj

    def drop(self, obj):
        """It is gone; a placeholder stays while somebody refers to it."""
        obj.alive = False
        self.objs[obj.agent].remove(obj)
        self.stand_in(obj)

    def replace(self, old, new, unless=None):
        """Whoever refers to the one refers to the other."""
        for obj in self.objs[old.agent]:
            if unless and unless(obj):
                continue
            for image in (obj.image, obj.synced and obj.synced[1]):
                for name, values in (image or {}).items():
                    image[name] = [new if v is old else v for v in values]

    def promote(self, agent, unless=None):
        """What stood for an object gives way to the one that was written.
        An object made where one was deleted is another one to those to
        whom it was exported again, until they are read."""
        for old in [o for o in self.objs[agent] if o.placeholder]:
            new = (self.by_anchor(agent, old.kind, old.anchor) if old.anchor
                   else self.by_dn(agent, old.dn))
            if new is not old and (new.image is not None or new.awaiting):
                self.replace(old, new, unless)
                if not unless:
                    self.objs[agent].remove(old)

    def stand_in(self, obj):
        images = [image for o in self.objs[obj.agent] for image in
                  (o.image, o.synced and o.synced[1]) if image]
        if any(obj in values for image in images
               for values in image.values()):
            stand_in = self.new(obj.agent, obj.kind)
            stand_in.anchor, stand_in.dn = obj.anchor, obj.base_dn
            self.replace(obj, stand_in)

    def resolve(self, agent, kind, name):
        """The object that a reference means, a placeholder if need be."""
        if kind is not None:
            obj = self.by_anchor(agent, kind, name)
        else:
            mark = self.marks.get(agent, {}).get(name.casefold())
            obj = mark and self.best(o for o in self.objs[agent]
                                     if o.anchor == mark)
            obj = obj or self.by_dn(agent, name)
        if obj is None:
            obj = self.new(agent, kind)
            if kind is not None:
                obj.anchor = name
            else:
                obj.dn = name
        return obj

    # ---- synchronization

    def sync(self, agent, full):
        """Returns (counters, outbound counters by agent, errors)."""
        self.full = full
        self.outbound = {}
        self.relinked = set()
        self.moved = {}         # object: its counter's stem, its partner
        self.flowed = set()
        self.errors = []
        self.marked = []
        self.relinked = set()
        others = [o for o in self.objs[agent] if not o.placeholder
                and (full or o.pend or o.error or o.retry
                     or (o.leaving and not o.mv
                         and not self.waits(o, o.left_rs)))]
        self.last_try = False
        self.coming = set(others)
        self.leaving = {}       # who waits for another name: its object
        self.takers = []        # who took such a one's name, and from whom
        # A name or a connector in the way may go by what is still to come.
        later = []
        for obj in others:
            if obj.alive and obj.pend != "delete":
                self.guarded(obj, self.process, later)
        for obj in others:
            if obj.alive and obj.pend == "delete":
                self.guarded(obj, self.process_delete, later)
        self.last_try = True
        for obj, what in later:
            self.leaving.pop(obj, None)
            if obj.alive:
                self.guarded(obj, what)
        for obj, other in self.takers:
            self.give_back(obj, other)
        self.settle()
        counters = {}
        for obj, (stem, mv) in self.moved.items():
            if "%" in stem:
                if obj.image is None:   # never read, so it says nothing
                    continue
                flow = mv in self.flowed or obj in self.flowed
                stem = stem.replace("%", "flow" if flow else "no-flow")
            bump(counters, stem)
        outbound = {}
        for obj, name in self.outbound.items():
            bump(outbound.setdefault(obj.agent, {}), name)
        return counters, outbound, self.errors

    def guarded(self, obj, what, later=None):
        """One object is one unit: when it fails, nothing is kept of it."""
        obj.retry = False
        obj.error = False
        self.flowed = {x for x in self.flowed if isinstance(x, Obj)}
        saved = self.save()
        self.blocked = False
        self.wants_other = None
        self.coming.discard(obj)
        try:
            what(obj)
            obj.error = self.blocked
        except Failure as error:
            self.restore(saved)
            if later is not None:
                later.append((obj, what))
                if self.wants_other:
                    self.leaving[obj] = self.wants_other
                return
            obj.error = True
            self.errors.append(str(error))
            self.counted(obj, "flow-failure")

    def save(self):
        things = [*self.mvs, *self.all_objects()]
        return ([(thing, dict(vars(thing))) for thing in things],
                list(self.mvs), {a: list(o) for a, o in self.objs.items()},
                dict(self.outbound), dict(self.moved), set(self.relinked),
                list(self.errors), set(self.flowed))

    def restore(self, saved):
        for thing, state in saved[0]:
            vars(thing).update(state)
        (_, self.mvs, self.objs, self.outbound, self.moved, self.relinked,
         self.errors, self.flowed) = saved

    def counted(self, obj, stem, mv=None):
        """With % it is flow or no-flow: did what it is linked to change,
        with itself or when references were settled at the end?"""
        self.moved[obj] = (stem, mv)

    def leave_without(self, obj):
        """The day came, its metaverse object is gone."""
        how = obj.left_rs.deprovision.then
        obj.leaving = None
        obj.state = ("disconnector" if how == "disconnect"
                     else "explicit-disconnector")
        obj.export = None
        if how == "delete":
            obj.export = {"op": "delete", "attrs": {}, "dn": None}
        self.strongest(obj, "provisioned-disconnect")

    def process(self, obj):
        if obj.state == "explicit-disconnector":
            self.take(obj)
            self.counted(obj, "disconnector-remains")
            return
        if obj.leaving and not obj.mv and not self.waits(obj, obj.left_rs):
            self.take(obj)
            self.leave_without(obj)
            self.counted(obj, "disconnector-remains")
            return
        view = self.view(obj)
        rs = self.ruleset(obj)
        if rs is not None and rs.scope and not rs.scope.true(view):
            rs = self.takes_over(obj, view)
            if rs is None:
                self.filtered(obj)
                if self.fits(obj) is None:
                    obj.state = "disconnector"
                return
            obj.rs = rs.name
            obj.wanted = False
        rs = rs or self.fits(obj)
        if rs is None:
            obj.state = "disconnector"
            self.take(obj)
            self.counted(obj, "disconnector-remains")
            return
        if any(e.true(view) for e in rs.filter):
            self.filtered(obj)
            return
        mv = obj.mv
        before = self.gives(obj) if mv else {}
        if mv is not None:
            self.counted(obj, "connector-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "connector-flow-remove-mv")
            return
        obj.state = "disconnector"
        mv, verdict = self.join(obj, rs, view)
        if mv is not None:
            self.link(obj, rs, mv)
            self.counted(obj, "disconnector-joined-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "disconnector-joined-remove-mv")
            return
        if verdict is None and self.projects(rs, view):
            mv = Mv(rs.metaverse, self.number())
            self.mvs.append(mv)
            mv.projected_by = obj
            self.link(obj, rs, mv)
            self.counted(obj, "disconnector-projected-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "disconnector-projected-remove-mv")
            return
        self.take(obj)
        self.counted(obj, "disconnector-remains")

    def takes_over(self, obj, view):
        """The rule set to which an object goes that left its scope."""
        rs = self.fits(obj)
        if rs is None or rs.metaverse != obj.mv.kind or any(
                o.agent == obj.agent and o.rs == rs.name
                for o in self.connectors(obj.mv)) or any(
                e.true(view) for e in rs.filter):
            return None
        return rs

    def explain_removal(self, obj, mv, name):
        if not mv.alive:
            self.counted(obj, name)

    @staticmethod
    def projects(rs, view):
        return rs.project is True or (rs.project and rs.project.true(view))

    @staticmethod
    def take(obj):
        """Its pending import is synchronized."""
        if obj.image is not None:
            obj.synced = (obj.dn, obj.image)
        obj.pend = None
        obj.confirmed = {}

    def filtered(self, obj):
        mv = obj.mv
        self.take(obj)
        if mv is None:
            obj.state = "filtered-disconnector"
            self.counted(obj, "disconnector-filtered")
            return
        self.disconnect(obj, "filtered-disconnector")
        obj.last_mv = None
        obj.leaving = None
        self.after_loss(mv, obj)
        self.counted(obj, "connector-filtered-leave-mv" if mv.alive
                     else "connector-filtered-remove-mv")

    def process_delete(self, obj):
        mv = obj.mv
        if mv is None:
            self.drop(obj)
            return
        self.disconnect(obj, "disconnector")
        obj.alive = False
        self.objs[obj.agent].remove(obj)
        self.after_loss(mv, obj)
        # One that is made in its place is another one: who refers to it is
        # written again.
        self.stand_in(obj)
        self.counted(obj, "connector-delete-leave-mv" if mv.alive
                     else "connector-delete-remove-mv")

    # ---- what others hear of it

    def settle(self):
        """References and look-ups: whoever means an object that was linked,
        unlinked or changed is looked at again, until nothing changes."""
        self.flowed = {x for x in self.flowed if isinstance(x, Obj)}
        failed = set()
        for mv in self.mvs:
            mv.retry |= mv.timed != self.by_time(mv)
        for mv in [mv for mv in self.mvs if mv.retry]:
            mv.retry = False
            self.settle_one(mv, failed)
        for _ in range(20):
            again = [mv for mv in self.mvs if mv not in failed
                     and differ(self.compute(mv), mv.attrs)]
            relinked, self.relinked = self.relinked, set()
            for mv in self.mvs:
                if mv not in again and any(
                        v in relinked for values in mv.attrs.values()
                        for v in values if isinstance(v, Mv)):
                    again.append(mv)
            if not again:
                return
            for mv in again:
                if mv.alive and mv not in failed:
                    self.settle_one(mv, failed)
        raise AssertionError("references that chase each other")

    def settle_one(self, mv, failed):
        saved = self.save()
        self.blocked = False
        try:
            self.evaluate(mv)
            if self.blocked and self.connectors(mv):
                self.connectors(mv)[0].error = True
        except Failure as error:
            self.restore(saved)
            self.errors.append(str(error))
            mv.retry = True
            failed.add(mv)
