"""The SQL of the outbox."""

PUT_REMOVAL = """
INSERT INTO outbox (kind, blob_key, image_id) VALUES ('remove', :blob_key, :image_id)
ON CONFLICT (kind, blob_key) DO NOTHING
"""

DELETE_UPLOAD = "DELETE FROM outbox WHERE kind = 'upload' AND blob_key = ?"
