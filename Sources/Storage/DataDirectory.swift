package import Primitives

/// The id of a cluster: 128 random bits, written as 32 hexadecimal digits. Made by whoever makes the cluster.
package struct ClusterID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
    /// Reads the text form; nil where it is not one.
    package init?(_ text: String) {
        guard let bytes = Hex.decode(text), bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }
    /// A new one, from the system's randomness.
    package static func random() -> ClusterID { ClusterID(high: SystemCall.random(), low: SystemCall.random()) }
    package var description: String {
        func digits(_ word: UInt64) -> [UInt8] {
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
        return Hex.encode(digits(high) + digits(low))
    }
}

/// Whose data it is: written into every directory and every log segment, so that a directory of another
/// cluster or node is refused before it does harm.
package struct StorageIdentity: Hashable, Sendable, CustomStringConvertible {
    package let cluster: ClusterID
    package let node: NodeID
    package init(cluster: ClusterID, node: NodeID) {
        self.cluster = cluster
        self.node = node
    }
    package var description: String { "node \(node) of cluster \(cluster)" }
}

/// A node's data directory, open and locked for as long as this object lives:
///
/// | name | what |
/// |---|---|
/// | `atoll.json` | format version, cluster, node, and the directory's own name: `{"format": 1, "cluster": "…32 hex digits…", "node": 3, "store": "…16 hex digits…"}` |
/// | `lock` | held while a process uses the directory |
/// | `chunks/` | the chunk store (`ChunkStore`) |
/// | `log/` | the write-ahead log of all groups (`WriteAheadLog`) |
/// | `snapshots/` | snapshots of the groups (`SnapshotStore`) |
package final class DataDirectory: Sendable {
    package static let format: UInt64 = 1

    package let path: String
    package let identity: StorageIdentity
    /// Drawn when the directory was made: a node that comes with another one has lost its data.
    package let store: UInt64
    private let lock: any DirectoryHold

    package var chunks: String { path + "/chunks" }
    package var log: String { path + "/log" }
    package var snapshots: String { path + "/snapshots" }

    /// Opens the directory of this node; an empty or missing one becomes it.
    package init(_ path: String, identity: StorageIdentity, system: any FileSystem = .posix) throws(StorageError) {
        try system.makeDirectories(path)
        lock = try system.lock(path)
        self.path = path
        self.identity = identity
        if let (found, store) = try Self.read(path, system: system) {
            guard found == identity else { throw .foreign(path: path, expected: identity.description, found: found.description) }
            self.store = store
            // Its maker may have been killed, or have failed, before the name was durable.
            try system.syncDirectory(path)
        } else {
            let strangers = try system.names(path).filter { $0 != "lock" && $0 != "atoll.json.tmp" }
            if ["chunks", "log", "snapshots"].contains(where: strangers.contains) {
                throw .corrupt(path: path + "/atoll.json", offset: 0, what: "it is missing, but the directory holds data")
            }
            store = SystemCall.random() | 1
            let description = FlatJSON([
                ("format", .number(Self.format)), ("cluster", .text(identity.cluster.description)),
                ("node", .number(identity.node.rawValue)), ("store", .text(Self.text(store))),
            ])
            try system.replace(path + "/atoll.json", with: description.bytes)
        }
    }

    /// Lets the directory go, for another process or another part of this one.
    package func close() { lock.release() }

    /// Whose directory it is, without locking it; nil where it is nobody's yet.
    package static func readIdentity(_ path: String, system: any FileSystem = .posix) throws(StorageError) -> StorageIdentity? {
        try read(path, system: system)?.identity
    }

    private static func text(_ store: UInt64) -> String {
        Hex.encode(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: store >> UInt64($0)) })
    }

    private static func read(_ path: String, system: any FileSystem) throws(StorageError) -> (identity: StorageIdentity, store: UInt64)? {
        let name = path + "/atoll.json"
        guard system.exists(name) else { return nil }
        let bytes = try system.file(name, .read).read(at: 0, count: 4_096)
        guard let json = FlatJSON(bytes), let format = json.number("format") else {
            throw .corrupt(path: name, offset: 0, what: "it does not describe a data directory")
        }
        guard format <= Self.format else { throw .newerFormat(path: path, found: format, supported: Self.format) }
        guard let text = json.text("cluster"), let cluster = ClusterID(text), let node = json.number("node"),
            let store = json.text("store").flatMap({ Hex.decode($0) }), store.count == 8
        else {
            throw .corrupt(path: name, offset: 0, what: "it names no cluster, node and directory")
        }
        return (StorageIdentity(cluster: cluster, node: NodeID(node)), store.reduce(0) { $0 << 8 | UInt64($1) })
    }
}
