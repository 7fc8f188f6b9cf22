import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from libs.client.tests.server import Handler, Server


@pytest.fixture
def server() -> Iterator[Server]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    made = Server(f"http://127.0.0.1:{listening.server_port}")
    listening.told = made.told  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: listening.serve_forever(poll_interval=0.01))
    thread.start()
    yield made
    listening.shutdown()
    thread.join()
    listening.server_close()
