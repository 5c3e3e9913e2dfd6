"""A real search engine (tantivy) behind a small HTTP server, as a shop might have."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import tantivy


class Engine:
    """Items by their titles; counts the calls that it gets."""

    def __init__(self, keys: Sequence[str], titles: Sequence[str]) -> None:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("title", stored=True)
        self.index = tantivy.Index(schema.build())
        writer = self.index.writer(15_000_000, 1)
        for key, title in zip(keys, titles, strict=True):
            writer.add_document(tantivy.Document(id=[key], title=[title]))
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.calls: list[str] = []
        self.slow: set[str] = set()
        self.answer: Any = None  # instead of what it finds

    def search(self, text: str, limit: int) -> list[dict[str, Any]]:
        query, _ = self.index.parse_query_lenient(text, ["title"])
        searcher = self.index.searcher()
        return [
            {"id": searcher.doc(at)["id"][0], "score": score}
            for score, at in searcher.search(query, limit).hits
        ]


@contextmanager
def serving(engine: Engine) -> Iterator[str]:
    """Serve it on this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlparse(self.path).query, keep_blank_values=True)
            self.say(asked["q"][0], int(asked["k"][0]))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "queries" in asked:
                engine.calls.append(f"{len(asked['queries'])} together")
                hits = [{"hits": engine.search(q, asked["size"])} for q in asked["queries"]]
                self.send({"responses": hits})
            else:
                self.say(asked["query"]["match"], asked["size"])

        def say(self, text: str, limit: int) -> None:
            engine.calls.append(text)
            if text in engine.slow:
                time.sleep(1.0)
            self.send(
                {"hits": engine.search(text, limit)} if engine.answer is None else engine.answer
            )

        def send(self, answer: Any) -> None:
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            status = 500 if raw == b"status 500" else 200
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    poll = {"poll_interval": 0.01}  # as long the end of it is awaited
    thread = threading.Thread(target=server.serve_forever, kwargs=poll, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
