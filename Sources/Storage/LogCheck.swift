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

/// Verifies a log that nobody has open: reads all segments as an open does, and changes nothing.
///
/// `repair` mends what can be mended without guessing: it cuts a torn tail, removes segments that were never
/// finished, and writes a segment's header anew, of which everything is known from elsewhere. A batch that is
/// destroyed before the tail is left as it is: it may hold an entry or a vote that this node has acknowledged, and a
/// voter that forgets breaks what others rely on (docs/rfcs/2026-11-21-a-disk-that-was-emptied.md).
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

    /// As `run`, after mending what can be mended; says what was done.
    package static func repair(
        _ directory: String, identity: StorageIdentity?, system: any FileSystem = .posix
    ) throws(StorageError) -> (done: [String], result: LogCheckResult) {
        guard system.exists(directory), try system.names(directory).contains(where: { $0.hasSuffix(".wal") }) else {
            throw .corrupt(path: directory, offset: 0, what: "there is no log here")
        }
        let done = try mend(directory, identity: identity, system: system)
        return (done, try run(directory, identity: identity, system: system))
    }

    private static func mend(_ directory: String, identity: StorageIdentity?, system: any FileSystem) throws(StorageError) -> [String] {
        let lock = try system.lock(directory)
        defer { lock.release() }
        try refuseNewer(directory, system)
        var done: [String] = []
        for name in try system.names(directory) where name.hasSuffix(".wal.tmp") {
            try system.remove(directory + "/" + name)
            done.append("\(directory)/\(name): removed, it was never finished")
        }
        if let identity { done += try LogHeaderRepair(directory, identity: identity, system: system).run() }
        // Only of a log that is sound but for its tail.
        let tail: LogReplay.Segment?
        do throws(StorageError) {
            tail = try LogReplay(directory, identity: identity, system: system).segments.last
        } catch {
            guard case .corrupt = error else { throw error }
            return done
        }
        guard let tail, tail.isTorn else { return done }
        let file = try system.file(tail.path, .readWrite)
        try file.truncate(to: tail.end)
        try file.sync()
        done.append("\(tail.path) at offset \(tail.end): cut a batch that was never finished, and never acknowledged")
        return done
    }

    /// A log that a newer program has gone on with is not touched, not even what it left unfinished.
    private static func refuseNewer(_ directory: String, _ system: any FileSystem) throws(StorageError) {
        for name in try system.names(directory) where name.hasSuffix(".wal") {
            let file = try system.file(directory + "/" + name, .read)
            let head = try file.read(at: 0, count: LogSegmentHeader.size)
            do throws(StorageError) {
                _ = try head.withBytes { buffer throws(StorageError) in try LogSegmentHeader(buffer, path: file.path) }
            } catch {
                guard case .corrupt = error else { throw error }
            }
        }
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
