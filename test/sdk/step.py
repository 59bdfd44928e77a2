"""Steps of the pass over the SDK: one JSON line each, so that what fails is named."""

import contextlib
import json
import traceback


class Abandoned(Exception):
    """A step failed, and what would follow it cannot be done."""


@contextlib.contextmanager
def step(name):
    """Says how the steps inside went: {"step", "error"}, the error being null when all is well."""
    error = None
    try:
        yield
    except Abandoned:
        raise
    except Exception:
        error = traceback.format_exc(limit=-3)
    print(json.dumps({"step": name, "error": error}), flush=True)
    if error is not None:
        raise Abandoned(name)


@contextlib.contextmanager
def refused(kind, *, status=None):
    """What is inside has to end with an exception of this kind, and HTTP status."""
    try:
        yield
    except kind as error:
        if status is not None:
            same("status of the refusal", error.status_code, status)
        return
    raise AssertionError(f"nothing was refused with {kind.__name__}")


def same(what, actual, expected):
    """The two have to be equal."""
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r} instead of {expected!r}")


def has(resource, **expected):
    """The resource has to have these attributes."""
    for name, value in expected.items():
        same(f"{type(resource).__name__}.{name}", getattr(resource, name), value)


def ids(resources):
    """The ids of some resources, for comparison."""
    return sorted(resource.id for resource in resources)


def run(groups, connection, other):
    """Runs groups of steps, each a step itself, whatever became of the one before.

    `other` is a connection of another project.
    """
    for group in groups:
        with contextlib.suppress(Abandoned), step(group.__name__):
            group(connection, other)
