"""Imports of the model: what was read becomes pending.

SPDX-License-Identifier: Apache-2.0
"""
from objects import alike, bump, differ, equal
from rules import same


class Imports:
    def by_anchor(self, agent, kind, anchor):
        return self.best(o for o in self.objs[agent] if o.kind == kind
                         and o.anchor is not None and same(o.anchor, anchor))

    def by_dn(self, agent, dn):
        """Who is known, or was made, under this name."""
        return self.best(o for o in self.objs[agent]
                         if o.base_dn and same(o.base_dn, dn))

    @staticmethod
    def best(found):
        """Of several the one that the connected system has, or had."""
        def rank(obj):
            if obj.placeholder:
                return 3
            if obj.image is None:       # to be made, or just made
                return -1 if obj.awaiting else 2
            if obj.awaiting and obj.awaiting["op"] == "delete":
                return 1
            return .5 if obj.pend == "delete" else 0
        return min(found, default=None, key=rank)

    def find(self, agent, kind, anchor, dn):
        if anchor is not None:
            return self.by_anchor(agent, kind, anchor) or (dn and self.best(
                o for o in self.objs[agent] if o.image is None
                and o.future_dn and same(o.future_dn, dn)))
        return self.by_dn(agent, dn) or self.best(
            o for o in self.objs[agent] if o.export and not o.awaiting
            and o.export["op"] == "add" and same(o.export["dn"], dn))

    def full_import(self, agent, entries, unread=None):
        """entries: (type, anchor, dn, attributes).  unread: the anchor of
        one that could not be read.  Returns (counters, errors)."""
        counters = {}
        errors = []
        seen = self.read(agent, entries, counters, errors)
        lost = [o for o in self.objs[agent] if o not in seen]
        if unread is not None:
            bump(counters, "stage-failure")
            lost = self.spare(lost, unread)
        if self.guarded_import(agent, lost):
            lost = []
        for obj in lost:
            self.gone(obj, counters, errors)
        self.promote(agent)
        if not self.stopped and unread is None:
            self.watermark[agent] = True
        return counters, errors

    def read(self, agent, entries, counters, errors):
        """The objects that were read."""
        seen = {}
        self.promote(agent, lambda obj: obj.awaiting)
        for kind, anchor, dn, attrs in entries:
            obj = self.find(agent, kind, anchor, dn)
            if obj and not obj.placeholder and obj.image is None \
                    and not obj.awaiting:
                obj = self.overtaken(obj)
            obj = obj or self.new(agent, kind)
            obj.kind = kind
            seen[obj] = attrs
            obj.anchor = anchor
            renamed = (dn is not None and obj.dn is not None
                       and obj.image is not None and obj.dn != dn)
            self.stage(obj, dn, attrs, renamed, counters, errors)
        return seen

    @staticmethod
    def spare(lost, unread):
        """What cannot be read is not gone; when nobody bears its anchor it
        may be anybody."""
        bearer = [o for o in lost if o.image is not None
                  and same(o.anchor, unread)]
        return [o for o in lost if o not in bearer] if bearer else []

    def guarded_import(self, agent, lost):
        """More would be staged as deleted than the guard lets pass."""
        limit = self.agent(agent).guards.get("import")
        if limit is None or self.allowed:
            return False
        found = [o for o in lost if o.image is not None
                 and o.pend != "delete"
                 and not (o.awaiting and o.awaiting["op"] == "delete")]
        if len(found) > limit:
            self.stopped = agent
        return bool(self.stopped)

    def delta_import(self, agent, changes, combined):
        """changes: (anchor or DN, type, attributes or None).  In a combined
        step all that is delivered is synchronized."""
        counters = {}
        errors = []
        self.promote(agent, lambda obj: obj.awaiting)
        stopped = self.guarded_import(agent, [
            obj for obj in (self.by_anchor(agent, kind, anchor)
                            for anchor, kind, attrs in changes
                            if attrs is None) if obj])
        for anchor, kind, attrs in changes:
            obj = self.by_anchor(agent, kind, anchor)
            if attrs is None:
                if obj is None or obj.image is None:
                    bump(counters, "filtered-deletions")
                elif not stopped:
                    self.gone(obj, counters, errors)
                continue
            if obj is None:
                obj = self.new(agent, kind)
                obj.anchor = anchor
            self.stage(obj, None, attrs, False, counters, errors)
            obj.retry |= combined
        return counters, errors

    def delta_directory(self, agent, touched, entries, combined):
        """Records of a log about these names, and what is there now."""
        counters = {}
        errors = []
        self.promote(agent)     # an add stands in the log before updates
        seen = self.read(agent, entries, counters, errors)
        lost = [o for o in self.objs[agent] if o not in seen
                and not o.placeholder and o.base_dn
                and o.base_dn.casefold() in touched]
        if self.guarded_import(agent, lost):
            lost = []
        for obj in lost:
            self.gone(obj, counters, errors)
        for obj in seen:
            obj.retry |= combined
        self.promote(agent)
        return counters, errors

    def overtaken(self, obj):
        """What is to be made is there already: it is nobody's, and the
        rules decide again."""
        mv = obj.mv
        self.disconnect(obj, "disconnector")
        self.drop(obj)
        mv.retry = True

    def stage(self, obj, dn, attrs, renamed, counters, errors):
        if obj.image is None:
            bump(counters, "stage-add")
        elif renamed:
            bump(counters, "stage-rename")
        elif differ(obj.image, attrs) or obj.pend == "delete":
            bump(counters, "stage-update")
        else:
            bump(counters, "stage-no-change")
        obj.dn = dn
        obj.image = attrs
        if obj.awaiting:
            self.confirm(obj, errors)
        if obj.synced is None:
            obj.pend = "add"
        elif differ(obj.synced[1], attrs) or obj.synced[0] != dn:
            obj.pend = "update"
        else:
            obj.pend = None

    def confirm(self, obj, errors):
        """Everything that was written is decided: there, or pending
        again."""
        layer, obj.awaiting = obj.awaiting, None
        newer = obj.export or {"op": "update", "attrs": {}, "dn": None}
        again = {name: values for name, values in layer["attrs"].items()
                 if not alike(values, obj.image.get(name, []))}
        obj.confirmed.update({name: obj.image.get(name, [])
                              for name in layer["attrs"]
                              if name not in again})
        again_dn = None
        if layer["dn"] and not same(layer["dn"], obj.dn or layer["dn"]):
            again_dn = layer["dn"]
        if layer["op"] == "delete":
            errors.append("exported-change-not-reimported")
            obj.export = {"op": "delete", "attrs": {}, "dn": None}
            return
        if again or again_dn:
            errors.append("exported-change-not-reimported")
            obj.export = {"op": newer["op"],
                          "attrs": {**again, **newer["attrs"]},
                          "dn": newer["dn"] or again_dn}
        self.tidy(obj)

    @staticmethod
    def tidy(obj):
        """What the image has already needs no export."""
        if obj.export and obj.export["op"] == "update":
            base = obj.written()
            obj.export["attrs"] = {
                name: values for name, values in obj.export["attrs"].items()
                if not equal(values, base.get(name, []))}
            if not obj.export["attrs"] and not obj.export["dn"]:
                obj.export = None

    def gone(self, obj, counters, errors):
        """A full import did not see it, or a delta reports it gone."""
        if obj.awaiting and obj.awaiting["op"] == "delete":
            if obj.image is not None:
                bump(counters, "stage-delete")
            self.drop(obj)
        elif obj.image is None:
            if obj.awaiting:        # an add that is not there
                errors.append("exported-change-not-reimported")
                layer, obj.awaiting = obj.awaiting, None
                newer = obj.export or {"attrs": {}, "dn": None}
                obj.export = {"op": "add",
                              "attrs": {**layer["attrs"], **newer["attrs"]},
                              "dn": newer["dn"] or layer["dn"]}
        elif obj.pend != "delete":
            bump(counters, "stage-delete")
            if obj.synced is None and obj.mv is None:
                self.drop(obj)
            else:
                obj.pend = "delete"
