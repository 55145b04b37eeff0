"""The oracle of the soak test: the promises of `tests.chaos`, with images being deleted and moved."""

import hashlib
import json
import subprocess

import attrs

from imagegen_adapters.archives.prefix import OWNER_MARK
from tests.chaos.promises import Promises
from tests.chaos.service import IMAGEGEN
from tests.chaos.upstream import image


@attrs.define
class SoakPromises(Promises):
    """Checks all promises and collects the broken ones, instead of stopping at the first.

    Args:
        deleted: ids of tasks of which a client tried to delete an image.
        seen_broken: what clients observed, such as an image that differs from its record.
    """

    deleted: set = attrs.field(factory=set)
    seen_broken: list = attrs.field(factory=list)
    doctor: str = ""
    counted: dict = attrs.field(factory=dict)

    def broken_at_the_end(self, stage):
        """Return a sentence for each broken promise; the service has just started and has no clients."""
        checks = (
            self.check_nothing_is_lost,
            self.check_every_task_ends,
            self.check_ends_are_final,
            self.check_failures_are_explained,
            self.check_last_events,
            self.check_money,
            lambda: self.check_storage(stage.oss),
            lambda: self.check_contents(stage),
            self.check_nothing_is_left_over,
            self.check_database,
            self.check_doctor,
        )
        broken = list(dict.fromkeys(self.seen_broken))
        for check in checks:
            try:
                check()
            except AssertionError as error:
                broken.append(str(error)[:2000])
        return broken

    def check_failures_are_explained(self):
        sql = """
            SELECT task_id FROM tasks
            WHERE status = 'failed' AND coalesce(json_extract(failure, '$.code'), '') = ''
        """
        silent = [row["task_id"] for row in self.service.rows(sql)]
        assert not silent, f"failed without a reason: {silent}"

    def check_contents(self, stage):
        """Every image is available through the API, as its record says and as the provider sent it."""
        images = self.service.rows(
            "SELECT images.*, job FROM images LEFT JOIN attempts USING (attempt_id) ORDER BY images.id"
        )
        self.counted["images compared at the end"] = len(images)
        wrong = []
        with self.service.client() as client:
            for row in images:
                answer = client.get(f"/api/v1/images/{row['id']}/content")
                digest = hashlib.sha256(answer.content).hexdigest()
                if not answer.is_success or digest != row["sha256"]:
                    wrong.append(f"image {row['id']}: {answer.status_code}")
                elif row["provider_name"] not in self.free and digest != _upstreams(row, stage.image_bytes):
                    wrong.append(f"image {row['id']} is not what the provider made")
                thumbnail = client.get(f"/api/v1/images/{row['id']}/thumbnail")
                if not thumbnail.is_success:
                    wrong.append(f"thumbnail {row['id']}: {thumbnail.status_code}")
        assert not wrong, f"images that cannot be read as they were: {wrong}"
        completed = {task_id for task_id, (status, *_) in self.ended.items() if status == "completed"}
        without = completed - {row["task_id"] for row in images} - self.deleted
        assert not without, f"completed without an image: {without}"
        assert not self.completed - completed, (
            f"seen as completed, and no longer so: {self.completed - completed}"
        )

    def check_storage(self, oss):
        """The bucket holds exactly the recorded images, and the disk holds no others."""
        with self.service.client() as client:
            sync = client.post("/api/v1/storage/sync", json={}).json()["data"]
            findings = client.post("/api/v1/storage/verify", json={}).json()["data"]
        recorded = {row["blob_key"] for row in self.service.rows("SELECT blob_key FROM images")}
        objects = {key.removeprefix("soak/") for key in oss.objects} - {OWNER_MARK}
        self.counted["objects in the bucket"] = len(objects)
        self.counted["files without a record"] = findings["orphans"]
        assert not sync["failed"], f"not to be uploaded: {sync}"
        assert findings["wrong"] == findings["orphans"], f"records that storage contradicts: {findings}"
        assert not recorded - objects, f"not in the bucket: {sorted(recorded - objects)}"
        assert not objects - recorded, f"in the bucket without a record: {sorted(objects - recorded)}"
        assert not findings["orphans"], f"on the disk without a record: {findings}"

    def check_doctor(self):
        command = [IMAGEGEN, "doctor", "--full"]
        environ = {**self.service.environment(), "IMAGEGEN_CONFIG": str(self.service.folder / "config.yaml")}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        self.doctor = done.stdout + done.stderr
        assert done.returncode == 0, f"doctor: {self.doctor}"


def _upstreams(row, image_bytes):
    """Return the SHA-256 of what the provider sent for an image."""
    name = row["attempt_id"]
    if row["model_id"] == "job":
        name = f"/files/{json.loads(row['job'])['id']}.png"
    return hashlib.sha256(image(name, image_bytes)).hexdigest()
