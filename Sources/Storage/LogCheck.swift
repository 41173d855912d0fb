package import Primitives

/// What a check of a write-ahead log found.
package struct LogCheckResult: Hashable, Sendable {
    package var segments = 0
    package var batches = 0
    package var entries = 0
    package var groups: [GroupID] = []
    /// A batch that was never finished lies at the end; the next start cuts it. No fault.
    package var hasTornTail = false
    package var findings: [StorageFinding] = []
    package var isSound: Bool { findings.isEmpty }
    package init() {}
}

/// Verifies a log that nobody has open: reads all segments as an open does, and changes nothing. There is no
/// repair: what the log lost only the group's other members can give back. Remove the node's directory and let it join anew.
package enum LogCheck {
    package static func run(
        _ directory: String, identity: StorageIdentity? = nil, system: any FileSystem = .posix
    ) throws(StorageError) -> LogCheckResult {
        guard system.exists(directory), try system.names(directory).contains(where: { $0.hasSuffix(".wal") }) else {
            throw .corrupt(path: directory, offset: 0, what: "there is no log here")
        }
        let lock = try system.lock(directory)
        defer { lock.release() }
        var result = LogCheckResult()
        do throws(StorageError) {
            let replay = try LogReplay(directory, identity: identity, system: system)
            result.segments = replay.segments.count
            result.batches = replay.batches
            result.entries = replay.recovered.reduce(0) { $0 + $1.entries.count }
            result.groups = replay.recovered.map(\.group)
            result.hasTornTail = replay.segments.last?.isTorn ?? false
        } catch {
            guard case .corrupt(let path, let offset, let what) = error else { throw error }
            result.findings.append(StorageFinding(path: path, offset: offset, what: what))
        }
        return result
    }

    /// What the log remembers of every group, read as an open does and nothing changed. For whoever holds
    /// the lock of the data directory: a running node does.
    package static func recover(
        _ directory: String, identity: StorageIdentity? = nil, system: any FileSystem = .posix
    ) throws(StorageError) -> [RecoveredGroup] {
        let lock = try system.lock(directory)
        defer { lock.release() }
        return try LogReplay(directory, identity: identity, system: system).recovered
    }
}
