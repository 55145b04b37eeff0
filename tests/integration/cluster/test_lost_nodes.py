"""A node that dies or is stopped: another goes on with what it had, and nothing is paid for twice."""

import pytest

from tests.integration.api.asking import data, ended, finished, row, submit, until
from tests.integration.api.held_upstream import call_of

pytestmark = pytest.mark.one_python


def test_the_tasks_of_a_killed_node(nodes):
    """What had not left runs elsewhere; of what had, nobody knows the outcome, and it is sent once."""
    nodes.upstream.hold.clear()
    victim = nodes.start(queue={"workers": 1})
    with victim.client() as client:
        interrupted = call_of(client, nodes.upstream)
        waiting = data(submit(client))["task_id"]
    with nodes.start().client() as survivor:
        victim.kill()
        done, unknown = ended(survivor, waiting), ended(survivor, interrupted)

    assert ("completed", "failed", "outcome_unknown") == (
        done["status"],
        unknown["status"],
        unknown["error"]["code"],
    )
    assert (True, 1) == (unknown["error"]["possible_charge"], len(nodes.upstream.ledger))


def test_a_node_that_stops_is_gone_at_once(nodes):
    """Others need not wait until it counts as dead."""
    leaving, staying = nodes.start(roles=["api"]), nodes.start()
    with staying.client() as client:
        before = client.get("/health").json()["checks"]["cluster"]["nodes"]
        code = leaving.stop()
        after = client.get("/health").json()["checks"]["cluster"]["nodes"]

    assert (2, 0, 1) == (len(before), code, len(after))


def test_while_the_database_is_down(nodes, postgresql):
    """Nothing is accepted, the health says why, and with the database everything is back."""
    with nodes.start().client() as client:
        image = finished(client)["images"][0]
        with postgresql.stopped():
            report, refused = client.get("/health"), submit(client)
        again = until(lambda: submit(client).status_code, lambda status: status == 202)
        content = client.get(image["image_url"])

    assert (503, "failed", 503) == (
        report.status_code,
        report.json()["checks"]["database"],
        refused.status_code,
    )
    assert (202, 200) == (again, content.status_code)


def test_while_rights_are_missing(nodes, postgresql):
    """Nothing is accepted, and what is paid for meanwhile waits until an operator has set them right."""
    url = nodes.config["database"]
    name = url.partition("?")[0].rpartition("/")[2]
    rights = "INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
    postgresql.run("CREATE ROLE painter LOGIN IN ROLE pg_read_all_data")
    postgresql.run(f"GRANT {rights} TO painter", name)
    nodes.upstream.hold.clear()
    with nodes.start(database=postgresql.dsn(name, user="painter")).client() as client:
        paid = call_of(client, nodes.upstream)
        postgresql.run(f"REVOKE {rights} FROM painter", name)
        refused = submit(client)
        nodes.upstream.hold.set()
        until(lambda: nodes.started[0].log.count("the task waits for the disk"), bool)
        postgresql.run(f"GRANT {rights} TO painter", name)
        task = ended(client, paid)

    assert ((503, 50301, "unavailable"), "5") == (row(refused), refused.headers["Retry-After"])
    assert ("completed", 1) == (task["status"], len(nodes.upstream.ledger))


def test_while_the_bucket_is_down(nodes):
    """An image that it does not take is in the database, for every node, and moves there later."""
    with nodes.start().client() as near, nodes.start(roles=["api"]).client() as far:
        nodes.oss.down()
        image = finished(near)["images"][0]
        contents = [far.get(image["image_url"])]
        nodes.oss.up()
        until(lambda: data(far.get(f"/api/v1/images/{image['id']}"))["storage"], lambda state: state == "oss")
        contents.append(far.get(image["image_url"]))

    assert [200, 200] == [content.status_code for content in contents]
    assert contents[0].content == contents[1].content
