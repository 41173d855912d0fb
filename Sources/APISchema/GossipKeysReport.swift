package import Filesystem
package import Primitives

/// `GET /v1/gossip/keys`: the numbers of the keys by which a node seals and opens gossip; never the keys.
package struct GossipKeysReport: Sendable, Hashable {
    package var node: NodeID
    package var seals: UInt8
    /// Those that open, the one that seals first.
    package var opens: [UInt8]

    package init(node: NodeID, opens: [UInt8]) {
        self.node = node
        seals = opens.first ?? 0
        self.opens = opens
    }
}

extension GossipKeysReport: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("node", node.rawValue)
            $0.field("seals", UInt64(seals))
            $0.key("opens")
            $0.array { for key in opens { $0.value(key) } }
        }
    }

    package init(json: JSON) throws(FileFailure) {
        let numbers = try json.array("opens")
        self.init(node: NodeID(try json.unsigned("node")), opens: numbers.map { UInt8(clamping: $0.uint64 ?? 0) })
    }
}
