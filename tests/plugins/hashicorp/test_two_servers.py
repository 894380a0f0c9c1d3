"""Two servers hold the same path with different values: nothing of one is ever the other's."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.plugins.hashicorp.using import add, at
from tests.soak import rounds

from unvault.errors import AccessDenied, FieldNotFound, SecretNotFound, UnvaultError


@pytest.fixture
def places(openbao, second_openbao, new_namespace):
    """Return a namespace of each server, both of one name and with the same paths."""
    first = new_namespace()
    second = second_openbao.root.child(first.path)
    made = {"one": first, "two": second}
    for name, place in made.items():
        place.mount("secret")
        place.mount("old", version=1)
        for number in range(20):
            place.write("secret", f"n{number}", x=f"canary-{name}-{number}", **{f"of-{name}": 1})
            place.write_v1("old", f"n{number}", x=f"canary-{name}-{number}")
        place.write("secret", f"only-{name}", x=f"canary-{name}-only")
        place.write("secret", f"denied-to-{name}", x="canary")
    return made


@pytest.fixture
def unvault(places, open_unvault):
    made = open_unvault()
    for name, place in places.items():
        paths = {"secret/data/*": "read", "old/*": "read", f"secret/data/denied-to-{name}": "deny"}
        role = place.approle(place.allow("all", paths))
        login = {"role_id": role.role_id, "secret_id": role.secret_id}
        add(made, name, at(place, auth_method="approle", timeout=2, **login))
    return made


def step(unvault, places, seed):
    """Do one thing at random, and say what was wrong about it."""
    choice = random.Random(seed)  # noqa: S311  # no secret
    name = choice.choice(["one", "two"])
    other = "two" if name == "one" else "one"
    number = choice.randrange(20)
    path, expected = choice.choice(
        [
            (f"secret/n{number}#x", f"canary-{name}-{number}"),
            (f"old/n{number}#x", f"canary-{name}-{number}"),
            (f"secret/n{number}?version=1#x", f"canary-{name}-{number}"),
            (f"secret/only-{name}#x", f"canary-{name}-only"),
            (f"secret/only-{other}#x", SecretNotFound),
            (f"secret/denied-to-{name}", AccessDenied),
            (f"secret/n{number}#of-{other}", FieldNotFound),
        ]
    )
    what = choice.random()
    if what < 0.01:
        unvault.cache.clear()
    try:
        found = unvault.fetch(f"{name}/{path}", fresh=what < 0.3).text()
    except UnvaultError as error:
        if type(error) is not expected:
            return f"{name}/{path}: {error!r}"
        strange = places[other].address in str(error) or f"of-{other}" in error.candidates
        mine = (error.credential, error.reference) == (name, f"{name}/{path}")
        return None if mine and not strange else f"{name}/{path}: {error}"
    return None if found == expected else f"{name}/{path} was {found}"


@rounds(2_000, 10_000)
@pytest.mark.parametrize("cached", [True, False], ids=["cached", "not cached"])
def test_random_fetches_in_threads_are_never_mixed(unvault, places, rounds, cached):
    if not cached:
        unvault.cache.minutes = 0
        rounds //= 4
    with ThreadPoolExecutor(8) as pool:
        wrong = [
            each
            for each in pool.map(lambda seed: step(unvault, places, seed), range(rounds))
            if each
        ]
    assert wrong == []


def test_each_server_saw_its_own_tokens_only(unvault, places):
    watches = {name: place.watch() for name, place in places.items()}
    for number in range(20):
        for name in places:
            unvault.fetch(f"{name}/secret/n{number}")
    for name, watch in watches.items():
        assert watch.logins == 1
        assert watch.count("secret/data/*", "read") == 20, name


def test_one_servers_death_is_not_the_others(unvault, places, second_openbao):
    for name in places:
        unvault.fetch(f"{name}/secret/n1")
    second_openbao.kill()
    assert unvault.fetch("one/secret/n1#x", fresh=True).text() == "canary-one-1"
    with pytest.raises(UnvaultError) as raised:
        unvault.fetch("two/secret/n1#x", fresh=True)
    assert (raised.value.credential, raised.value.code) == ("two", "unavailable")
    assert second_openbao.address in raised.value.message


def test_credentials_that_differ_in_the_namespace_only(new_namespace, open_unvault):
    unvault = open_unvault()
    made = {"one": new_namespace(), "two": new_namespace()}
    for name, place in made.items():
        place.mount("secret")
        place.write("secret", "app", x=f"canary-{name}")
        add(unvault, name, at(place, access_token="root", auth_namespace=""))
    for fresh in (False, False, True):
        for name in made:
            assert unvault.fetch(f"{name}/secret/app#x", fresh=fresh).text() == f"canary-{name}"
