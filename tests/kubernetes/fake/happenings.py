"""Events, as controllers tell them of an object."""
import hashlib
import random

from tests.kubernetes.fake.resources import EVENTS, Object, Resource
from tests.kubernetes.fake.store import Store, now

# Letters and digits of the names that Kubernetes makes up.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
# So much of a name is kept in front of what is made up.
_PREFIX_LENGTH = 58


def tell(store: Store, resource: Resource, about: Object, reason: str, message: str, kind: str = "Normal") -> None:
    """Add an event about the object, or count it once more if it was told before."""
    namespace, name = about["metadata"]["namespace"], about["metadata"]["name"]
    told = hashlib.sha256("\n".join((about["metadata"]["uid"], reason, message)).encode()).hexdigest()
    event_name = f"{name}.{told[:16]}"
    if known := store.get(EVENTS, namespace, event_name):
        store.update(EVENTS, {**known, "count": known["count"] + 1, "lastTimestamp": now()})
        return
    store.add(EVENTS, {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": event_name, "namespace": namespace},
        "involvedObject": {"apiVersion": resource.api_version, "kind": resource.kind, "name": name,
                           "namespace": namespace, "uid": about["metadata"]["uid"]},
        "reason": reason, "message": message, "type": kind, "count": 1, "firstTimestamp": now(),
        "lastTimestamp": now(), "source": {"component": "fake"}, "reportingComponent": "", "reportingInstance": ""})


def made_up_name(prefix: str) -> str:
    """A name that begins with the prefix, or with what there is room for of it."""
    return prefix[:_PREFIX_LENGTH] + "".join(random.choices(_ALPHABET, k=5))
