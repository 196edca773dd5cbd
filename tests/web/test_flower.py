"""Flower is seen through the console: by whoever works here, its pages alone, and with nothing of ours handed on."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient

from ill_workflow.bootstrap import Services
from ill_workflow.signing_in import begin_session
from ill_workflow.web.app import make_app
from tests.plugins.visiting import CHEAP
from workers.ports import free_port


class RememberingFlower:
    """Answers as Flower would, with all that it should not hand out, and remembers how it was asked."""

    def __init__(self):
        self.asked, self.answers = [], {}
        flower = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("content-length") or 0)
                flower.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
                status, headers, body = flower.answers.get(self.path.partition("?")[0], (200, {}, b"<p>tasks</p>"))
                self.send_response(status)
                for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def flower():
    found = RememberingFlower()
    yield found
    found.stop()


@pytest.fixture
def browser(quick_stage):
    """A browser of an operator, over a console that knows where Flower is."""

    def made(url, who="operator", login="op:secret,other:word"):
        settings = quick_stage.services.settings.model_copy(update={"flower_url": url, "flower_login": login})
        services = Services(**{**vars(quick_stage.services), "settings": settings})
        client = TestClient(make_app(services, passwords=CHEAP), follow_redirects=False)
        if who:
            with quick_stage.db.writing() as session:
                client.cookies.set("ill", begin_session(session, quick_stage.account(session, who, "MAIN")))
        return client

    return made


def test_its_pages_are_shown_and_nothing_of_ours_is_handed_on(flower, browser):
    says = {"Set-Cookie": "_xsrf=1", "Access-Control-Allow-Origin": "*", "Server": "T", "Etag": '"1"'}
    flower.answers["/flower/tasks"] = (200, says, b"<p>tasks</p>")
    answer = browser(flower.url).get("/flower/tasks?limit=5", headers={"Authorization": "Bearer ours"})

    assert (answer.status_code, answer.text) == (200, "<p>tasks</p>")
    method, path, headers, _ = flower.asked[0]
    assert (method, path) == ("GET", "/flower/tasks?limit=5")
    assert headers["authorization"] == "Basic b3A6c2VjcmV0"
    assert not {name.lower() for name in headers} & {"cookie", "origin", "referer", "x-forwarded-for"}
    assert answer.headers["etag"] == '"1"'
    assert not {"set-cookie", "access-control-allow-origin", "server"} & set(answer.headers)


def test_what_runs_in_its_pages_can_do_nothing_at_the_console(flower, browser):
    policy = browser(flower.url).get("/flower/").headers["content-security-policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["connect-src"] == "http://testserver/flower/"
    assert "unsafe" not in parts["script-src"]
    assert parts["form-action"] == parts["frame-ancestors"] == parts["default-src"] == "'none'"


@pytest.mark.parametrize(
    "path",
    [
        "metrics", "healthcheck", "api/tasks", "api/workers", "api/task/info/x", "login", "logout", "workers/",
        "worker/%2e%2e/metrics", "static/..%2fapp.py", "static/%2e%2e/metrics", "worker/a/b", "tasks%0aX", "%2f%2fevil",
        "worker/%0a", "task/%00",
    ],
)  # fmt: skip
def test_what_is_no_page_of_it_is_not_asked_for(flower, browser, path):
    assert browser(flower.url).get(f"/flower/{path}").status_code == 404
    assert flower.asked == []


def test_a_word_that_it_would_not_read_is_not_handed_on(flower, browser):
    says = {"Accept-Language": "dé".encode("latin-1")}
    assert browser(flower.url).get("/flower/tasks", headers=says).status_code == 200
    assert "accept-language" not in {name.lower() for name in flower.asked[0][2]}


def test_only_the_list_of_tasks_is_asked_for_by_a_form_of_its_own_pages(flower, browser):
    ann = browser(flower.url)
    assert ann.post("/flower/tasks/datatable", content=b"draw=1").status_code == 200
    assert flower.asked[0][3] == b"draw=1"
    for elsewhere in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert ann.post("/flower/tasks/datatable", content=b"draw=1", headers=elsewhere).status_code == 403
    assert ann.post("/flower/api/task/revoke/1").status_code == 405
    assert ann.post("/flower/tasks/datatable", content=b"x" * 100_000).status_code == 422
    assert len(flower.asked) == 1


def test_who_has_no_work_here_sees_nothing_of_it(flower, browser):
    asked = browser(flower.url, who=None).get("/flower/tasks")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=/flower/tasks")
    assert browser(flower.url, who="nobody").get("/flower/tasks").status_code == 403
    assert browser(flower.url, who=None).post("/flower/tasks/datatable").status_code == 303
    assert flower.asked == []


def test_where_it_is_not_a_sentence_says_so(flower, browser):
    for url, said in ((None, "not set up here"), (f"http://127.0.0.1:{free_port(0)}", "does not answer")):
        answer = browser(url).get("/flower/")
        assert answer.status_code == 503
        assert said in answer.text
    flower.answers["/flower/"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    refused = browser(flower.url).get("/flower/")
    assert refused.status_code == 503
    assert "www-authenticate" not in refused.headers
    flower.answers["/flower/tasks"] = (302, {"Location": "https://evil.example/"}, b"")
    assert browser(flower.url).get("/flower/tasks").status_code == 404


def test_what_never_changes_is_kept_by_the_browser_of_whoever_may_see_it(flower, browser):
    ann = browser(flower.url)
    assert ann.get("/flower/static/js/a.js?v=1").headers["cache-control"] == "private, max-age=86400"
    assert ann.get("/flower/workers").headers["cache-control"] == "no-store"
