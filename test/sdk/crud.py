"""Create, show, find, list, update and delete: the same for every resource of the network proxy."""

from openstack import exceptions

from step import has, ids, refused, same, step


class Crud:
    """The calls of the proxy for one resource, by the SDK's names for it."""

    def __init__(self, network, single, plural):
        self.single = single
        self._find = getattr(network, f"find_{single}", None)
        self._create = getattr(network, f"create_{single}")
        self._get = getattr(network, f"get_{single}")
        self._list = getattr(network, plural)
        self._update = getattr(network, f"update_{single}", None)
        self._delete = getattr(network, f"delete_{single}")

    def create(self, **attributes):
        """Makes one, looks at it in every way, and answers it."""
        with step(f"{self.single}: create"):
            made = self._create(**attributes)
            assert made.id, "it has no id"
        with step(f"{self.single}: get"):
            shown = self._get(made.id)
            same("what is shown", shown.to_dict(computed=False), made.to_dict(computed=False))
        with step(f"{self.single}: list"):
            assert made.id in ids(self._list()), "it is not listed"
            if made.name:
                same("what is listed by name", [item.name for item in self._list(name=made.name)], [made.name])
        if self._find is not None:
            with step(f"{self.single}: find"):
                same("what is found by id", self._find(made.id).id, made.id)
                if made.name:
                    same("what is found by name", self._find(made.name).id, made.id)
                same("what is found for no name", self._find("no such name"), None)
                with refused(exceptions.ResourceNotFound):
                    self._find("no such name", ignore_missing=False)
        return made

    def update(self, made, **attributes):
        """Changes it; answers it as it is then."""
        with step(f"{self.single}: update"):
            has(self._update(made, **attributes), **attributes)
            shown = self._get(made.id)
            has(shown, **attributes)
        return shown

    def delete(self, made):
        """Deletes it, twice."""
        with step(f"{self.single}: delete"):
            self._delete(made, ignore_missing=False)
            with refused(exceptions.ResourceNotFound, status=404):
                self._get(made.id)
            same("deleting it once more", self._delete(made), None)
            with refused(exceptions.ResourceNotFound, status=404):
                self._delete(made.id, ignore_missing=False)
