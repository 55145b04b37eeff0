"""The XMP packet that holds the implicit label of GB 45438-2025. Pure."""

import json
from xml.sax.saxutils import escape

import attrs

NAMESPACE = b"http://www.tc260.org.cn/ns/AIGC/1.0/"
MAX_PACKET_BYTES = 1024 * 1024
"""Larger packets are left as they are."""

_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_OPEN = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
_CLOSE = b'</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
_END_OF_RDF = b"</rdf:RDF>"


@attrs.frozen(kw_only=True)
class AigcLabel:
    """The producer of an image (the name or code of the service provider) and the id of the image."""

    producer: str
    produce_id: str

    def packet(self) -> bytes:
        """Return a complete packet with only the label."""
        return _HEAD + _OPEN + self._description() + _CLOSE

    def merged_into(self, packet: bytes) -> bytes:
        """Return another packet with the label added.

        A packet that has such a label is returned unchanged. A packet in which the place for the label cannot
        be found, because it is written in an unusual way, is replaced by `packet`.
        """
        if NAMESPACE in packet:
            return packet
        before, end, after = packet.rpartition(_END_OF_RDF)
        if not end or b"xmlns:rdf=" not in before:
            return self.packet()
        return before + self._description() + end + after

    def _description(self) -> bytes:
        value = {
            "Label": "1",
            "ContentProducer": self.producer,
            "ProduceID": self.produce_id,
            "ReservedCode1": "",
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        }
        text = escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")), {'"': "&quot;"})
        opening = b'<rdf:Description rdf:about="" xmlns:TC260="' + NAMESPACE + b'">'
        return opening + f"<TC260:AIGC>{text}</TC260:AIGC></rdf:Description>".encode("utf-8", "replace")
