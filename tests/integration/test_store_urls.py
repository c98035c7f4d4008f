"""Every way that store.url may lead to Redis, with real servers: a flip arrives, and what is wrong is said in plain words."""

import time

import pytest
from process import TOP, eventually
from redisset import Authority, Cluster, SampleSet, SentinelSet, Server, TlsServer

PASSWORD = "p@ss:w/rd%1"
ENCODED = "p%40ss%3Aw%2Frd%251"


def write_secret(path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def prove(stand, server, key: str = "outage:incident") -> None:
    """A declaration of outagectl reaches the server, and a flip by hand reaches outagectl."""
    stand.ctl("declare", "P1")
    assert server.cli("GET", key) == "P1"
    server.cli("SET", key, "P2")
    status = stand.status()
    assert "P2" in str(status), status


def prove_live(stand, server, key: str = "outage:incident") -> None:
    """The same, seen by a running milter."""
    stand.start()
    stand.declare("P1")
    server.cli("SET", key, "P2")
    stand.wait_word("P2")


def complaint(stand) -> str:
    """What outagectl says where the store cannot be used."""
    done = stand.ctl("declare", "P1", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "hunter2" not in done.stderr and PASSWORD not in done.stderr and ENCODED not in done.stderr
    return done.stderr


# -- one server

def test_unix_socket_and_database_number(make_stand, tmp_path):
    with Server(tmp_path, "server", "--unixsocket", tmp_path / "redis.sock") as server:
        server.url = f"redis+unix://{tmp_path}/redis.sock?db=3"
        server.door += ["-n", "3"]
        prove_live(make_stand(redis=server), server)


def test_database_number_over_tcp(make_stand, tmp_path):
    with Server(tmp_path, "server") as server:
        server.url += "/5"
        server.door += ["-n", "5"]
        prove(make_stand(redis=server), server)


@pytest.mark.parametrize("login, line", [
    (f":{ENCODED}@", None),
    ("", f":{PASSWORD}\n"),
    ("default@", f"{PASSWORD}\n"),
    (":of-the-url-is-not-used@", f"default:{PASSWORD}"),
])
def test_password(make_stand, tmp_path, login, line):
    with Server(tmp_path, "server", password=PASSWORD) as server:
        server.url = f"redis://{login}127.0.0.1:{server.port}"
        stand = make_stand(redis=server, store__password_file=write_secret(tmp_path / "password", line) if line else None)
        prove(stand, server)


@pytest.mark.parametrize("login, line", [
    (f"milter:{ENCODED}@", None),
    ("milter@", f"{PASSWORD}\r\n"),
    ("", f"milter:{PASSWORD}\n"),
])
def test_acl_user(make_stand, tmp_path, login, line):
    """With the rights that conf/redis/users.acl gives, and no more."""
    rights = (TOP / "conf/redis/users.acl").read_text().splitlines()[0].split()[2:]
    with Server(tmp_path, "server") as server:
        server.cli("ACL", "SETUSER", "milter", *rights, "on", f">{PASSWORD}")
        server.url = f"redis://{login}127.0.0.1:{server.port}"
        stand = make_stand(redis=server, store__password_file=write_secret(tmp_path / "password", line) if line else None)
        prove(stand, server)


def test_acl_user_who_may_not_ask_for_role_and_info(make_stand, tmp_path):
    with Server(tmp_path, "server") as server:
        server.cli("ACL", "SETUSER", "milter", "on", f">{PASSWORD}", "~outage:*", "&*", "+@all", "-info", "-role", "-client|setname")
        server.url = f"redis://milter:{ENCODED}@127.0.0.1:{server.port}"
        prove(make_stand(redis=server), server)


def test_wrong_password_is_said_and_not_shown(make_stand, tmp_path):
    with Server(tmp_path, "server", password=PASSWORD) as server:
        server.url = f"redis://:hunter2@127.0.0.1:{server.port}"
        assert "the user or the password is wrong" in complaint(make_stand(redis=server))
        server.url = f"redis://127.0.0.1:{server.port}"
        assert "store.password_file" in complaint(make_stand(redis=server))


def test_a_server_that_repeats_what_it_does_not_know_cannot_make_us_log_the_password(make_stand, tmp_path):
    with Server(tmp_path, "server", "--rename-command", "AUTH", "") as server:
        server.url = f"redis://:hunter2@127.0.0.1:{server.port}"
        assert "refuses to be told a password" in complaint(make_stand(redis=server))


def test_password_file_is_looked_after(make_stand, tmp_path):
    with Server(tmp_path, "server", password=PASSWORD) as server:
        server.url = f"redis://127.0.0.1:{server.port}"
        path = tmp_path / "password"
        stand = make_stand(redis=server, store__password_file=str(path))
        assert str(path) in complaint(stand) and "No such file" in complaint(stand)
        write_secret(path, "\n")
        assert "empty" in complaint(stand)
        write_secret(path, f":{PASSWORD}\nsecond line\n")
        assert "more than one line" in complaint(stand)
        write_secret(path, f":{PASSWORD}\n", 0o644)
        stand.start()
        stand.declare("P1")
        said = [line for line in stand.node.process.lines if "can be read by everybody" in line]
        assert len(said) == 1 and "store.password_file" in said[0]


def test_replica_is_refused(make_stand, tmp_path):
    with Server(tmp_path, "server") as primary, Server(tmp_path, "replica", "--replicaof", f"127.0.0.1 {primary.port}") as replica:
        assert "replica" in complaint(make_stand(redis=replica))


# -- TLS

@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.parametrize("host, protocols", [("localhost", "TLSv1.3"), ("127.0.0.1", "TLSv1.2")])
def test_tls(make_stand, tmp_path, authority, host, protocols):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server"), password=PASSWORD, protocols=protocols) as server:
        server.url = server.url.replace("127.0.0.1", host).replace(PASSWORD, ENCODED)
        stand = make_stand(redis=server, store__tls_ca_file=str(authority.file))
        prove_live(stand, server)
        # Large enough for many TLS records: none may be left behind in a buffer while poll() sleeps.
        server.cli("SET", "outage:incident:default", "x")
        server.cli("DEL", "outage:incident:default")
        server.cli("HSET", "outage:incident:default", "title", "t" * 60000)
        for word in ("P3", "P1", "P2"):
            server.cli("SET", "outage:incident", word)
            stand.wait_word(word)


def test_tls_is_spoken_with_the_restarted_server(make_stand, tmp_path, authority):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server")) as server:
        stand = make_stand(redis=server, store__tls_ca_file=str(authority.file))
        prove_live(stand, server)
        server.kill()
        server.start()
        server.cli("SET", "outage:incident", "P3")
        stand.wait_word("P3")


def test_tls_server_that_says_nothing(make_stand, tmp_path, authority):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server")) as server:
        server.freeze()
        assert "no TLS handshake in time" in complaint(make_stand(redis=server, store__tls_ca_file=str(authority.file)))


def test_tls_certificate_of_ours(make_stand, tmp_path, authority):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server"), clients=True) as server:
        cert, key = authority.certificate("milter", "DNS:milter.example")
        ca = {"store__tls_ca_file": str(authority.file)}
        prove(make_stand(redis=server, store__tls_cert_file=str(cert), store__tls_key_file=str(key), **ca), server)
        assert "asks for a certificate of ours" in complaint(make_stand(redis=server, **ca))
        assert "belong together" in complaint(make_stand(redis=server, store__tls_cert_file=str(cert), **ca))
        assert "tls_key_file" in complaint(make_stand(redis=server, store__tls_cert_file=str(cert), store__tls_key_file=str(cert), **ca))
        assert "No such file" in complaint(make_stand(redis=server, store__tls_ca_file=str(tmp_path / "missing.pem")))
        stranger = Authority(tmp_path, "stranger").certificate("milter")
        said = complaint(make_stand(redis=server, store__tls_cert_file=str(stranger[0]), store__tls_key_file=str(stranger[1]), **ca))
        assert "does not accept our certificate" in said


@pytest.mark.parametrize("names, days, said", [
    ("DNS:other.example", 2, "another name than 127.0.0.1"),
    ("DNS:127.0.0.1", 2, "another name than 127.0.0.1"),
    ("IP:127.0.0.1", -1, "has expired"),
])
def test_tls_certificate_that_is_not_good(make_stand, tmp_path, authority, names, days, said):
    certificate = authority.certificate("server", names, days)
    with TlsServer(tmp_path, "server", authority, certificate, password="hunter2") as server:
        assert said in complaint(make_stand(redis=server, store__tls_ca_file=str(authority.file)))
        assert server.cli("GET", "outage:incident") == ""


def test_tls_authority_that_is_not_known(make_stand, tmp_path, authority):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server"), password="hunter2") as server:
        other = Authority(tmp_path, "other")
        assert "unknown authority" in complaint(make_stand(redis=server, store__tls_ca_file=str(other.file)))
        assert "unknown authority" in complaint(make_stand(redis=server))


def test_tls_and_plain_are_told_apart(make_stand, tmp_path, authority):
    with TlsServer(tmp_path, "server", authority, authority.certificate("server")) as tls, Server(tmp_path, "plain") as plain:
        tls.url = tls.url.replace("rediss://", "redis://")
        assert "Redis at 127.0.0.1" in complaint(make_stand(redis=tls))
        plain.url = plain.url.replace("redis://", "rediss://")
        assert "TLS" in complaint(make_stand(redis=plain))


# -- Sentinel

def test_sentinels_with_passwords_and_most_of_them_down(make_stand, tmp_path):
    with SentinelSet(tmp_path, password=PASSWORD, sentinel_password="sentinels") as redis:
        redis.url = redis.url.replace(PASSWORD, ENCODED)
        stand = make_stand(redis=redis, store__sentinel_password_file=str(redis.sentinel_password_file))
        assert "store.sentinel_password_file" in complaint(make_stand(redis=redis))
        stand.configure({"store.sentinel_password_file": str(redis.sentinel_password_file)})
        prove_live(stand, redis.servers[0])
        redis.sentinels[0].kill()
        redis.sentinels[1].freeze()  # connects, and says nothing
        stand.ctl("declare", "P3")
        stand.wait_word("P3")
        stand.node.process.signal(15)
        stand.node.hurry()
        stand.node.start()
        redis.servers[0].cli("SET", "outage:incident", "P1")
        stand.wait_word("P1")
        redis.sentinels[2].kill()
        assert "no Sentinel names" in complaint(stand)


def test_name_that_no_sentinel_knows(make_stand, tmp_path):
    with SentinelSet(tmp_path) as redis:
        redis.url = redis.url.removesuffix("/outage") + "/other"
        assert "knows no master" in complaint(make_stand(redis=redis))


def test_failover_is_followed_and_the_old_primary_is_not(make_stand, tmp_path):
    with SampleSet(tmp_path) as redis:
        stand = make_stand(redis=redis, store__sentinel_password_file=str(redis.sentinel_password_file)).start()
        stand.declare("P1")
        old = redis.primary()
        for replica in redis.servers[1:]:
            eventually(lambda replica=replica: replica.cli("GET", "outage:incident") == "P1", 10, "the replica has it")
        old.kill()
        switched = redis.wait_failover(old)
        new = redis.primary()
        assert new is not old
        eventually(lambda: new.cli("SET", "outage:incident", "P2") == "OK", 20, "a replica follows the new primary")
        stand.wait_word("P2", 30)
        print(f"a flip on the new primary was seen {time.monotonic() - switched:.2f} s after the Sentinels had named it")
        # It comes back as what it was, until the Sentinels tell it better; nobody follows it.
        old.start()
        stand.ctl("declare", "P3")
        stand.wait_word("P3")
        assert new.cli("GET", "outage:incident") == "P3"
        # A Sentinel that finds its own clock late, on a loaded machine, does nothing for 30 seconds (TILT), and perhaps again.
        eventually(lambda: old.role() == "slave", 180, "the old primary follows")
        eventually(lambda: old.cli("GET", "outage:incident") == "P3", 20, "it has the new state")
        stand.resolve()


def test_sentinel_that_names_the_primary_of_before_is_outvoted(make_stand, tmp_path):
    with SentinelSet(tmp_path) as redis:
        stand = make_stand(redis=redis)
        old, liar = redis.primary(), redis.sentinels[0]
        liar.kill()
        before = liar.config.read_text()
        eventually(lambda: redis.servers[1].role() == "slave")
        old.freeze()
        redis.wait_failover(old)
        new = redis.primary()
        # Cut off with the old primary: it knows no other Sentinel and no replica, and names it.
        lines = [line for line in before.splitlines() if "known-" not in line and "quorum" not in line]
        liar.config.write_text("\n".join(lines) + "\n")
        old.thaw()
        liar.start()
        stand.ctl("declare", "P1")
        assert new.cli("GET", "outage:incident") == "P1"


# -- Cluster

@pytest.mark.parametrize("nodes", [1, 3])
def test_cluster_with_a_hash_tag(make_stand, tmp_path, nodes):
    with Cluster(tmp_path, nodes) as redis:
        key = "{outage}:incident"
        owner = redis.owner(key)
        redis.url = next((node for node in redis.nodes if node is not owner), owner).url
        prove_live(make_stand(redis=redis, store__prefix="{outage}:"), owner, key)


def test_cluster_without_a_hash_tag_is_refused(make_stand, tmp_path):
    with Cluster(tmp_path, 1) as redis:
        said = complaint(make_stand(redis=redis))
        assert "store.prefix" in said and "{outage}:" in said


def test_cluster_that_moves_our_slot(make_stand, tmp_path):
    with Cluster(tmp_path, 3) as redis:
        key = "{outage}:incident"
        owner = redis.owner(key)
        other = next(node for node in redis.nodes if node is not owner)
        stand = make_stand(redis=redis, store__prefix="{outage}:").start()
        stand.declare("P1")
        slot = owner.cli("CLUSTER", "KEYSLOT", key)
        ids = {node.port: node.cli("CLUSTER", "MYID") for node in redis.nodes}
        other.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner.port])
        owner.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[other.port])
        for name in owner.cli("CLUSTER", "GETKEYSINSLOT", slot, "1000").split():
            owner.cli("MIGRATE", "127.0.0.1", str(other.port), name, "0", "5000")
        for node in redis.nodes:
            node.cli("CLUSTER", "SETSLOT", slot, "NODE", ids[other.port])
        eventually(lambda: other.cli("EXISTS", key) == "1", 10, "the keys have moved")
        other.cli("SET", key, "P2")
        stand.wait_word("P2", 30)
