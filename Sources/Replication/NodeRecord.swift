package import Primitives

/// Where a node serves one protocol: `peer`, `gossip`, `http`, `nfs`, `s3`, …
package struct NodeEndpoint: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package static let maximumKeyLength = 32
    package static let maximumHostLength = 255
    /// The protocol; at most one endpoint a node has any key.
    package let key: String
    /// A host name or an IP address.
    package let host: String
    package let port: UInt16

    package init(key: String, host: String, port: UInt16) {
        self.key = key
        self.host = host
        self.port = port
    }

    package static func < (a: NodeEndpoint, b: NodeEndpoint) -> Bool { a.key.utf8.lexicographicallyPrecedes(b.key.utf8) }
    package var description: String { "\(key)=\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)" }

    package func encode(to writer: inout XDRWriter) {
        writer.write(key)
        writer.write(host)
        writer.write(UInt32(port))
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            key: try reader.string(limit: Self.maximumKeyLength), host: try reader.string(limit: Self.maximumHostLength),
            port: UInt16(try reader.uint32("port", in: 0...65_535)))
    }
}

/// A node as the catalog knows it. Whether it is alive is gossip's to say.
package struct NodeRecord: Hashable, Sendable, XDRCodable {
    /// Whether a node may be given data.
    package enum State: UInt32, Hashable, Sendable, CaseIterable {
        /// May hold replicas and chunks.
        case active = 1
        /// Serves what it has; gets nothing new; its replicas and chunks are moved elsewhere.
        case draining = 2
        /// Out of the cluster for good; its number is not used again.
        case removed = 3

        package var word: String {
            switch self {
            case .active: "active"
            case .draining: "draining"
            case .removed: "removed"
            }
        }
    }

    package static let maximumEndpoints = 16
    /// Heaviest node allowed.
    package static let maximumWeight: UInt32 = 1 << 20

    package let id: NodeID
    package var region: RegionID
    /// Unique among the nodes that are not removed.
    package var name: String
    /// Ordered by key.
    package var endpoints: [NodeEndpoint]
    /// Share of chunks and replicas that it gets, next to the other nodes of its region; such as its
    /// capacity in GiB. 1...1,048,576.
    package var weight: UInt32
    /// Names the data directory: 64 random bits, drawn when it was made; 0 until the node has told them. A
    /// node is its disk: one that comes with another directory has forgotten its votes and is refused.
    package var store: UInt64
    package var state: State
    package let joined: WallTime
    package var changed: WallTime

    package func endpoint(_ key: String) -> NodeEndpoint? { endpoints.first { $0.key == key } }

    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(region)
        writer.write(name)
        writer.write(endpoints)
        writer.write(weight)
        writer.write(store)
        writer.write(state.rawValue)
        writer.write(joined)
        writer.write(changed)
    }

    package init(
        id: NodeID, region: RegionID, name: String, endpoints: [NodeEndpoint], weight: UInt32, store: UInt64 = 0, state: State,
        joined: WallTime, changed: WallTime
    ) {
        self.id = id
        self.region = region
        self.name = name
        self.endpoints = endpoints
        self.weight = weight
        self.store = store
        self.state = state
        self.joined = joined
        self.changed = changed
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            id: try reader.value(), region: try reader.value(), name: try reader.string(limit: CatalogName.maximumLength),
            endpoints: try reader.array(limit: Self.maximumEndpoints),
            weight: try reader.uint32("weight", in: 1...Self.maximumWeight), store: try reader.uint64(),
            state: try reader.choice("state of a node"),
            joined: try reader.value(), changed: try reader.value())
    }
}

/// A node as it presents itself, at bootstrap or when it joins.
package struct NodeIntroduction: Hashable, Sendable, XDRCodable {
    package var region: RegionID
    package var name: String
    package var endpoints: [NodeEndpoint]
    package var weight: UInt32
    /// Names its data directory; 0 where that is not known (founders, before they have started).
    package var store: UInt64
    /// Whether it may be the first node of a region: otherwise a misspelt region would be a new one.
    package var beginsRegion: Bool

    package init(
        region: RegionID, name: String, endpoints: [NodeEndpoint], weight: UInt32, store: UInt64 = 0, beginsRegion: Bool = false
    ) {
        self.region = region
        self.name = name
        self.endpoints = endpoints
        self.weight = weight
        self.store = store
        self.beginsRegion = beginsRegion
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(region)
        writer.write(name)
        writer.write(endpoints)
        writer.write(weight)
        writer.write(store)
        writer.write(beginsRegion)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            region: try reader.value(), name: try reader.string(limit: CatalogCommand.textLimit),
            endpoints: try reader.array(limit: NodeRecord.maximumEndpoints), weight: try reader.uint32(), store: try reader.uint64(),
            beginsRegion: try reader.bool())
    }
}

/// A region in which some node is or was.
package struct RegionRecord: Hashable, Sendable, XDRCodable {
    package let id: RegionID
    package let since: WallTime
    package init(id: RegionID, since: WallTime) {
        self.id = id
        self.since = since
    }
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(since)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(id: try reader.value(), since: try reader.value())
    }
}
