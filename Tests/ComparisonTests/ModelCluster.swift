import Comparison
import Filesystem
import Foundation
import Primitives
import Synchronization
import Workloads

/// A cluster that is a model: files are sizes, time is virtual, and every operation costs the round
/// trips that its kind pays. It keeps sizes and staged changes, so that reads return what was put.
final class ModelCluster: WorkloadClient, RunClock {
    struct File {
        var size: UInt64
        var isDirectory = false
    }

    struct Session {
        var filesystem: FilesystemID
        var region: RegionID
        var cached = Set<String>()
        var files: [String: File]
        var changed = Set<String>()
        var stagedBytes: UInt64 = 0
    }

    struct Handle {
        var session: SessionID
        var path: String
        var writes = false
        var publishesAtClose = false
        var buffered: UInt64 = 0
        var size: UInt64 = 0
        var readahead: UInt64 = 0
    }

    struct State {
        var now = Instant.zero
        var generator = SeededGenerator(seed: 5)
        var filesystems: [FilesystemID: [String: File]] = [:]
        var sessions: [SessionID: Session] = [:]
        var handles: [HandleID: Handle] = [:]
        var next: UInt64 = 1
        var links: [String: UInt64] = [:]
        var operations: [String] = []
        var counts: [String: Int] = [:]
        var deleted: [FilesystemID] = []
        var locks: [HandleID: Int] = [:]
    }

    let map: RegionMap
    let primary: RegionID
    /// Operations to fail: asked with the name of the operation and its number.
    let fails: @Sendable (String, Int) -> FileFailure?
    let state = Mutex(State())

    init(map: RegionMap, primary: RegionID, fails: @escaping @Sendable (String, Int) -> FileFailure? = { _, _ in nil }) {
        self.map = map
        self.primary = primary
        self.fails = fails
    }

    var holdsBytes: Bool { false }
    func now() -> Instant { state.withLock { $0.now } }
    func sleep(_ duration: Duration) async { state.withLock { $0.now = $0.now + duration } }

    func describe() async throws -> ClusterDescription {
        ClusterDescription(
            version: "0.1.0", regions: map.regions.map(\.id), shaping: "a model with virtual time",
            networkFileSystemDurability: "a majority of 3 replicas in the primary region, fsynced, data and metadata",
            volumeDurability: "a majority of the 3 voter regions, fsynced, data and metadata",
            roundTrips: map.links.map { .init(from: $0.from, to: $0.to, median: $0.roundTrip + .microseconds(400)) })
    }

    func createFilesystem(named name: String, kind: FilesystemKind, primary: RegionID) async throws -> FilesystemID {
        state.withLock { state in
            state.next += 1
            let id = FilesystemID(kind: kind, high: 0, low: state.next)
            state.filesystems[id] = ["": File(size: 0, isDirectory: true)]
            return id
        }
    }

    func deleteFilesystem(_ filesystem: FilesystemID) async throws {
        state.withLock {
            $0.filesystems[filesystem] = nil
            $0.deleted.append(filesystem)
        }
    }

    func openSession(_ filesystem: FilesystemID, in region: RegionID, options: SessionOptions, within: Duration?)
        async throws(FileFailure) -> SessionID
    {
        state.withLock { state in
            state.next += 1
            let id = SessionID(state.next)
            state.sessions[id] = Session(filesystem: filesystem, region: region, files: state.filesystems[filesystem] ?? [:])
            return id
        }
    }

    func closeSession(_ session: SessionID, in region: RegionID, within: Duration?) async {
        state.withLock { $0.sessions[session] = nil }
    }

    func linkBytes() async throws -> [LinkBytes] {
        state.withLock { state in
            map.links.map { LinkBytes(from: $0.from, to: $0.to, bytes: state.links["\($0.from) \($0.to)"] ?? 0) }
        }
    }

    func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: [UInt8]?, within: Duration?)
        async throws(FileFailure) -> (outcome: FileOutcome, data: [UInt8])
    {
        let result: Result<(FileOutcome, [UInt8]), FileFailure> = state.withLock { state in
            do throws(FileFailure) {
                let name = "\(operation)".prefix { $0.isLetter }
                state.operations.append(String(name))
                state.counts[String(name), default: 0] += 1
                if let failure = fails(String(name), state.counts[String(name)] ?? 0) { throw failure }
                return .success(try ModelOperation(cluster: self, region: region, session: session).run(operation, payload, &state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
