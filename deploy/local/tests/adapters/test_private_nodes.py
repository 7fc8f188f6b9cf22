import asyncio
import socket
from contextlib import ExitStack

import aio_pika
import pytest

from atelier_local import ports
from atelier_local.errors import CannotStart
from atelier_local.nodes import choose_nodes, forget, private_nodes


def test_a_restart_keeps_what_was_committed(own_nodes):
    own_nodes.postgres.sql("create table kept (n int); insert into kept values (1)")
    own_nodes.postgres.restart()
    assert own_nodes.postgres.sql("select n from kept").strip() == "1"


def test_a_kill_keeps_what_was_committed(own_nodes):
    own_nodes.postgres.sql("create table survived (n int); insert into survived values (2)")
    own_nodes.postgres.restart(kill=True)
    assert own_nodes.postgres.sql("select n from survived").strip() == "2"


async def test_a_killed_broker_keeps_virtual_hosts_and_durable_queues(own_nodes):
    own_nodes.rabbitmq.add_vhost("kept")
    await _declare(own_nodes.rabbitmq.url("kept"), passive=False)
    address = own_nodes.rabbitmq.url("kept")
    await asyncio.sleep(2)  # what was declared a moment before a kill may be lost
    own_nodes.rabbitmq.restart(kill=True)
    assert own_nodes.rabbitmq.url("kept") == address
    await _declare(address, passive=True)
    own_nodes.rabbitmq.delete_vhost("kept")
    assert "kept" not in own_nodes.rabbitmq.ctl("list_vhosts")


async def _declare(url, *, passive):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("durable", durable=True, passive=passive)


def test_starting_again_keeps_the_running_nodes(own_nodes):
    before = own_nodes.postgres.sql("select pg_postmaster_start_time()")
    again = private_nodes(own_nodes.notes.parent)
    again.start()
    assert again.postgres.sql("select pg_postmaster_start_time()") == before
    assert again.rabbitmq.url() == own_nodes.rabbitmq.url()


def test_postgres_listens_on_the_loopback_address_alone(own_nodes):
    shown = own_nodes.postgres.sql("show listen_addresses; show unix_socket_directories; show fsync")
    assert shown.split("\n")[:3] == ["127.0.0.1", "", "on"]


def test_a_folder_closed_to_others_will_do(closed_folder):
    made = private_nodes(closed_folder)
    try:
        made.postgres.start()
        assert made.postgres.sql("select 1").strip() == "1"
        assert private_nodes(closed_folder).postgres.is_healthy()
    finally:
        made.postgres.stop()
        forget(made)


def test_a_noted_port_that_somebody_took_is_given_up(tmp_path):
    made = private_nodes(tmp_path)
    noted = made.postgres.port
    with socket.create_server(("127.0.0.1", noted)):
        made.postgres.start()
        assert made.postgres.port != noted
        assert private_nodes(tmp_path).postgres.port == made.postgres.port
        made.postgres.stop()
    forget(made)


def test_the_usual_ports_need_not_be_free(own_nodes):
    with ExitStack() as taken:
        for port in (5432, 5672):
            if ports.is_free(port):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
        own_nodes.stop()
        own_nodes.start()
        assert own_nodes.postgres.is_healthy()
        assert own_nodes.rabbitmq.is_healthy()


def test_a_stopped_node_frees_its_ports(tmp_path):
    made = private_nodes(tmp_path)
    made.postgres.start()
    made.postgres.stop()
    assert ports.is_free(made.postgres.port)
    forget(made)


def test_docker_is_not_replaced_when_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_NODES", "docker")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotStart, match="Docker's engine does not answer"):
        choose_nodes(tmp_path, tmp_path / "compose.yaml")


def test_an_unknown_kind_of_nodes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_NODES", "cloud")
    with pytest.raises(CannotStart, match="it can be private or docker"):
        choose_nodes(tmp_path, tmp_path / "compose.yaml")
